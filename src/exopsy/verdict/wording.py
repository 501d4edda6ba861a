"""A conclusion and what carries it -> three sentences for somebody who is no forensics expert.

What happened; since when, by which door, by whom as far as that can be known; what to do, or what
can't be known. No conclusion is ever worded as a promise: what was not seen was "not seen in the
logs that were read".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from exopsy.core.clock import UNTIMED
from exopsy.schema.case import Conclusion
from exopsy.schema.chain import ChainSpec
from exopsy.schema.story import Story
from exopsy.verdict.ladder import Seen
from exopsy.verdict.windows import AskedWindow
from exopsy.verdict.words import backdoor_kind, between, count, join, quote


class Known(msgspec.Struct, kw_only=True):
    """Everything that sentences are made of."""

    host: str
    conclusion: Conclusion
    seen: Seen
    story: Story
    asked: list[AskedWindow]
    chains: Sequence[ChainSpec]
    first: date | None
    last: date | None
    """First and last day of which anything was read."""
    since: date | None
    until: date | None


def summarise(known: Known) -> str:
    """Return the three sentences."""
    return " ".join((_what(known), _since_when(known), _what_now(known)))


def chain_names(known: Known) -> list[str]:
    """Return the names of the chains that were used with success, in the story's order."""
    names = {spec.chain: spec.name for spec in known.chains}
    told = [c.chain for c in known.story.chains if c.grade != "attempt"]
    told += [f.chain for f in known.seen.findings if f.chain]
    return [quote(names.get(chain, chain), 60) for chain in dict.fromkeys(told)]


def _what(known: Known) -> str:
    host = quote(known.host, 60)
    match known.conclusion:
        case "compromised":
            found = known.seen.backdoors
            if not found:
                return f"{host} was broken into: an intruder's actions on the server were seen."
            first = f"the {backdoor_kind(found[0].kind)} {quote(found[0].path)}"
            more = "" if len(found) == 1 else f", and {count(len(found) - 1, 'other way')} back in"
            return f"{host} was broken into: {first} was found{more}."
        case "exploited":
            return (
                f"A hole in {host} was used with success ({join(chain_names(known)) or 'unnamed'})."
            )
        case "suspicious":
            return f"{host} shows signs of a break-in that need a person's judgement."
        case "attempted":
            return (
                f"Somebody tried to break into {host}, and the logs that would show a success show"
                " none."
            )
        case "no-evidence-found":
            return f"No evidence of a break-in was found on {host} in the logs that were read."
        case "inconclusive":
            return f"This evidence can't say whether {host} was broken into."


def _since_when(known: Known) -> str:
    if known.seen.rung is None:
        return _what_was_read(known)
    carried = known.seen.findings
    starts = [f.first_seen for f in carried if f.first_seen != UNTIMED]
    starts += [b.planted_at for b in known.seen.backdoors if b.planted_at]
    when = quote(min(starts)[:10]) if starts else "an unknown day"
    doors = chain_names(known)
    door = f" through {join(doors)}" if doors else ", by a door that this evidence does not show"
    if known.conclusion == "suspicious" and not starts:
        return "It is a state without a time, and an innocent explanation is possible."
    if known.conclusion == "suspicious":
        return f"The first sign is of {when}, and an innocent explanation is possible."
    if known.conclusion == "exploited":
        return f"It is first seen on {when}; nothing done afterwards was seen in this evidence."
    active = {user for b in known.seen.backdoors for user in (*b.used_by, b.planted_by) if user}
    active = active or {o.id for o in known.story.operators if o.actions}
    who = (
        f"{count(len(active), 'operator')} can be told apart" if active else "by whom is not known"
    )
    return f"It is first seen on {when}{door}; {who}."


def _what_was_read(known: Known) -> str:
    tried = (
        "Attempts were seen, but their outcome is not known everywhere"
        if known.conclusion == "inconclusive" and known.seen.attempts
        else "No success was seen in what was read"
    )
    if known.first is None or known.last is None:
        return "No log of it could be read."
    read = between(known.first, known.last)
    if known.conclusion != "inconclusive":
        return f"What was read was written {read}, and says nothing of the time before or after."
    dark = [window for window in known.asked if window.missing]
    if not dark:
        return f"{tried}, and some days that were asked about are missing (logs were read {read})."
    holes = join([quote(w.spec.name, 60) for w in dark], most=3)
    return f"{tried}, and for {holes} there are days without the logs that would show a success."


def _what_now(known: Known) -> str:
    match known.conclusion:
        case "compromised":
            return (
                "Preserve the evidence, cut the server off and follow the actions in their order;"
                " a patch alone does not remove an intruder."
            )
        case "exploited":
            return (
                "Treat it as broken into until its files and accounts have been looked at, because"
                " what an intruder does next often leaves no line in these logs."
            )
        case "suspicious":
            return "Look at the findings listed below and decide before anything is deleted."
        case "inconclusive":
            return "Collect what the gaps name, or look at the server's files, and examine again."
        case _:
            return (
                "What leaves no line in such logs, like an implant in memory, can't be ruled out,"
                " so keep the server patched and its logs for longer."
            )


def what_would_change(known: Known) -> list[str]:
    """Say which evidence would raise or lower the conclusion."""
    dark = [quote(w.spec.name, 60) for w in known.asked if w.missing and w.spec.success_logs]
    blind = [quote(w.spec.name, 60) for w in known.asked if not w.spec.success_logs]
    by_silence = [
        f"Complete logs of the missing days for {join(dark)}: a success in them raises the"
        " conclusion, their silence would settle those days."
    ] * bool(dark)
    by_silence += [
        f"The server's event logs, files and configuration, for {join(blind)}, which no text log"
        " shows."
    ] * bool(blind)
    match known.conclusion:
        case "compromised":
            return [
                "Nothing lowers it except proof that the findings it rests on have an innocent"
                " cause; each names the explanations to check."
            ]
        case "exploited":
            return [
                "A backdoor, a command or a foreign session after the exploit would make it"
                " compromised.",
                "Proof that the request was an authorised test would lower it.",
            ]
        case "suspicious":
            return [
                "A backdoor or an exploit tied to these findings would raise it.",
                "An innocent explanation for each finding would lower it to what the coverage"
                " allows.",
            ]
        case "inconclusive":
            return [*by_silence, "Any sign of success in evidence not read yet would raise it."]
        case _:
            return [
                "Any sign of success in logs, event logs or files not in this evidence would raise"
                " it.",
                "Evidence of the time before the first log would widen what can be said.",
            ]
