r"""A stream of bytes -> the lines in it, each with its place: the plain framing, the definition.

A line ends at ``\n``; ``\r`` before it, a byte-order mark at its start and NUL bytes at its ends are
not part of it. A crash leaves a run of NUL bytes where a writer had reserved space, often with the
next header right behind it on the same "line", so a run of eight or more splits a line in two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from exopsy.core.limits import Limits
from exopsy.schema.format import Layout
from exopsy.schema.row import Origin, Row, Skipped

BOM = b"\xef\xbb\xbf"
NUL_RUN = re.compile(rb"\x00{8,}")
RECORD_BYTES = Limits().record_bytes


def pieces(line: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    r"""Yield what a line (with or without its end) holds: usually itself, nothing if it is blank.

    Args:
        line: bytes between two ``\n``.
        offset: where its first byte lies.

    Yields:
        Offset and bytes of each piece, never empty.
    """
    if b"\0" in line:
        start = 0
        for run in NUL_RUN.finditer(line):
            yield from _trimmed(line[start : run.start()], offset + start)
            start = run.end()
        yield from _trimmed(line[start:], offset + start)
    else:
        yield from _trimmed(line, offset)


def records(stream: BinaryIO, max_bytes: int = RECORD_BYTES) -> Iterator[tuple[int, int, bytes]]:
    """Yield offset, line number (from 1) and bytes of every line that is not blank, headers too.

    Of a line only the first ``max_bytes`` (and a line end behind them) are looked at; the rest of
    it is passed over.
    """
    offset, number = 0, 0
    most = max_bytes + 2
    while line := stream.readline(most):
        number += 1
        for at, piece in pieces(line, offset):
            yield at, number, piece[:max_bytes]
        offset += len(line)
        for rest in rest_of_line(stream, line, most):
            offset += len(rest)


def rest_of_line(stream: BinaryIO, line: bytes, max_bytes: int) -> Iterator[bytes]:
    """Yield what follows of a line whose first ``max_bytes`` have been read, in pieces."""
    while len(line) == max_bytes and not line.endswith(b"\n"):
        line = stream.readline(max_bytes)
        if line:
            yield line


def parse_plainly(
    stream: BinaryIO,
    *,
    is_header: Callable[[bytes], bool],
    read_header: Callable[[bytes, Layout], Layout],
    parse_record: Callable[[bytes, Layout, Origin, str], Row | Skipped],
    artifact: str,
    host: str,
    record_bytes: int,
) -> Iterator[Row | Skipped]:
    """Yield every record of a stream in order, each by the newest header before it."""
    layout = Layout()
    for offset, number, line in records(stream, record_bytes):
        if is_header(line):
            layout = read_header(line, layout)
        else:
            origin = Origin(artifact=artifact, offset=offset, line=number)
            yield parse_record(line, layout, origin, host)


def trim(line: bytes) -> tuple[int, int]:
    """Return where a line's own bytes begin and end, marks, NUL bytes and line end left out."""
    start, end = 0, len(line)
    while line.startswith((BOM, b"\0"), start):
        start += 3 if line[start] else 1
    while end > start and line[end - 1] in b"\0\r\n":
        end -= 1
    return start, end


def _trimmed(line: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    start, end = trim(line)
    if end > start:
        yield offset + start, line[start:end]
