"""First and last record line of consecutive pieces of an artifact -> the times that it covers."""

from __future__ import annotations

from datetime import datetime, timedelta

from exopsy.evidence.registry import load
from exopsy.evidence.times import read_iso_or_us
from exopsy.schema.format import FormatSpec, Layout
from exopsy.schema.row import Origin, Row

JOINED_WITHIN = timedelta(minutes=10)
"""Pieces that follow each other no later than this are told as one."""
_NOWHERE = Origin(artifact="", offset=0, line=0)
_TIME_BYTES = 40


class RecordSpans:
    """Collects spans; pieces come in the order of the artifact."""

    def __init__(self, spec: FormatSpec) -> None:
        self._time_column = spec.time_column.encode()
        self._parse_record = load(spec).parse_record
        self.spans: list[tuple[datetime, datetime]] = []
        """Earlier and later of the two times of each piece, UTC."""

    def add(self, first: bytes, first_layout: Layout, last: bytes, last_layout: Layout) -> None:
        """Take the first and the last record of a piece, each with the layout in force for it."""
        times = [self._time_of(first, first_layout), self._time_of(last, last_layout)]
        known = [time for time in times if time is not None]
        if not known:
            return
        start, end = min(known), max(known)
        if self.spans and self.spans[-1][0] <= start <= self.spans[-1][1] + JOINED_WITHIN:
            self.spans[-1] = (self.spans[-1][0], max(end, self.spans[-1][1]))
        else:
            self.spans.append((start, end))

    def _time_of(self, line: bytes, layout: Layout) -> datetime | None:
        """Read only the leading bytes where the time leads, else the whole record."""
        columns = layout.columns
        if columns[:2] == ("date", "time"):
            return _read(line[:19])
        if columns and columns[0].encode() == self._time_column:
            return _read(line[:_TIME_BYTES].partition(b",")[0])
        row = self._parse_record(line.rstrip(b"\r\n"), layout, _NOWHERE, "")
        return row.timestamp if isinstance(row, Row) else None


def _read(text: bytes) -> datetime | None:
    return read_iso_or_us(text.decode("ascii", "replace").strip())
