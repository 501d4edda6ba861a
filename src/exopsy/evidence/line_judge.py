"""One line after the other -> the class of each of its bytes. The rules of coverage stand here."""

from __future__ import annotations

from typing import NamedTuple

from exopsy.evidence.exchange_csv import split_cells
from exopsy.evidence.framing import NUL_RUN, trim
from exopsy.evidence.layout_tracker import LayoutTracker
from exopsy.evidence.registry import load
from exopsy.schema.artifact import ByteClasses
from exopsy.schema.columns import COLUMNS
from exopsy.schema.format import FormatSpec


def undecodable_in(data: bytes) -> int:
    """Count the bytes that belong to no valid UTF-8 sequence."""
    if data.isascii():
        return 0
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return _undecodable_from(data, error.start)
    return 0


def _undecodable_from(data: bytes, start: int) -> int:
    """Count from the first such byte on, piece by piece: most pieces have none."""
    bad = 0
    while start < len(data):
        stop = start + _PIECE
        while stop < len(data) and data[stop] >= 0x80:  # never inside a sequence
            stop += 1
        piece = data[start:stop]
        if not piece.isascii():
            bad += len(piece) - len(piece.decode("utf-8", "ignore").encode())
        start = stop
    return bad


_PIECE = 8 << 10


def field_count(raw: bytes, spec: FormatSpec) -> int:
    """Count a record's fields, by its separators alone."""
    if not COLUMNS[spec.name].csv:
        return raw.count(b" ") + 1
    return len(split_cells(raw.decode("utf-8", "replace")))


class _Pending(NamedTuple):
    """The last record so far: torn, if what comes next is a header, a NUL run or the end."""

    record: bytes
    size: int
    undecodable: int
    columns: int


class LineJudge:
    """Sums up byte classes line by line."""

    def __init__(self, spec: FormatSpec) -> None:
        self._spec = spec
        self._is_header = load(spec).is_header
        self._pending: _Pending | None = None
        self.tracker = LayoutTracker(spec)
        self.classes = ByteClasses()
        self.lines = 0

    def line(self, line: bytes, offset: int) -> None:
        """Take one line, its end included, or as much of it as may be looked at."""
        self.lines += 1
        start = 0
        if b"\0" in line:
            for run in NUL_RUN.finditer(line):
                self._segment(line[start : run.start()], offset + start)
                self.classes.nul += len(run[0])
                self.settle()
                start = run.end()
        self._segment(line[start:], offset + start)

    def passed_over(self, data: bytes) -> None:
        """Take bytes of a line that are past what may be looked at."""
        nul = data.count(0)
        self.classes.nul += nul
        self.classes.cut += len(data) - nul

    def ordinary(self, size: int, undecodable: int, lines: int, last: bytes) -> None:
        """Take whole lines that are records without NUL bytes, all at once.

        Args:
            size: bytes, line ends included.
            undecodable: bytes among them that are no UTF-8.
            lines: how many they are.
            last: the last of them, with its line end.
        """
        self.lines += lines
        self.classes.records += size - undecodable
        self.classes.undecodable += undecodable
        self._wait(last[: trim(last)[1]], len(last), undecodable_in(last))

    def settle(self) -> None:
        """Say that a header block, a NUL run or the end follows: a short last record is torn."""
        pending, self._pending = self._pending, None
        if pending and field_count(pending.record, self._spec) < pending.columns:
            self.classes.records -= pending.size - pending.undecodable
            self.classes.undecodable -= pending.undecodable
            self.classes.cut += pending.size

    def _segment(self, segment: bytes, offset: int) -> None:
        """Take what stands between two NUL runs of a line."""
        start, end = trim(segment)
        nul = segment.count(0)
        marks = start - segment.count(0, 0, start)
        size = len(segment) - nul - marks
        self.classes.nul += nul
        self.classes.headers += marks
        piece = segment[start:end]
        if not piece:
            self.classes.records += size
        elif self._is_header(piece):
            self.settle()
            self.classes.headers += size
            self.tracker.header(offset + start, piece)
        else:
            undecodable = undecodable_in(piece)
            self.classes.records += size - undecodable
            self.classes.undecodable += undecodable
            self._wait(piece, size, undecodable)

    def _wait(self, record: bytes, size: int, undecodable: int) -> None:
        columns = len(self.tracker.latest.columns)
        self._pending = _Pending(record, size, undecodable, columns)
