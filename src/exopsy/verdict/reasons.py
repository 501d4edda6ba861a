"""What carries the conclusion -> sentences, each with the findings it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from exopsy.core.clock import UNTIMED
from exopsy.schema.case import LEVELS, Backdoor, Exposure, Finding, Reason
from exopsy.schema.chain import ChainSpec
from exopsy.verdict.windows import is_closed
from exopsy.verdict.wording import Known
from exopsy.verdict.words import backdoor_kind, between, count, join, log_title, quote

_MOST_REASONS = 25
_MOST_IDS = 50


def give_reasons(known: Known, exposure: Sequence[Exposure]) -> list[Reason]:
    """Return the reasons, the weightiest first."""
    reasons = [_of_backdoor(backdoor) for backdoor in known.seen.backdoors]
    reasons += [_of_rule(group) for group in _by_title(known.seen.findings)]
    dropped = len(reasons) - _MOST_REASONS
    if dropped > 0:
        reasons[_MOST_REASONS:] = [Reason(text=f"And {count(dropped, 'further reason')}.")]
    reasons += _of_attempts(known.seen.attempts, known.chains, exposure)
    if known.seen.rung is None:
        reasons.append(_of_silence(known))
    return reasons


def _of_backdoor(backdoor: Backdoor) -> Reason:
    parts = [f"A way back in: the {backdoor_kind(backdoor.kind)} {quote(backdoor.path)}"]
    if backdoor.planted_at:
        parts.append(f"planted {quote(backdoor.planted_at)}")
    if backdoor.used_by:
        parts.append(f"used by {count(len(backdoor.used_by), 'operator')}")
    if backdoor.requests:
        parts.append(f"{count(backdoor.requests, 'request')} to it")
    if backdoor.last_use:
        parts.append(f"last use {quote(backdoor.last_use)}")
    return Reason(text=f"{', '.join(parts)}.", finding_ids=backdoor.finding_ids[:_MOST_IDS])


def _by_title(findings: Sequence[Finding]) -> list[list[Finding]]:
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.rule_id, finding.grade), []).append(finding)
    return sorted(
        groups.values(),
        key=lambda g: (g[0].grade != "use", -LEVELS.index(g[0].level), g[0].first_seen, g[0].title),
    )


def _of_rule(group: Sequence[Finding]) -> Reason:
    what = {"success": "its effect was seen", "use": "in use"}.get(group[0].grade, "tried")
    logs = sorted({log_title(f.log) for f in group if f.log})
    where = f" in the {join(logs)}" if logs else ""
    timed = [f for f in group if f.first_seen != UNTIMED]
    what = what if timed else "found in the server's state"
    times = f" {_days(timed)}" if timed else ""
    noun = "record" if timed else "place"
    text = (
        f"{quote(group[0].title)} ({what}): {count(sum(f.count for f in group), noun)}"
        f"{where}{times}."
    )
    return Reason(text=text, finding_ids=[f.id for f in group][:_MOST_IDS])


def _of_attempts(
    attempts: Sequence[Finding], chains: Sequence[ChainSpec], exposure: Sequence[Exposure]
) -> list[Reason]:
    """Tell attempts by chain; those on days when the server was patched are background."""
    specs = {spec.chain: spec for spec in chains}
    groups: dict[tuple[str, bool], list[Finding]] = {}
    for finding in attempts:
        spec = specs.get(finding.chain or "")
        is_background = spec is not None and all(
            is_closed(spec, exposure, day) for day in _first_and_last(finding)
        )
        groups.setdefault((finding.chain or "", is_background), []).append(finding)
    reasons = []
    for (chain, is_background), group in sorted(groups.items()):
        name = quote(specs[chain].name if chain in specs else chain) if chain else ""
        target = f"on {name}" if name else "to find somebody's web shell"
        text = f"Attempts {target}: {count(sum(f.count for f in group), 'record')} {_days(group)}"
        if is_background:
            text += "; the server was patched on those days, so they are background"
        reasons.append(Reason(text=f"{text}.", finding_ids=[f.id for f in group][:_MOST_IDS]))
    return reasons


def _of_silence(known: Known) -> Reason:
    if known.conclusion != "inconclusive":
        spans = [w.days for w in known.asked]
        if not spans:
            return Reason(
                text="No known hole was open on the days asked about, and those were read."
            )
        days = between(min(d[0] for d in spans), max(d[-1] for d in spans))
        return Reason(
            text=f"The logs that would show a success are complete for every day {days} on which a"
            f" hole was open ({count(len(spans), 'hole')})."
        )
    if known.last is None:
        return Reason(text="No log of this server could be read.")
    dark = [w for w in known.asked if w.missing]
    names = join([quote(w.spec.name) for w in dark])
    return Reason(
        text=f"A success would not show on some days for {count(len(dark), 'hole')}: {names}."
        if dark
        else "Some of the days asked about were not read."
    )


def _first_and_last(finding: Finding) -> list[date]:
    try:
        return [date.fromisoformat(t[:10]) for t in (finding.first_seen, finding.last_seen)]
    except ValueError:
        return [date.min]


def _days(group: Sequence[Finding]) -> str:
    first, last = min(f.first_seen for f in group)[:10], max(f.last_seen for f in group)[:10]
    return f"on {quote(first)}" if first == last else f"from {quote(first)} to {quote(last)}"
