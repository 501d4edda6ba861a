"""Times of consecutive pieces of an event log -> the times that it covers."""

from __future__ import annotations

from datetime import datetime

from exopsy.evidence.record_span import JOINED_WITHIN

_MOST = 10_000


def add_span(spans: list[tuple[datetime, datetime]], start: datetime, end: datetime) -> None:
    """Add the earlier and later time of the next piece; pieces close to each other become one.

    A log that is read from its oldest record on, and one that an exporter wrote newest first, are
    both consecutive. A log whose times jump about for ever becomes one long span in the end.
    """
    if spans:
        first, last = spans[-1]
        touches = first - JOINED_WITHIN <= end and start <= last + JOINED_WITHIN
        if touches or len(spans) >= _MOST:
            spans[-1] = (min(first, start), max(last, end))
            return
    spans.append((start, end))
