"""64 KiB of an ``.evtx`` -> where its records lie, whether its header tells the truth or not.

A chunk has 512 bytes of header, then records without gaps, then free space in which older records
may still stand. A record begins with a magic and its size, and ends with its size again; that makes
it recognisable anywhere.

References:
    https://github.com/libyal/libevtx/blob/main/documentation/Windows%20XML%20Event%20Log%20(EVTX).asciidoc
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

import msgspec

FILE_MAGIC = b"ElfFile\0"
CHUNK_MAGIC = b"ElfChnk\0"
RECORD_MAGIC = b"**\0\0"
FILE_HEADER = 4096
CHUNK = 1 << 16
CHUNK_HEADER = 512
SECTOR = 512
SMALLEST = 28
"""Bytes of a record's header and of its size at the end."""

_HEADER = struct.Struct("<8s4QIII")
_RECORD = struct.Struct("<4sIQQ")
_NO_NUMBER = (1 << 64) - 1
_SIZE = struct.Struct("<I")
_1601 = datetime(1601, 1, 1, tzinfo=UTC)


class ChunkHeader(msgspec.Struct, frozen=True, kw_only=True):
    """The first fields of a chunk's header."""

    last_record: int
    """Offset of the last record in the chunk."""
    free: int
    """Offset of the first byte behind the last record."""


class RecordPlace(msgspec.Struct, frozen=True):
    """One record in a chunk."""

    offset: int
    size: int
    number: int

    @property
    def end(self) -> int:
        """Offset of the first byte behind it."""
        return self.offset + self.size


def read_chunk_header(chunk: bytes, offset: int = 0) -> ChunkHeader | None:
    """Read a chunk's header; None where none stands or its sizes can't be."""
    if len(chunk) - offset < CHUNK_HEADER:
        return None
    magic, _, _, _, _, size, last_record, free = _HEADER.unpack_from(chunk, offset)
    if magic != CHUNK_MAGIC or size != 128 or not CHUNK_HEADER <= free <= CHUNK:
        return None
    return ChunkHeader(last_record=last_record, free=free)


def records_in(chunk: bytes) -> list[RecordPlace]:
    """Find every record of a chunk, in order: those behind damage and in the free space too."""
    header = read_chunk_header(chunk)
    free = 0 if header is None else header.free
    places = []
    at = CHUNK_HEADER
    while True:
        place = _record_at(chunk, at, free)
        if place is not None:
            places.append(place)
            at = place.end
            continue
        at = chunk.find(RECORD_MAGIC, at + 1)
        if at < 0:
            return places


def time_at(chunk: bytes, offset: int) -> datetime | None:
    """Return when the record at an offset was written, aware UTC; None where no calendar has it."""
    written: int = _RECORD.unpack_from(chunk, offset)[3]
    try:
        return _1601 + timedelta(microseconds=written // 10)
    except OverflowError:
        return None


def header_of(places: list[RecordPlace]) -> bytes:
    """Make the header of a chunk that holds these records, without tables of strings.

    It states no last number: the library would stop at the first record that has it.
    """
    last = places[-1]
    made = _HEADER.pack(CHUNK_MAGIC, 1, len(places), 1, _NO_NUMBER, 128, last.offset, last.end)
    return made.ljust(CHUNK_HEADER, b"\0")


def record_header(size: int, number: int) -> bytes:
    """Make a record of that size which says nothing: its header, and the mark of an end."""
    return _RECORD.pack(RECORD_MAGIC, size, number, 0) + b"\0"


def file_header() -> bytes:
    """Make the header of a log of one chunk."""
    made = struct.pack("<8sQQQIHHHH", FILE_MAGIC, 0, 0, 1, 128, 1, 3, FILE_HEADER, 1)
    return made.ljust(FILE_HEADER, b"\0")


def is_dirty(header: bytes) -> bool:
    """Say whether a file's header has the mark of a log that was not closed."""
    return len(header) >= 124 and bool(_SIZE.unpack_from(header, 120)[0] & 1)


def _record_at(chunk: bytes, at: int, free: int) -> RecordPlace | None:
    if len(chunk) - at < SMALLEST:
        return None
    magic, size, number, _ = _RECORD.unpack_from(chunk, at)
    if magic != RECORD_MAGIC or not SMALLEST <= size <= len(chunk) - at:
        return None
    if _SIZE.unpack_from(chunk, at + size - 4)[0] != size:
        # only its end is damaged, if what should follow follows all the same
        end = at + size
        if end == free:
            return RecordPlace(at, size, number)
        if not chunk.startswith(RECORD_MAGIC, end) or len(chunk) - end < SMALLEST:
            return None
        if _RECORD.unpack_from(chunk, end)[2] != number + 1:
            return None
    return RecordPlace(at, size, number)
