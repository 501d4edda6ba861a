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
_NUL_RUN = re.compile(rb"\x00{8,}")
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
        for run in _NUL_RUN.finditer(line):
            yield from _trimmed(line[start : run.start()], offset + start)
            start = run.end()
        yield from _trimmed(line[start:], offset + start)
    else:
        yield from _trimmed(line, offset)


def records(stream: BinaryIO, max_bytes: int = RECORD_BYTES) -> Iterator[tuple[int, int, bytes]]:
    """Yield offset, line number (from 1) and bytes of every line that is not blank, headers too.

    A line longer than ``max_bytes`` is cut there; the rest of it is passed over.
    """
    offset, number = 0, 0
    while line := stream.readline(max_bytes + 2):
        number += 1
        here = offset
        offset += len(line)
        if not line.endswith(b"\n"):
            offset += _pass_over(stream, max_bytes)
        for at, piece in pieces(line, here):
            yield at, number, piece[:max_bytes]


def parse_plainly(
    stream: BinaryIO,
    *,
    is_header: Callable[[bytes], bool],
    read_header: Callable[[bytes, Layout], Layout],
    parse_record: Callable[[bytes, Layout, Origin, str], Row | Skipped],
    artifact: str,
    host: str,
) -> Iterator[Row | Skipped]:
    """Yield every record of a stream in order, each by the newest header before it."""
    layout = Layout()
    for offset, number, line in records(stream):
        if is_header(line):
            layout = read_header(line, layout)
        else:
            origin = Origin(artifact=artifact, offset=offset, line=number)
            yield parse_record(line, layout, origin, host)


def _trimmed(line: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    start, end = 0, len(line)
    while line.startswith(BOM, start) or line.startswith(b"\0", start):
        start += 3 if line[start] else 1
    while end > start and line[end - 1] in b"\0\r\n":
        end -= 1
    if end > start:
        yield offset + start, line[start:end]


def _pass_over(stream: BinaryIO, step: int) -> int:
    """Read up to the next line end; return how many bytes that was."""
    passed = 0
    while rest := stream.readline(step):
        passed += len(rest)
        if rest.endswith(b"\n"):
            break
    return passed
