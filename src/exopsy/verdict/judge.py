"""Story, findings, coverage and exposure of one host -> its verdict.

What was seen leads up (``ladder``); below that, what was *not* seen decides (``windows``). Silence
is good news only about evidence that was read: ``attempted`` and ``no-evidence-found`` may be said
only when the logs that would show a success are complete for every hole and every day that it was
open within the question. Otherwise the word is ``inconclusive``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import msgspec

from exopsy.schema.case import (
    CONCLUSIONS,
    Conclusion,
    Confidence,
    Coverage,
    CoverageGrade,
    Exposure,
    Finding,
    Reason,
    Verdict,
)
from exopsy.schema.chain import ChainSpec
from exopsy.schema.rule import RuleInfo
from exopsy.schema.story import Story
from exopsy.verdict.gaps import find_gaps
from exopsy.verdict.ladder import Seen, climb, of_chain
from exopsy.verdict.reasons import give_reasons
from exopsy.verdict.windows import AskedWindow, ask, first_day, full_days, grade, last_day, render
from exopsy.verdict.wording import Known, summarise, what_would_change
from exopsy.verdict.words import quote

_GRADES: tuple[CoverageGrade, ...] = ("insufficient", "partial", "sufficient")


def judge(
    *,
    host: str,
    story: Story,
    findings: Sequence[Finding],
    rules: Mapping[str, RuleInfo],
    coverage: Sequence[Coverage],
    exposure: Sequence[Exposure],
    chains: Sequence[ChainSpec],
    since: date | None,
    until: date | None,
) -> Verdict:
    """Conclude about one host.

    Args:
        host: its name.
        story: what correlation made of it.
        findings: of this host, all of them; display ids as the case document gives them.
        rules: what the findings' rules mean.
        coverage: what was read, by log and day.
        exposure: which hole was open when; a hole of which it says nothing counts as open.
        chains: the chains whose use is asked about.
        since: first day of the question; None: from each hole's first known use.
        until: last day of the question; None: the last day of evidence.
    """
    seen = climb(findings, story)
    asked = ask(chains, coverage=coverage, exposure=exposure, since=since, until=until)
    covered = _coverage_of(asked, coverage, since, until)
    conclusion: Conclusion
    if seen.rung is not None:
        conclusion = seen.rung
    elif covered == "sufficient":
        conclusion = "attempted" if seen.attempts else "no-evidence-found"
    else:
        conclusion = "inconclusive"
    known = Known(
        host=host, conclusion=conclusion, seen=seen, story=story, asked=asked, chains=chains,
        first=first_day(coverage), last=last_day(coverage), since=since, until=until,
    )  # fmt: skip
    return Verdict(
        conclusion=conclusion,
        coverage=covered,
        confidence=_confidence(conclusion, seen, rules, coverage),
        attempts_seen=bool(seen.attempts),
        summary=summarise(known),
        reasons=give_reasons(known, exposure),
        windows=[render(w, _of_window(w, findings, story)) for w in asked],
        gaps=find_gaps(known, coverage),
        would_change=what_would_change(known),
    )


def strongest(verdicts: Sequence[tuple[str, Verdict]]) -> Verdict:
    """Return the verdict of the collection: the strongest host's, with what the others leave open.

    Args:
        verdicts: host names and their verdicts. Coverage is the worst of all hosts, so that one
            well covered server lends no comfort to the others.
    """
    if not verdicts:
        return _nothing_read()
    host, top = max(
        verdicts,
        key=lambda pair: (
            CONCLUSIONS.index(pair[1].conclusion),
            ("low", "moderate", "high").index(pair[1].confidence),
        ),
    )
    if len(verdicts) == 1:
        return top
    reasons = list(top.reasons)
    for other in reversed(CONCLUSIONS):
        names = sorted(quote(n, 40) for n, v in verdicts if v.conclusion == other and n != host)
        if names:
            shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if names[10:] else "")
            reasons.append(Reason(text=f"Other servers with the verdict {other}: {shown}."))
    return msgspec.structs.replace(
        top,
        coverage=min((v.coverage for _, v in verdicts), key=_GRADES.index),
        attempts_seen=any(v.attempts_seen for _, v in verdicts),
        reasons=reasons,
    )


def _nothing_read() -> Verdict:
    return Verdict(
        conclusion="inconclusive",
        coverage="insufficient",
        confidence="low",
        attempts_seen=False,
        summary=(
            "This collection holds no log of a server that could be read. Nothing can be said about"
            " a break-in, neither that there was one nor that there was none. Collect the logs"
            " named in the documentation and examine again."
        ),
    )


def _coverage_of(
    asked: Sequence[AskedWindow],
    coverage: Sequence[Coverage],
    since: date | None,
    until: date | None,
) -> CoverageGrade:
    """Return the worst window's coverage; without windows, whether each asked day was read at all."""
    if asked:
        return min((window.coverage for window in asked), key=_GRADES.index)
    first, last = since or first_day(coverage), until or last_day(coverage)
    if first is None or last is None or first > last:
        return "insufficient"
    days = {first + timedelta(n) for n in range((last - first).days + 1)}
    read = set().union(*full_days(coverage).values())
    return grade(len(days), len(days - read))


def _of_window(window: AskedWindow, findings: Sequence[Finding], story: Story) -> Conclusion:
    own = of_chain(findings, story, window.spec.chain)
    seen = climb(own, story)
    if seen.rung is not None:
        return seen.rung
    if window.missing:
        return "inconclusive"
    return "attempted" if seen.attempts else "no-evidence-found"


def _confidence(
    conclusion: Conclusion,
    seen: Seen,
    rules: Mapping[str, RuleInfo],
    coverage: Sequence[Coverage],
) -> Confidence:
    if conclusion == "inconclusive":
        return "low"
    if seen.rung is None:
        return "high" if all(entry.state == "read" for entry in coverage) else "moderate"
    if any(b.used_by or b.requests for b in seen.backdoors):
        return "high"
    logs = {f.log for f in seen.findings if f.log}
    for finding in seen.findings:
        # Aggregates over several logs carry none of their own; their rule names what it reads.
        if not finding.log and finding.rule_id in rules:
            logs.update(rules[finding.rule_id].logs[:1])
    return "high" if len(logs) >= 2 else "moderate" if logs else "low"
