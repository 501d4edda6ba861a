"""Time: the one place that reads the clock, and the one way a time is written."""

from __future__ import annotations

from datetime import UTC, datetime

UNTIMED = "1601-01-01T00:00:00Z"
"""Stands in a document for the time of what carries none: a state, not an event."""


def now_utc() -> datetime:
    """Return the current time, aware, UTC. Called in ``cli`` only and passed down."""
    return datetime.now(UTC)


def format_utc(moment: datetime) -> str:
    """Write an aware time as ``2021-03-03T04:05:06.789Z``; milliseconds only where there are any."""
    moment = moment.astimezone(UTC)
    if moment.microsecond:
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def parse_utc(text: str) -> datetime | None:
    """Read an ISO 8601 time as aware UTC; a time without zone is taken as UTC; None if it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
