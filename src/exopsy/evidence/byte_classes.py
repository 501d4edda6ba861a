"""The bytes of one artifact -> how many of them are of which class, and where its headers are.

Coverage is counted on bytes, never on what a rule happened to parse, so it is the same whatever
rules are loaded. Two versions that a law holds equal: line by line, and whole blocks with numpy.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from exopsy.evidence.framing import RECORD_BYTES, rest_of_line
from exopsy.evidence.layout_tracker import LayoutTracker
from exopsy.evidence.line_judge import LineJudge, undecodable_in
from exopsy.evidence.record_span import RecordSpans
from exopsy.schema.artifact import ByteClasses
from exopsy.schema.format import FormatSpec, Layout

_NEWLINE = 10
_ZERO = np.uint8(ord("0"))
_TWO = np.uint8(ord("2"))


def classify_plainly(
    stream: BinaryIO, spec: FormatSpec, max_bytes: int = RECORD_BYTES
) -> tuple[ByteClasses, int]:
    """Classify line by line: the definition.

    Args:
        stream: at its beginning.
        spec: the artifact's format.
        max_bytes: how much of one line is looked at; what is past it counts as cut.

    Returns:
        The classes, and how many lines there are.
    """
    judge = LineJudge(spec)
    offset = 0
    while line := stream.readline(max_bytes):
        judge.line(line, offset)
        offset += len(line)
        for rest in rest_of_line(stream, line, max_bytes):
            judge.passed_over(rest)
            offset += len(rest)
    judge.settle()
    return judge.classes, judge.lines


class LineStarts(NamedTuple):
    """What was seen of the lines of a block."""

    lines: int
    """How many end in it."""
    odd: list[int] | None
    """Where the ended lines start, in order, that don't begin with a digit, hold a NUL byte or are too
    long: headers are among them. None where the block starts inside a line."""


class BlockClassifier:
    """Classifies an artifact that comes in blocks, in order.

    Blocks are best cut at line ends; one that is not costs a copy of its last line. Every record of
    every format begins with a digit (its time), so a line that does not, or that holds a NUL byte,
    is looked at for itself; the others are counted together.

    Args:
        spec: the artifact's format.
        max_bytes: how much of one line is looked at.
    """

    def __init__(self, spec: FormatSpec, max_bytes: int = RECORD_BYTES) -> None:
        self._judge = LineJudge(spec)
        self._spans = RecordSpans(spec)
        self._max_bytes = max_bytes
        self._carry = bytearray()
        self._carry_at = 0
        self._end = 0
        self._odd: list[int] = []
        self._is_newline = np.empty(0, dtype=np.bool_)
        self._from_zero = np.empty(0, dtype=np.uint8)
        self._is_odd = np.empty(0, dtype=np.bool_)

    @property
    def tracker(self) -> LayoutTracker:
        """The layouts along the artifact, as far as it was fed."""
        return self._judge.tracker

    @property
    def classes(self) -> ByteClasses:
        """The classes so far; final after ``finish``."""
        return self._judge.classes

    @property
    def lines(self) -> int:
        """Lines so far: before a block is fed, the number of lines before that block."""
        return self._judge.lines

    @property
    def spans(self) -> list[tuple[datetime, datetime]]:
        """Earliest and latest of the first and last record's time of consecutive pieces, UTC."""
        return self._spans.spans

    @property
    def builds(self) -> dict[str, str]:
        """Day -> Exchange build (``15.1.2375.7``) that header blocks state."""
        return self._judge.tracker.builds

    def feed_buffer(self, buffer: bytearray, size: int, base_offset: int) -> LineStarts:
        """Take the next block, which lies at the beginning of a buffer; an ordinary one uncopied.

        Args:
            buffer: holds the block; what is behind it is not looked at.
            size: bytes of the block.
            base_offset: where it begins in the artifact.
        """
        if not self._carry and size and buffer[size - 1] == _NEWLINE:
            lines = self._ordinary(buffer, size)
            if lines:
                self._end = base_offset + size
                return LineStarts(lines, [])
        with memoryview(buffer) as view:
            return self.feed(view[:size], base_offset)

    def feed(self, block: memoryview | bytes, base_offset: int) -> LineStarts:
        """Take the next block.

        Args:
            block: any bytes.
            base_offset: where they begin in the artifact.
        """
        data = block if isinstance(block, bytes) else bytes(block)
        if not data:
            return LineStarts(0, [])
        begun, before = bool(self._carry), self.lines
        self._odd = []
        self._classify(data, base_offset)
        return LineStarts(self.lines - before, None if begun else self._odd)

    def _classify(self, data: bytes, base_offset: int) -> None:
        self._end = base_offset + len(data)
        start = 0
        if self._carry:
            start = data.find(b"\n") + 1 or len(data)
            self._carry_on(data[:start])
            if data[start - 1] == _NEWLINE:
                self._end_carry()
        stop = data.rfind(b"\n", start) + 1
        if stop:
            self._whole_lines(
                data[start:stop] if start or stop < len(data) else data, base_offset + start
            )
            start = stop
        if start < len(data):
            self._carry_at = base_offset + start
            self._carry_on(data[start:])

    def finish(self, tail: memoryview | bytes = b"") -> None:
        """Take what follows the last block, and the end of the artifact."""
        if tail:
            self.feed(tail, self._end)
        if self._carry:
            self._end_carry()
        self._judge.settle()

    def _carry_on(self, data: bytes) -> None:
        """Keep the beginning of a line whose end is not known yet, as far as it is looked at."""
        room = self._max_bytes - len(self._carry)
        self._carry += data[:room]
        self._judge.passed_over(data[room:])

    def _end_carry(self) -> None:
        line = bytes(self._carry)
        self._carry.clear()
        if line.endswith(b"\n"):
            self._whole_lines(line, self._carry_at)
        else:
            self._judge.line(line, self._carry_at)
            if line[:1].isdigit():
                layout = self.tracker.latest
                self._spans.add(line, layout, line, layout)

    def _whole_lines(self, data: bytes, offset: int) -> None:
        """Take a block that ends with a line end: odd lines one by one, the others in runs."""
        if self._ordinary(data, len(data)):
            return
        view = np.frombuffer(data, dtype=np.uint8)
        ends = np.flatnonzero(self._is_newline[: len(view)]) + 1
        lowest = int(view.view(np.int8).min())  # below 0: not ASCII
        odd = _odd_lines(view, ends, may_hold_nul=lowest <= 0, max_bytes=self._max_bytes)
        runs: list[tuple[bytes, Layout, bytes]] = []
        done = 0  # lines
        at = 0  # bytes
        for index in (*odd, len(ends)):
            if index > done:
                stop = int(ends[index - 1])
                last = data[int(ends[index - 2]) if index > 1 else 0 : stop]
                bad = undecodable_in(data[at:stop]) if lowest < 0 else 0
                self._judge.ordinary(stop - at, bad, index - done, last)
                runs.append((data[at : int(ends[done])], self.tracker.latest, last))
                at = stop
            if index < len(ends):
                stop = int(ends[index])
                line = data[at:stop]
                self._odd.append(at)
                self._judge.line(line[: self._max_bytes], offset + at)
                self._judge.passed_over(line[self._max_bytes :])
                at, done = stop, index + 1
        if runs:
            self._spans.add(runs[0][0], runs[0][1], runs[-1][2], runs[-1][1])

    def _ordinary(self, data: bytes | bytearray, size: int) -> int:
        """Take whole lines if none has to be looked at for itself; return how many, or 0.

        That is the usual block. ``_is_newline`` is made in any case.
        """
        view = np.frombuffer(data, dtype=np.uint8, count=size)
        if len(self._is_newline) < size:
            self._is_newline = np.empty(size, dtype=np.bool_)
            self._from_zero = np.empty(size, dtype=np.uint8)
            self._is_odd = np.empty(size, dtype=np.bool_)
        is_newline = np.equal(view, _NEWLINE, out=self._is_newline[:size])
        if not self._are_ordinary(data, view, is_newline):
            return 0
        lines = int(np.count_nonzero(is_newline))
        first = bytes(data[: data.find(b"\n", 0, size) + 1])
        last = bytes(data[data.rfind(b"\n", 0, size - 1) + 1 : size])
        bad = 0 if data.isascii() else undecodable_in(bytes(view.data))
        self._judge.ordinary(size, bad, lines, last)
        layout = self.tracker.latest
        self._spans.add(first, layout, last, layout)
        return lines

    def _are_ordinary(
        self,
        data: bytes | bytearray,
        view: np.ndarray[Any, np.dtype[np.uint8]],
        is_newline: np.ndarray[Any, np.dtype[np.bool_]],
    ) -> bool:
        """Say whether every line begins with a digit, and none is too long or holds a NUL byte."""
        if len(view) > self._max_bytes or not 0x30 <= data[0] <= 0x39:
            return False
        if data.find(0, 0, len(view)) >= 0:
            return False
        size = len(view) - 1
        # Nearly all records begin with a year of this millennium; look closer only where not.
        is_odd = np.not_equal(view[1:], _TWO, out=self._is_odd[:size])
        np.logical_and(is_odd, is_newline[:-1], out=is_odd)
        if not is_odd.any():
            return True
        from_zero = np.subtract(view[1:], _ZERO, out=self._from_zero[:size])  # wraps below "0"
        is_odd = np.greater(from_zero, 9, out=self._is_odd[:size])
        np.logical_and(is_odd, is_newline[:-1], out=is_odd)
        return not is_odd.any()


def _odd_lines(
    view: np.ndarray[Any, np.dtype[np.uint8]],
    ends: np.ndarray[Any, np.dtype[np.intp]],
    *,
    may_hold_nul: bool,
    max_bytes: int,
) -> list[int]:
    """Return the numbers (from 0) of lines to look at for themselves, in order."""
    firsts = view[ends[:-1]]
    odd = np.flatnonzero((firsts - _ZERO) > 9) + 1  # wraps round below "0"
    parts = [odd]
    if not _ZERO <= view[0] <= _ZERO + 9:
        parts.append(np.zeros(1, dtype=np.intp))
    if may_hold_nul:
        parts.append(np.searchsorted(ends, np.flatnonzero(view == 0), side="right"))
    if len(view) > max_bytes:
        parts.append(np.flatnonzero(np.diff(ends, prepend=0) > max_bytes))
    if len(parts) > 1:
        odd = np.unique(np.concatenate(parts))
    return [int(number) for number in odd]
