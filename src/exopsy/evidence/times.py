"""Text of a time in a log -> aware UTC; None where it is none."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from exopsy.core.clock import parse_utc

# 3/14/2023 1:05:09 PM : M/d/yyyy h:mm:ss with or without the half of the day
_US = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4})[ T](\d{1,2}):(\d{2}):(\d{2})(?:[  \u202f]([AaPp])\.?[Mm]\.?)?$"
)


def read_iso(text: str) -> datetime | None:
    """Read ``2021-03-03T04:05:06.789Z``; a time without zone is UTC (these logs write UTC)."""
    try:
        return parse_utc(text)
    except OverflowError:  # year 1 or 9999 with a zone
        return None


def read_iso_or_us(text: str) -> datetime | None:
    """Read ISO 8601, or ``M/d/yyyy h:mm:ss AM``, taken as UTC."""
    found = _US.match(text)
    if found is None:
        return read_iso(text)
    month, day, year, hour, minute, second = (int(part) for part in found.groups()[:6])
    half = found[7]
    if half is not None:
        # 12 AM is midnight, 12 PM is noon
        hour = hour % 12 + (12 if half in "Pp" else 0)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
