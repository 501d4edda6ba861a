"""The times an exported event states -> the time it happened, in UTC.

Exporters write the time of the event as UTC, as local time with its zone, as local time without
one, or as local time marked ``Z``. The log itself holds UTC. So what the event says of itself
(``UtcTime`` in its data) is taken where the exporter's time is far from it, and where only the
exporter's own ``@timestamp`` can tell, it is taken when the distance is one of a time zone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from exopsy.core.clock import parse_utc
from exopsy.evidence.events.notes import (
    TIME_FROM_TIMESTAMP,
    TIME_FROM_UTC_TIME,
    TIME_ZONE_ASSUMED,
)
from exopsy.evidence.times import read_iso_or_us

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"/Date\((-?\d{1,17})(?:[+-]\d{4})?\)/$")
_NUMBER = re.compile(r"-?\d{1,17}(?:\.\d{1,12})?$")
_ZONED = re.compile(r"\d:?\d\d(?::\d\d)?(?:\.\d+)?\s?([Zz]|[+-]\d\d:?\d\d)$")
_CLOSE = timedelta(minutes=1)
_QUARTER = 900
_ZONES = timedelta(hours=14)


def read_time(value: object) -> tuple[datetime | None, str]:
    """Read a time as an exporter writes it.

    Returns:
        Aware UTC or None; and what it says of its zone: ``""`` nothing, ``"Z"`` UTC, ``"+"`` an
        offset, or a count from 1970 which needs none.
    """
    if type(value) is dict:  # {"value": "/Date(...)/", "DateTime": "..."}
        value = value.get("value", value.get("DateTime"))
    if type(value) is list:
        value = value[0] if value else None
    if type(value) is int:
        return _since_1970(float(value)), "+"
    if not isinstance(value, str) or len(value) > 64:
        return None, ""
    text = value.strip()
    found = _DATE.match(text)
    if found:
        return _since_1970(int(found[1]) / 1000), "+"
    if _NUMBER.match(text):
        return _since_1970(float(text)), "+"
    zone = _ZONED.search(text)
    moment = read_iso_or_us(text)
    return moment, "" if zone is None else "Z" if zone[1] in "Zz" else "+"


def choose(
    stated: object, utc_time: object = None, timestamp: object = None
) -> tuple[datetime | None, str | None]:
    """Choose the time of an event.

    Args:
        stated: the exporter's time of the event.
        utc_time: what the event's own data says (``UtcTime``), always UTC.
        timestamp: the exporter's ``@timestamp``: UTC, but perhaps the time of arrival.

    Returns:
        Aware UTC or None; and a word for ``Row.notes``, or None where nothing had to be chosen.
    """
    if utc_time is None and timestamp is None and type(stated) is str and stated[-1:] == "Z":
        moment = parse_utc(stated)  # the usual case, without looking closer
        if moment is not None:
            return moment, None
    moment, zone = read_time(stated)
    if zone == "+":
        return moment, None
    own = read_time(utc_time)[0]
    if own is not None:
        if moment is not None and abs(moment - own) <= _CLOSE:
            return moment, None
        return own, TIME_FROM_UTC_TIME
    arrival = read_time(timestamp)[0]
    if arrival is not None:
        if moment is None:
            return arrival, TIME_FROM_TIMESTAMP
        if _is_zone(moment - arrival):
            return arrival, TIME_FROM_TIMESTAMP
        if abs(moment - arrival) <= _CLOSE:
            return moment, None
    return moment, None if zone or moment is None else TIME_ZONE_ASSUMED


def _is_zone(distance: timedelta) -> bool:
    """Say whether two times lie as far apart as a local time and UTC: quarters of an hour."""
    rest = abs(distance.total_seconds()) % _QUARTER
    return _CLOSE < abs(distance) <= _ZONES and min(rest, _QUARTER - rest) <= _CLOSE.seconds


def _since_1970(seconds: float) -> datetime | None:
    """Seconds, or milliseconds where seconds would lie beyond the year 5000."""
    if abs(seconds) > 1e11:
        seconds /= 1000
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
