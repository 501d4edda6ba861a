"""Verdict, story and exposure of a host -> the values that actions speak of.

A value that is not there is not in the answer, so that an action can depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from exopsy.schema.case import GRADES, Backdoor, Effect, Exposure, Finding, Verdict
from exopsy.schema.chain import ChainSpec
from exopsy.schema.story import Story
from exopsy.verdict.words import backdoor_kind, join, log_place, quote

VALUES = frozenset(
    {
        "host", "backdoors", "addresses", "accounts", "chains", "open_holes", "updates",
        "config_holes", "unknown_build", "gaps", "logs", "blind", "mail", "mailboxes",
        "credentials", "exfiltration", "lateral", "ransomware", "blinding",
    }
)  # fmt: skip
_MOST = 15


class Value(msgspec.Struct, frozen=True):
    """Text that goes into a sentence, and the findings behind it."""

    text: str
    finding_ids: tuple[str, ...] = ()

    @staticmethod
    def of_backdoor(backdoor: Backdoor) -> dict[str, Value]:
        """Return ``path``, ``kind`` and ``state`` of one backdoor."""
        ids = tuple(backdoor.finding_ids)
        state = {"present": "it is still there", "removed": "it was removed since"}
        return {
            "path": Value(quote(backdoor.path), ids),
            "kind": Value(backdoor_kind(backdoor.kind), ids),
            "state": Value(state.get(backdoor.state, "whether it is still there is not known")),
        }


def values_of(
    *,
    host: str,
    verdict: Verdict,
    story: Story,
    findings: Sequence[Finding],
    exposure: Sequence[Exposure],
    chains: Sequence[ChainSpec],
) -> dict[str, Value]:
    """Collect what is known of a host, by the names in ``VALUES``."""
    known = {
        "host": Value(quote(host, 60)),
        **_of_story(story, chains),
        **_of_exposure(exposure, chains, story),
        **_of_verdict(verdict, chains),
        **_of_impact(story),
        **_of_findings(findings),
    }
    return {name: value for name, value in known.items() if value.text}


def _of_story(story: Story, chains: Sequence[ChainSpec]) -> dict[str, Value]:
    names = {spec.chain: spec.name for spec in chains}
    used = [chain for chain in story.chains if chain.grade != "attempt"]
    return {
        "backdoors": Value(
            join([quote(b.path) for b in story.backdoors], _MOST),
            tuple(key for b in story.backdoors for key in b.finding_ids),
        ),
        "addresses": _list(address for o in story.operators for address in o.addresses),
        "accounts": _list(account for o in story.operators for account in o.accounts),
        "chains": Value(
            join([quote(names.get(c.chain, c.chain), 60) for c in used], _MOST),
            tuple(key for c in used for key in c.finding_ids),
        ),
    }


def _of_exposure(
    exposure: Sequence[Exposure], chains: Sequence[ChainSpec], story: Story
) -> dict[str, Value]:
    """Say which holes are open as of the last sighting, those of the observed chains first."""
    told = [c.chain for c in sorted(story.chains, key=lambda c: -GRADES.index(c.grade))]
    by_grade = sorted(chains, key=lambda s: told.index(s.chain) if s.chain in told else len(told))
    entry = [cve for spec in by_grade for cve in spec.entry_cves or spec.cves]
    now: dict[str, Exposure] = {}
    for e in exposure:
        latest = now.get(e.cve)
        if latest is None or (e.from_ or "") >= (latest.from_ or ""):
            now[e.cve] = e
    ordered = sorted(
        now.values(), key=lambda e: (entry.index(e.cve) if e.cve in entry else len(entry), e.cve)
    )
    is_open = [e for e in ordered if e.state in ("vulnerable", "presumed-vulnerable")]
    known = [e for e in is_open if e.from_ is not None]
    updates = dict.fromkeys(e.fixed_in for e in known if e.fixed_in)
    return {
        "open_holes": _list((e.cve for e in known), most=10),
        "updates": _list(updates, most=6),
        "config_holes": _list((e.cve for e in ordered if e.state == "needs-config-check"), most=10),
        "unknown_build": Value("unknown" if is_open and not known else ""),
    }


def _of_verdict(verdict: Verdict, chains: Sequence[ChainSpec]) -> dict[str, Value]:
    gaps = [gap for gap in verdict.gaps if gap.text]
    logs = dict.fromkeys(gap.log for gap in gaps if gap.log)
    names = {spec.chain: spec for spec in chains}
    blind = [
        names[w.chain].name
        for w in verdict.windows
        if w.chain in names and not names[w.chain].success_logs
    ]
    return {
        "gaps": Value(" ".join(gap.text for gap in gaps[:5])),
        "logs": Value("; ".join(log_place(log) for log in list(logs)[:8])),
        "blind": _list(blind, most=8),
    }


def _of_impact(story: Story) -> dict[str, Value]:
    impact = story.impact
    return {
        "mail": _effects(impact.mail_access),
        "credentials": _effects(impact.credentials),
        "exfiltration": _effects(impact.exfiltration),
        "lateral": _effects(impact.lateral_movement),
        "ransomware": _effects(impact.ransomware),
        "blinding": _effects(impact.blinding),
    }


def _of_findings(findings: Sequence[Finding]) -> dict[str, Value]:
    """Name the mailboxes that findings of success or use are about."""
    boxes: dict[str, list[str]] = {}
    for finding in findings:
        if finding.grade == "attempt":
            continue
        for field, value in finding.subject.items():
            # "MailboxId", "ImpersonatedUser", "Parameters.Mailbox": columns that name a mailbox.
            if any(word in field.lower() for word in ("mailbox", "impersonated", "actas")):
                boxes.setdefault(value, []).append(finding.id)
    ids = tuple(key for keys in boxes.values() for key in keys)
    return {"mailboxes": Value(join([quote(box) for box in boxes], _MOST), ids)}


def _effects(effects: Sequence[Effect]) -> Value:
    texts = [
        f"{quote(e.text, 200)}{'' if e.state == 'seen' else ' (possible, not seen)'}"
        for e in effects
    ]
    return Value(join(texts, 8), tuple(key for e in effects for key in e.finding_ids))


def _list(values: Iterable[str], most: int = _MOST) -> Value:
    return Value(join([quote(value) for value in dict.fromkeys(values)], most))
