"""What a correlation is fed with: a rule matched a record."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from exopsy.schema.row import Origin

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LONG = 600
_KEPT = 512

Place = tuple[str, str, int, int]
"""Where a record lies: host, artifact, offset, line."""
Order = tuple[int, Place, str]


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One rule matched one record. A record that several rules matched makes several hits."""

    rule: str
    """Id of the rule."""
    timestamp: datetime | None
    """UTC; None where the record carries no time that can be read."""
    fields: Mapping[str, str]
    """The record's fields as rules see them (decoded)."""
    many: Mapping[str, tuple[str, ...]] = {}
    """All values of those fields that have several."""
    host: str = ""
    origin: Origin

    def order(self) -> Order:
        """Return what hits are sorted by: time (without one first), then where the record lies."""
        time = -(1 << 63) if self.timestamp is None else microseconds(self.timestamp)
        return (time, self.place(), self.rule)

    def place(self) -> Place:
        """Return where the record lies."""
        origin = self.origin
        return (self.host, origin.artifact, origin.offset, origin.line)

    def values(self, field: str, most: int) -> tuple[str, ...]:
        """Return the distinct values of a field, shortened; no more than ``most``."""
        several = self.many.get(field)
        if several is None:
            one = self.fields.get(field)
            return () if one is None else (shortened(one),)
        return tuple(dict.fromkeys(shortened(value) for value in several))[:most]


def microseconds(moment: datetime) -> int:
    """Return an aware time as microseconds since 1970."""
    return (moment - EPOCH) // _MICROSECOND


def moment_of(time: int) -> datetime:
    """Return microseconds since 1970 as an aware time, UTC."""
    return EPOCH + time * _MICROSECOND


def shortened(value: str) -> str:
    """Cut a long value such that different values stay different; short ones are left alone.

    Halves of surrogate pairs are spelled out, as they can't be written as UTF-8. Doing it twice
    changes nothing more.
    """
    if not value.isascii():
        value = value.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(value) <= _LONG:
        return value
    digest = hashlib.sha256(value.encode()).hexdigest()[:32]
    return f"{value[:_KEPT]}…{digest}"
