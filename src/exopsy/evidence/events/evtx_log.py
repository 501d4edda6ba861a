"""An ``.evtx`` log, as a file or a stream -> batches of record texts, and what was not read.

Current, archived and copied while in use; chunks without a file's header (carved) and the whole
ones of a damaged log. Never more than some chunks are in memory.

A chunk begins where the one before it ends, 64 KiB on. Where no chunk begins there, the log lost or
gained bytes: the next chunk's magic is looked for at multiples of a sector. (Only there: a magic
inside a record is somebody's text.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from exopsy.evidence.events.chunk import (
    CHUNK,
    CHUNK_MAGIC,
    FILE_HEADER,
    FILE_MAGIC,
    SECTOR,
    is_dirty,
    read_chunk_header,
    records_in,
)
from exopsy.evidence.events.chunk_events import ChunkEvents, read_chunk
from exopsy.evidence.events.names import NameCollector
from exopsy.evidence.events.spans import add_span
from exopsy.schema.event import EventBatch, EventLogFacts, EventLoss

BATCH_CHUNKS = 16
"""Chunks that make a batch: a megabyte of log, some thousand records."""
RANGE_CHUNKS = 1024
_READ = 1 << 18
_ZEROS = bytes(8)


def read_evtx(
    stream: BinaryIO, facts: EventLogFacts, *, start: int = 0, stop: int | None = None
) -> Iterator[EventBatch]:
    """Yield the records of a log in the order of their bytes.

    Args:
        stream: at ``start``; it need not be seekable.
        facts: empty; complete when the iterator ends.
        start: where the range begins, 0 or from ``ranges``.
        stop: where it ends; chunks that begin before are read whole.

    Raises:
        OSError: the stream can't be read on; ``facts`` hold what came before.
    """
    window = _Window(stream, start)
    names = NameCollector(facts)
    batch = EventBatch(texts=[], numbers=[], offsets=[])
    chunks = 0
    while (stop is None or window.offset < stop) and (first := window.peek(0, 8)):
        offset = window.offset
        if first == FILE_MAGIC:
            header = window.take(FILE_HEADER)
            facts.dirty |= is_dirty(header)
            facts.size += len(header)
            facts.classes.headers += len(header)
            continue
        in_place = first == window.peek(CHUNK, 8) == CHUNK_MAGIC
        data = window.take(CHUNK if in_place else _length(window.peek(0, CHUNK + 8)))
        found = read_chunk(data)
        _note(facts, found, offset, len(data))
        names.see(found.texts)
        batch.texts += found.texts
        batch.numbers += found.numbers
        batch.offsets += [offset] * len(found.texts)
        chunks += 1
        if chunks % BATCH_CHUNKS == 0 and batch.texts:
            yield batch
            batch = EventBatch(texts=[], numbers=[], offsets=[])
    names.finish()
    if batch.texts:
        yield batch


read_events = read_evtx


def ranges(stream: BinaryIO, size: int, *, chunks: int = RANGE_CHUNKS) -> list[tuple[int, int]]:
    """Cut a log into ranges that give, one after another, exactly the records of the whole.

    Where a chunk stands in its place and the next one too, eight bytes are looked at; elsewhere the
    whole chunk is, as in reading.

    Args:
        stream: seekable; where it stands afterwards is not said.
        size: bytes of the log.
        chunks: of a range.

    Returns:
        Starts and stops, in order, without gaps; the first starts at 0, the last stops at ``size``.
    """
    cuts = [0]
    offset, taken = 0, 0
    while offset < size:
        if taken == chunks:
            cuts.append(offset)
            taken = 0
        first = _bytes_at(stream, offset, 8)
        if first == FILE_MAGIC:
            offset += FILE_HEADER
            continue
        if first == _bytes_at(stream, offset + CHUNK, 8) == CHUNK_MAGIC:
            offset += CHUNK
        else:
            at = _bytes_at(stream, offset, CHUNK + 8)
            offset += _length(at) or size
        taken += 1
    return list(zip(cuts, [*cuts[1:], size], strict=True))


def locate(stream: BinaryIO, offset: int, number: int) -> tuple[int, bytes] | None:
    """Find one record and its bytes.

    Args:
        stream: seekable, or at its beginning.
        offset: of its chunk (``EventBatch.offsets``).
        number: its own (``EventBatch.numbers``).

    Returns:
        Offset of its first byte in the log and its bytes, or None where it doesn't stand there.
    """
    _skip_to(stream, offset)
    chunk = _read_fully(stream, CHUNK)
    for place in records_in(chunk):
        if place.number == number:
            return offset + place.offset, chunk[place.offset : place.end]
    return None


def _length(at: bytes) -> int:
    """Return how long the piece is that begins here: a chunk, or less where the next one is near.

    A magic between the records of a chunk whose header is good is somebody's text, unless what
    follows the chunk shows that bytes were lost.
    """
    following = at[CHUNK:]
    if len(at) <= CHUNK or following == CHUNK_MAGIC:
        return min(len(at), CHUNK)
    header = read_chunk_header(at)
    found = SECTOR if header is None or following != _ZEROS else -(-header.free // SECTOR) * SECTOR
    while found < CHUNK:
        if read_chunk_header(at, found) is not None or at.startswith(FILE_MAGIC, found):
            return found
        found += SECTOR
    return CHUNK


def _bytes_at(stream: BinaryIO, offset: int, size: int) -> bytes:
    stream.seek(offset)
    return _read_fully(stream, size)


def _note(facts: EventLogFacts, found: ChunkEvents, offset: int, size: int) -> None:
    facts.size += size
    facts.classes.add(found.classes)
    facts.records += len(found.texts)
    facts.left_over += found.left_over
    facts.chunks[found.state] = facts.chunks.get(found.state, 0) + 1
    if found.span is not None:
        add_span(facts.spans, *found.span)
    if found.reason:
        loss = EventLoss(
            offset=offset,
            size=size,
            reason=found.reason,
            read=len(found.texts),
            lost=found.lost,
        )
        facts.lose(loss, max(1, found.lost))


def _skip_to(stream: BinaryIO, offset: int) -> None:
    if stream.seekable():
        stream.seek(offset)
        return
    while offset > 0 and (data := stream.read(min(offset, _READ))):
        offset -= len(data)


def _read_fully(stream: BinaryIO, size: int) -> bytes:
    parts = []
    while size > 0 and (data := stream.read(size)):
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


class _Window:
    """A stream of which some bytes ahead can be seen."""

    def __init__(self, stream: BinaryIO, offset: int) -> None:
        self._stream = stream
        self._data = b""
        self._at = 0
        self.offset = offset

    def peek(self, skip: int, size: int) -> bytes:
        """Return bytes ahead, behind those that are skipped; fewer only at the end."""
        if len(self._data) - self._at < skip + size:
            more = _read_fully(self._stream, max(_READ, skip + size))
            self._data = self._data[self._at :] + more
            self._at = 0
        start = self._at + skip
        return self._data[start : start + size]

    def take(self, size: int) -> bytes:
        """Return the next bytes and go on behind them."""
        data = self.peek(0, size)
        self._at += len(data)
        self.offset += len(data)
        return data
