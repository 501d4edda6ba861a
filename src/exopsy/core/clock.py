"""Time: the one place that reads the clock, and the one way a time is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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


def from_unix(seconds: float, ticks: int = 0) -> datetime | None:
    """Read seconds since 1970 (and 100 ns ticks) as aware UTC; 0 is "none stated", as is nonsense."""
    if not seconds and not ticks:
        return None
    try:
        return _UNIX + timedelta(seconds=seconds, microseconds=ticks // 10)
    except (OverflowError, ValueError):
        return None


def from_filetime(ticks: int) -> datetime | None:
    """Read a Windows FILETIME (100 ns since 1601, UTC); 0 is "none stated", as is nonsense."""
    if ticks <= 0:
        return None
    try:
        return _WINDOWS + timedelta(microseconds=ticks // 10)
    except OverflowError:
        return None


_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
_WINDOWS = datetime(1601, 1, 1, tzinfo=UTC)


def parse_utc(text: str) -> datetime | None:
    """Read an ISO 8601 time as aware UTC; a time without zone is taken as UTC; None if it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
