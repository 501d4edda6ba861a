"""Records -> an EVTX file: file header, 64 KiB chunks with their tables, checksums.

A record is a header and binary XML: an instance of the template of its System part, whose last
value is an instance of the template of its data (this is how Windows writes them). A chunk is
self-contained: the first record in it that uses a template carries its definition. Nothing but
the open chunk is in memory. The same records give the same bytes.

References:
    https://github.com/libyal/libevtx/blob/main/documentation/Windows%20XML%20Event%20Log%20(EVTX).asciidoc
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from exopsy.lab.evtx_template import FRAGMENT, Template, name_hash

CHUNK = 65_536
FIRST_RECORD = 512
FILE_HEADER = 4_096
NAME_TABLE, NAME_BUCKETS = 128, 64
TEMPLATE_TABLE, TEMPLATE_BUCKETS = 384, 32
MOST_CHUNKS = 65_535
"""The file header counts chunks in 16 bits."""
RECORD = struct.Struct("<4sIQQ4sBBII")
"""Mark, size, record id, time, fragment header, instance token, 1, template id, its offset."""
RECORD_START = 24
_U32 = struct.Struct("<I")
_INSTANCE = struct.Struct("<4sBBII")
_INSTANCE_TOKEN = 0x0C


class EvtxWriter:
    """Writes one event log; use it as a context manager or call ``close``."""

    def __init__(self, path: Path, *, first_id: int = 1) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream: BinaryIO = path.open("wb")
        self._stream.write(bytes(FILE_HEADER))
        self.path = path
        self.next_id = first_id
        self._first_id = first_id
        self._chunks = 0
        self._begin_chunk()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(
        self,
        time: int,
        outer: Template,
        head: bytes,
        tail: bytes,
        inner: Template,
        data: bytes | bytearray,
    ) -> int:
        """Append a record; return its id.

        Args:
            time: FILETIME of the record's header.
            outer: template of the System part.
            head: its values before the record id, with their count and descriptors in front. The
                descriptor of the last value (the nested data) ends in a size that is filled in.
            tail: its values after the record id.
            inner: template of the event's data.
            data: its values, with their count and descriptors in front.

        Raises:
            ValueError: the record does not fit into a chunk, or the file is full.
        """
        if not self._append(time, outer, head, tail, inner, data):
            self._end_chunk()
            self._begin_chunk()
            if not self._append(time, outer, head, tail, inner, data):
                raise ValueError(f"a record of {len(data)} bytes of data does not fit into a chunk")
        self.next_id += 1
        return self.next_id - 1

    def clear(self) -> None:
        """Empty the log as its owner can; record ids go on."""
        self._stream.seek(FILE_HEADER)
        self._stream.truncate()
        self._chunks = 0
        self._first_id = self.next_id
        self._begin_chunk()

    def close(self) -> None:
        """Write the last chunk and the file's header."""
        if self._stream.closed:
            return
        if self.next_id > self._chunk_first or not self._chunks:
            self._end_chunk()
        header = bytearray(FILE_HEADER)
        struct.pack_into(
            "<8sQQQIHHHH", header, 0, b"ElfFile\0", 0, self._chunks - 1, self.next_id,
            128, 1, 3, FILE_HEADER, self._chunks,
        )  # fmt: skip
        _U32.pack_into(header, 124, zlib.crc32(header[:120]))
        self._stream.seek(0)
        self._stream.write(header)
        self._stream.close()

    def _begin_chunk(self) -> None:
        self._chunk = bytearray(CHUNK)
        self._free = FIRST_RECORD
        self._last_record = 0
        self._chunk_first = self.next_id
        self._names: dict[str, int] = {}
        self._templates: dict[int, int] = {}

    def _end_chunk(self) -> None:
        if self._chunks >= MOST_CHUNKS:
            raise ValueError(f"an event log holds at most {MOST_CHUNKS} chunks")
        chunk, first, last = self._chunk, self._chunk_first, self.next_id - 1
        # numbers count within the file; ids go on when a log is cleared
        number = self._first_id - 1
        struct.pack_into(
            "<8sQQQQIIII", chunk, 0, b"ElfChnk\0", first - number, last - number, first, last,
            128, self._last_record, self._free, zlib.crc32(chunk[FIRST_RECORD : self._free]),
        )  # fmt: skip
        _U32.pack_into(chunk, 120, 1)
        _U32.pack_into(chunk, 124, zlib.crc32(chunk[128:FIRST_RECORD], zlib.crc32(chunk[:120])))
        self._stream.write(chunk)
        self._chunks += 1

    def _append(
        self,
        time: int,
        outer: Template,
        head: bytes,
        tail: bytes,
        inner: Template,
        data: bytes | bytearray,
    ) -> bool:
        """Put a record into the open chunk unless it is too large; say whether it was put."""
        at = self._free
        templates = self._templates
        outer_at, inner_at = templates.get(outer.id), templates.get(inner.id)
        known: set[str] | None = None
        outer_size = inner_size = 0
        if outer_at is None:
            known = set(self._names)
            outer_size = len(outer.layout(known).data)
        if inner_at is None:
            known = set(self._names) if known is None else known.union(outer.names)
            inner_size = len(inner.layout(known).data)
        nested = _INSTANCE.size + inner_size + len(data)
        body = RECORD.size + outer_size + len(head) + 8 + len(tail) + nested + 1
        size = (body + 4 + 7) & ~7
        if at + size > CHUNK or nested > 0xFFFF:
            return False
        chunk = self._chunk
        place = at + RECORD.size
        if outer_at is None:
            outer_at = place
            self._define(outer, place)
            place += outer_size
        RECORD.pack_into(
            chunk, at, b"**\0\0", size, self.next_id, time, FRAGMENT, _INSTANCE_TOKEN, 1, outer.id,
            outer_at,
        )  # fmt: skip
        values = b"".join((head, self.next_id.to_bytes(8, "little"), tail))
        chunk[place : place + len(values)] = values
        # the last descriptor of the outer values: size of the nested data
        count = head[0]
        chunk[place + 4 * count : place + 4 * count + 2] = nested.to_bytes(2, "little")
        place += len(values)
        instance = place
        place += _INSTANCE.size
        if inner_at is None:
            inner_at = place
            self._define(inner, place)
            place += inner_size
        _INSTANCE.pack_into(chunk, instance, FRAGMENT, _INSTANCE_TOKEN, 1, inner.id, inner_at)
        chunk[place : place + len(data)] = data
        _U32.pack_into(chunk, at + size - 4, size)
        self._last_record = at
        self._free = at + size
        return True

    def _define(self, template: Template, at: int) -> None:
        """Place a definition, and enter it and its new names into the chunk's tables."""
        chunk, names = self._chunk, self._names
        layout = template.layout(names.keys())
        chunk[at : at + len(layout.data)] = layout.data
        for position, name in layout.names:
            names[name] = at + position
            self._link(at + position, NAME_TABLE + 4 * (name_hash(name) % NAME_BUCKETS))
        for position, name in layout.references:
            _U32.pack_into(chunk, at + position, names[name])
        self._templates[template.id] = at
        self._link(at, TEMPLATE_TABLE + 4 * (template.id % TEMPLATE_BUCKETS))

    def _link(self, at: int, bucket: int) -> None:
        """Put an entry at the head of a bucket's list."""
        chunk = self._chunk
        chunk[at : at + 4] = chunk[bucket : bucket + 4]
        _U32.pack_into(chunk, bucket, at)
