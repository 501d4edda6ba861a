"""Days and moments of the case document -> the short forms that reports show."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from exopsy.core.clock import UNTIMED


def moment(text: str | None) -> str:
    """Write a time to the minute: ``2021-03-03 04:05 UTC``; a bare day stays a day."""
    if not text:
        return "unknown"
    if len(text) < 16 or text[10] != "T":
        return text
    return f"{text[:10]} {text[11:16]} UTC"


def span(first: str | None, last: str | None) -> str:
    """Write two times as one phrase: ``2021-03-01 to 2021-03-09``."""
    if first == UNTIMED and last == UNTIMED:
        return "as it is now, without a time"
    if not first and not last:
        return "at any time"
    if not first:
        return f"until {moment(last)}"
    if not last:
        return f"from {moment(first)} on"
    begin, end = moment(first), moment(last)
    return begin if begin == end else f"{begin} to {end}"


def runs(days: Iterable[str]) -> list[tuple[str, str]]:
    """Join days that follow each other: the first and last day of each run, in order.

    What is no day stands for itself.
    """
    found: list[tuple[str, str]] = []
    for day in sorted(set(days)):
        if found and _next(found[-1][1]) == day:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def runs_text(days: Iterable[str], most: int = 6) -> str:
    """Write runs of days: ``2021-03-06 to 2021-03-07, 2021-03-09 and 4 more``."""
    joined = runs(days)
    shown = ", ".join(a if a == b else f"{a} to {b}" for a, b in joined[:most])
    return shown if len(joined) <= most else f"{shown} and {len(joined) - most} more"


def calendar(days: Iterable[str], most: int) -> list[str]:
    """Return every day from the first to the last of these, the newest ``most`` of them."""
    known = sorted(day for day in days if _next(day))
    if not known:
        return []
    last = date.fromisoformat(known[-1])
    count = min((last - date.fromisoformat(known[0])).days + 1, most)
    return [(last - timedelta(days=back)).isoformat() for back in reversed(range(count))]


def _next(day: str) -> str | None:
    try:
        return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return None
