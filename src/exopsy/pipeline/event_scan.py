"""One event log, or a range of one -> matched rows in a table, and what was read of it."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, cast

import msgspec

from exopsy.detection.events.event_rules import EventRules
from exopsy.detection.row_view import RowView
from exopsy.evidence import registry
from exopsy.evidence.events.chunk import CHUNK, records_in
from exopsy.evidence.events.flatten import flatten
from exopsy.evidence.events.usual import USUAL
from exopsy.pipeline.kept_records import EventKeeper, KeptTables
from exopsy.pipeline.matches import MatchTable
from exopsy.pipeline.script_parts import PartSpool
from exopsy.schema.event import EventBatch, EventLogFacts
from exopsy.schema.format import FormatSpec
from exopsy.schema.row import Row, Skipped

if TYPE_CHECKING:
    from exopsy.pipeline.sweeping import EventSweep

_KEPT = 4 << 20
"""Bytes of an ``.evtx`` that are remembered: more than a batch, so that records can be placed."""


class EventPart(msgspec.Struct, frozen=True, kw_only=True):
    """What is read in one go: an event log, or a range of an ``.evtx``."""

    artifact: str
    """Path inside the collection."""
    kind: str
    start: int = 0
    stop: int | None = None


class Remembering(io.RawIOBase):
    """A raw stream that remembers the last bytes read, and tells somebody of all of them."""

    def __init__(
        self, stream: io.RawIOBase, at: int = 0, seen: Callable[[memoryview], object] | None = None
    ) -> None:
        self._stream = stream
        self._seen = seen
        self._kept = bytearray()
        self._base = at
        self.size = 0
        """Bytes read."""

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read from the stream."""
        count = self._stream.readinto(buffer) or 0
        view = memoryview(buffer)[:count]
        if self._seen is not None:
            self._seen(view)
        self._kept += view
        self.size += count
        if len(self._kept) > 2 * _KEPT:
            gone = len(self._kept) - _KEPT
            del self._kept[:gone]
            self._base += gone
        return count

    def remembered(self, offset: int, size: int) -> bytes:
        """Return bytes read before; empty where they are forgotten."""
        start = offset - self._base
        return bytes(self._kept[start : start + size]) if start >= 0 else b""


class _Places:
    """Finds the offset of records of an ``.evtx`` whose chunk was read just now."""

    def __init__(self, stream: Remembering) -> None:
        self._stream = stream
        self._chunk = -1
        self._offsets: dict[int, int] = {}

    def of(self, chunk: int, number: int) -> int:
        """Return where a record stands; the chunk's own place where that can't be told."""
        if chunk != self._chunk:
            self._chunk = chunk
            self._offsets = {
                place.number: chunk + place.offset
                for place in records_in(self._stream.remembered(chunk, CHUNK))
            }
        return self._offsets.get(number, chunk)


def scan_events(
    stream: io.RawIOBase,
    part: EventPart,
    facts: EventLogFacts,
    rules: EventRules,
    matches: MatchTable,
    parts: PartSpool,
    *,
    plain: bool,
    seen: Callable[[memoryview], object] | None = None,
    sweep: EventSweep | None = None,
    kept: KeptTables | None = None,
) -> None:
    """Read one part; the rows that rules matched go to the table.

    Args:
        stream: raw, at the part's start.
        part: what it is.
        facts: empty; what was read of it, also when the reading fails.
        rules: all rules of event logs.
        matches: where matched rows go.
        parts: where rows go that are a part of a script.
        plain: decode every record and evaluate every rule.
        seen: told of every byte, in order.
        sweep: for indicators.
        kept: where records go that are kept whatever the rules say.

    Raises:
        OSError: the stream can't be read on; what came before is in the table.
    """
    remembering = Remembering(stream, part.start, seen)
    spec = registry.spec_of_events(part.kind)
    places = _Places(remembering) if spec.name == "evtx" else None
    batch = matches.batch()
    is_ours = places is not None
    keeper = None if kept is None else EventKeeper(kept, plain=plain, is_ours=is_ours)
    decode = functools.partial(flatten, artifact=part.artifact, host="")
    try:
        for events in _batches(remembering, spec, part, facts):
            result = (
                rules.scan_plain(events, decode) if plain else rules.scan(events, decode, USUAL)
            )
            pieces = _parts_of_blocks(events, decode)
            row, matched = None, []
            for hit in result.hits:
                if hit.index in pieces:
                    continue  # its script is looked at as a whole
                if row is not None and hit.row is not row:
                    facts.look(row.origin.line, row.notes)
                    batch.add(_placed(row, places), RowView(row), "", matched)
                    matched = []
                row = hit.row
                matched.append((hit.matcher, hit.grade))
            if row is not None:
                facts.look(row.origin.line, row.notes)
                batch.add(_placed(row, places), RowView(row), "", matched)
            for piece in pieces.values():
                parts.add(_placed(piece, places))
            if keeper is not None:
                keeper.take(events, decode, lambda row: _placed(row, places))
            if sweep is not None:
                _sweep(sweep, events, places, decode)
    finally:
        batch.flush()
        if keeper is not None:
            keeper.flush()


def _parts_of_blocks(events: EventBatch, decode: Callable[..., Row | Skipped]) -> dict[int, Row]:
    """Return the records that are one of several parts of a script, by their place in the batch."""
    parts = {}
    for index, text in enumerate(events.texts):
        if _PART not in text:
            continue
        row = decode(text, offset=events.offsets[index], number=events.numbers[index])
        if isinstance(row, Row) and row.fields.get(_PARTS, "1") != "1" and _PART in row.fields:
            parts[index] = row
    return parts


_PART, _PARTS = "ScriptBlockId", "MessageTotal"


def _batches(
    stream: Remembering, spec: FormatSpec, part: EventPart, facts: EventLogFacts
) -> Iterator[EventBatch]:
    reader = registry.load_events(spec)
    raw = cast("BinaryIO", stream)
    if part.stop is None:
        return reader.read_events(raw, facts)
    from exopsy.evidence.events.evtx_log import read_evtx

    return read_evtx(raw, facts, start=part.start, stop=part.stop)


def _sweep(
    sweep: EventSweep, events: EventBatch, places: _Places | None, decode: Callable[..., object]
) -> None:
    def place(index: int) -> int:
        offset = events.offsets[index]
        return offset if places is None else places.of(offset, events.numbers[index])

    def time(index: int) -> datetime | None:
        row = decode(events.texts[index], offset=0, number=0)
        return row.timestamp if isinstance(row, Row) else None

    sweep.feed(events.texts, events.numbers, place, time)


def _placed(row: Row, places: _Places | None) -> Row:
    """Give a row the exact offset of its record: known only when somebody asks for it."""
    if places is None:
        return row
    origin = row.origin
    row.origin = msgspec.structs.replace(origin, offset=places.of(origin.offset, origin.line))
    return row
