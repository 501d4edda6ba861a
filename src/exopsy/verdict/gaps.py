"""Windows and coverage -> what evidence was needed and not there, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from exopsy.schema.case import Coverage, Gap
from exopsy.verdict.windows import full_days
from exopsy.verdict.wording import Known
from exopsy.verdict.words import between, day_ranges, join, log_title, quote

_MOST_RANGES = 12
_STATES = {
    "partial": "was read with losses; what was lost there can't be ruled out",
    "failed": "was there but could not be read",
    "absent": "was not in the evidence at all",
}


def find_gaps(known: Known, coverage: Sequence[Coverage]) -> list[Gap]:
    """Return the gaps: days without the logs a window needs, losses, and what no log can show."""
    needed: dict[str, set[date]] = {}
    names: dict[str, list[str]] = {}
    for window in known.asked:
        for log in {log for group in window.spec.success_logs for log in group}:
            needed.setdefault(log, set()).update(window.missing)
            if window.missing:
                names.setdefault(log, []).append(quote(window.spec.name, 60))
    full = full_days(coverage)
    gaps: list[Gap] = []
    for log in sorted(needed):
        gaps += _of_log(log, needed[log] - full.get(log, set()), names.get(log, []))
    gaps += _of_states(coverage)
    gaps += _of_blindness(known)
    return gaps + _past_the_end(known)


def _of_log(log: str, days: set[date], names: Sequence[str]) -> list[Gap]:
    ranges = day_ranges(days)
    gaps = [
        _gap(
            log,
            f"The {log_title(log)} is missing or incomplete {between(a, b)}; a success of"
            f" {join(names)} on those days would not show in it.",
            a,
            b,
        )
        for a, b in ranges[:_MOST_RANGES]
    ]
    if rest := ranges[_MOST_RANGES:]:
        text = f"The {log_title(log)} has {len(rest)} more such gaps."
        gaps.append(_gap(log, text, rest[0][0], rest[-1][1]))
    return gaps


def _of_states(coverage: Sequence[Coverage]) -> list[Gap]:
    return [
        Gap(
            text=f"The {log_title(entry.log)} {_STATES[entry.state]}.",
            log=entry.log,
            from_=entry.from_,
            to=entry.to,
        )
        for entry in coverage
        if entry.state in _STATES
    ]


def _of_blindness(known: Known) -> list[Gap]:
    """Name the holes whose success no text log shows."""
    gaps = []
    for window in known.asked:
        if not window.spec.success_logs:
            why = quote(window.spec.not_visible_because, 300).rstrip(".") or "no log shows it"
            first, last = window.days[0], window.days[-1]
            text = f"{quote(window.spec.name)} ({between(first, last)}) can't be judged by logs: {why}."
            gaps.append(_gap("", text, first, last))
    return gaps


def _past_the_end(known: Known) -> list[Gap]:
    if known.until is None or known.last is None or known.until <= known.last:
        return []
    first = known.last + timedelta(1)
    text = f"Nothing was read {between(first, known.until)}, though those days were asked about."
    return [_gap("", text, first, known.until)]


def _gap(log: str, text: str, first: date, last: date) -> Gap:
    return Gap(text=text, log=log, from_=first.isoformat(), to=last.isoformat())
