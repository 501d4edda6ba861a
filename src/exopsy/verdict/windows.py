"""Chains, exposure and coverage -> one window per hole: when was it open, and were the logs there?

A window runs from the day the hole was first known to be used (or the start of the question) to
the first day on which the server is seen patched (that day included: it was patched at some hour
of it), or to the end of the question, or to the last day of evidence. Days on which every entry
CVE is patched or not affected need no logs; days of which no exposure speaks count as open,
because nothing says otherwise. A day is covered when, of at least one alternative of the chain's
success logs, every log is ``full``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import msgspec

from exopsy.schema.case import Conclusion, Coverage, CoverageGrade, Exposure, Window
from exopsy.schema.chain import ChainSpec
from exopsy.verdict.words import between, count, log_title, quote

_CLOSED = frozenset({"patched", "not-affected"})
_DAY = timedelta(days=1)


class AskedWindow(msgspec.Struct, kw_only=True):
    """A chain's question, with the days that decide it."""

    spec: ChainSpec
    days: list[date]
    """Days on which the hole was open, and the day on which it was closed."""
    missing: list[date]
    """Those of them that no alternative of the success logs covers."""

    @property
    def coverage(self) -> CoverageGrade:
        """Sufficient when no day is missing; partial when at least half are there."""
        return grade(len(self.days), len(self.missing))


def grade(days: int, missing: int) -> CoverageGrade:
    """Grade a number of days of which some are missing."""
    if not missing:
        return "sufficient"
    return "partial" if 2 * missing <= days else "insufficient"


def ask(
    chains: Sequence[ChainSpec],
    *,
    coverage: Sequence[Coverage],
    exposure: Sequence[Exposure],
    since: date | None,
    until: date | None,
) -> list[AskedWindow]:
    """Return the windows of those chains that were open at some time of the question.

    An ``until`` past the last day of evidence is taken at its word: those days were asked about
    and were not read. Without ``until`` the question ends with the evidence.
    """
    end = until or last_day(coverage)
    if end is None:
        return []
    full = full_days(coverage)
    asked = []
    for spec in chains:
        if spec.first_known_use is None:
            continue
        start = max(spec.first_known_use, since) if since else spec.first_known_use
        days = _open_days(spec, exposure, start, end)
        if days:
            missing = [day for day in days if not _is_covered(day, spec, full)]
            asked.append(AskedWindow(spec=spec, days=days, missing=missing))
    return asked


def render(asked: AskedWindow, conclusion: Conclusion) -> Window:
    """Turn a window into the case document's."""
    spec, days = asked.spec, asked.days
    open_when = f"{spec.name}: taken as open {between(days[0], days[-1])}"
    if not spec.success_logs:
        why = quote(spec.not_visible_because, 300) or "no text log shows a success"
        text = f"{open_when}; logs can't settle it: {why.rstrip('.')}."
    else:
        logs = " or ".join(" with ".join(log_title(x) for x in g) for g in spec.success_logs)
        there = len(days) - len(asked.missing)
        text = (
            f"{open_when}; logs that would show a success ({logs}) were complete"
            f" on {there} of {count(len(days), 'day')}."
        )
    return Window(
        from_=days[0].isoformat(),
        to=days[-1].isoformat(),
        chain=spec.chain,
        conclusion=conclusion,
        coverage=asked.coverage,
        basis="logs" if len(asked.missing) < len(days) else "none",
        text=text,
    )


def full_days(coverage: Sequence[Coverage]) -> dict[str, set[date]]:
    """Return for each log the days on which it was complete."""
    full: dict[str, set[date]] = {}
    for entry in coverage:
        days = (date.fromisoformat(day) for day, state in entry.days.items() if state == "full")
        full.setdefault(entry.log, set()).update(days)
    return full


def last_day(coverage: Sequence[Coverage]) -> date | None:
    """Return the last day of which anything was read."""
    days = [day for entry in coverage for day, state in entry.days.items() if state != "none"]
    return date.fromisoformat(max(days)) if days else None


def first_day(coverage: Sequence[Coverage]) -> date | None:
    """Return the first day of which anything was read."""
    days = [day for entry in coverage for day, state in entry.days.items() if state != "none"]
    return date.fromisoformat(min(days)) if days else None


def is_closed(spec: ChainSpec, exposure: Sequence[Exposure], day: date) -> bool:
    """Say whether it is known that the hole was closed on a day.

    Every entry CVE must be closed: a chain's list may hold alternatives.
    """
    cves = spec.entry_cves or spec.cves
    return bool(cves) and all(
        any(e.cve == cve and e.state in _CLOSED and _holds(e, day) for e in exposure)
        for cve in cves
    )


def _open_days(spec: ChainSpec, exposure: Sequence[Exposure], start: date, end: date) -> list[date]:
    cves = spec.entry_cves or spec.cves
    relevant = [e for e in exposure if e.cve in cves]
    days: list[date] = []
    was_open = False
    for n in range((end - start).days + 1):
        day = start + n * _DAY
        is_open = not is_closed(spec, relevant, day)
        if is_open or was_open:
            days.append(day)
        was_open = is_open
    return days


def _holds(entry: Exposure, day: date) -> bool:
    text = day.isoformat()
    return (entry.from_ is None or entry.from_[:10] <= text) and (
        entry.to is None or text <= entry.to[:10]
    )


def _is_covered(day: date, spec: ChainSpec, full: Mapping[str, set[date]]) -> bool:
    return any(all(day in full.get(log, ()) for log in group) for group in spec.success_logs)
