"""One chunk of an ``.evtx`` -> the JSON texts of its records, and what became of its bytes.

The library reads a chunk that is whole in one go. Of a damaged one it gives up too much: all of a
chunk whose header or table of strings is bad, and everything behind a record whose size is. So the
records of such a chunk are looked for by themselves (``chunk``), and the library is given a copy
with a header made anew and with records that say nothing where the damage is.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, cast

import evtx
import msgspec

from exopsy.evidence.events.chunk import (
    CHUNK,
    CHUNK_HEADER,
    CHUNK_MAGIC,
    RECORD_MAGIC,
    SMALLEST,
    ChunkHeader,
    RecordPlace,
    file_header,
    header_of,
    read_chunk_header,
    record_header,
    records_in,
    time_at,
)
from exopsy.schema.artifact import ByteClasses

_FILE_HEADER = file_header()
_BRIDGE = 1 << 62
"""Number of the first record that says nothing; no log gets so far."""
_SYSTEM = '"System":{'
"""In every text that is an event; of a record that was zeroed the library makes
``{"Event":null}``."""


class ChunkEvents(msgspec.Struct, kw_only=True):
    """What was read of one chunk."""

    texts: list[str] = msgspec.field(default_factory=list)
    numbers: list[int] = msgspec.field(default_factory=list)
    classes: ByteClasses = msgspec.field(default_factory=ByteClasses)
    state: str
    """``whole``, ``repaired``, ``empty`` or ``lost``."""
    reason: str = ""
    """Why something is lost: ``chunk-header``, ``chunk-end``, ``record``, ``no-chunk``."""
    lost: int = 0
    left_over: int = 0
    span: tuple[datetime, datetime] | None = None


def read_chunk(data: bytes) -> ChunkEvents:
    """Read a chunk.

    Args:
        data: 64 KiB, or less at the end of a file or before the next chunk.
    """
    header = read_chunk_header(data)
    if header is not None and len(data) == CHUNK:
        found = _read_whole(data, header)
        if found is not None:
            return found
    return read_piecemeal(data)


def _read_whole(data: bytes, header: ChunkHeader) -> ChunkEvents | None:
    """Read a chunk that is as its header says; None where anything is not."""
    last, free = header.last_record, header.free
    if data[free : free + 4] == RECORD_MAGIC:  # it may go on where the header says that it ends
        return None
    try:
        records = list(_records(header_of(last, free), data))
    except RuntimeError:
        return None
    except BaseException as error:
        if not _is_panic(error):
            raise
        return None
    texts: list[str] = [record["data"] for record in records]
    numbers: list[int] = [record["event_record_id"] for record in records]
    if (
        not numbers
        or free - last < SMALLEST
        or numbers != list(range(numbers[0], numbers[0] + len(numbers)))
        or data[last : last + 4] != RECORD_MAGIC
        or last + int.from_bytes(data[last + 4 : last + 8], "little") != free
        or data[last + 8 : last + 16] != numbers[-1].to_bytes(8, "little")
    ):
        return None
    if sum([_SYSTEM in text for text in texts]) != len(texts):
        return None
    made = ChunkEvents(texts=texts, numbers=numbers, state="whole")
    made.classes.records = free - CHUNK_HEADER
    made.classes.headers = CHUNK_HEADER
    _free_space(made, data, free)
    made.span = _span(time_at(data, at) for at in (CHUNK_HEADER, last))
    return made


def read_piecemeal(data: bytes) -> ChunkEvents:
    """Read a chunk record by record, whatever its header says: the definition, and the rescue."""
    nul = data.count(0)
    if nul == len(data):
        return ChunkEvents(classes=ByteClasses(nul=nul), state="empty")
    header = read_chunk_header(data)
    places = records_in(data)
    live = _live(places, header)
    if not live:
        if header is not None and header.free == CHUNK_HEADER:  # it was begun and never filled
            made = ChunkEvents(classes=ByteClasses(headers=CHUNK_HEADER), state="whole")
            _free_space(made, data, CHUNK_HEADER)
            return made
        return _lost(data, header)
    texts = _texts(data, live)
    read = [place for place in live if place.offset in texts]
    made = ChunkEvents(
        texts=[texts[place.offset] for place in read],
        numbers=[place.number for place in read],
        state="repaired" if read else "lost",
        lost=len(live) - len(read),
    )
    made.span = _span(time_at(data, place.offset) for place in read[:1] + read[-1:])
    _account(made, data, header, live, texts)
    return made


def _live(places: list[RecordPlace], header: ChunkHeader | None) -> list[RecordPlace]:
    """Return the records of a chunk's present use; what stands behind them is from an earlier one.

    A header is believed unless it ends the chunk inside a record; a log that was not closed may go
    on behind that end, with the next number at the next byte. Without such a header the numbers
    tell: they go up, by no more than the records that may have stood between.
    """
    if header is not None and all(not p.offset < header.free < p.end for p in places):
        live = [place for place in places if place.end <= header.free]
        for place in places[len(live) :]:
            end, number = (
                (live[-1].end, live[-1].number) if live else (CHUNK_HEADER, place.number - 1)
            )
            if place.offset != end or place.number != number + 1:
                break
            live.append(place)
        return live
    live = places[:1]
    for place in places[1:]:
        last = live[-1]
        between = (place.offset - last.end) // SMALLEST
        if not last.number < place.number <= last.number + 1 + between:
            break
        live.append(place)
    return live


def _texts(data: bytes, live: list[RecordPlace]) -> dict[int, str]:
    """Return the texts of records that the library can read, by their offsets."""
    copy = bytearray(data.ljust(CHUNK, b"\0"))
    items: list[RecordPlace] = []
    at = CHUNK_HEADER
    for place in live:
        gap = place.offset - at
        if 0 < gap < SMALLEST:
            if not items:  # no room for a record that says nothing: this one is given up for it
                continue
            before = items[-1]
            copy[before.offset + 4 : before.offset + 8] = (before.size + gap).to_bytes(4, "little")
        elif gap:
            bridge = RecordPlace(at, gap, _BRIDGE + len(items))
            filler = record_header(gap, bridge.number)[:gap]
            copy[at : at + len(filler)] = filler
            items.append(bridge)
        items.append(place)
        at = place.end
    if not items:
        return {}
    copy[:CHUNK_HEADER] = header_of(items[-1].offset, items[-1].end)
    texts: dict[int, str] = {}
    index = 0
    for number, text in _library(bytes(copy), len(items)):
        while index < len(items) and items[index].number != number:
            index += 1
        if index == len(items):
            break
        place = items[index]
        index += 1
        if place.number < _BRIDGE and _SYSTEM in text:
            texts[place.offset] = text
    return texts


def _library(chunk: bytes, most: int) -> list[tuple[int, str]]:
    """Return number and text of every record that the library can read."""
    found = []
    try:
        records = _records(chunk[:CHUNK_HEADER], chunk)
        for _ in range(most + 1):
            try:
                record = next(records)
            except RuntimeError:
                continue
            found.append((record["event_record_id"], record["data"]))
    except (StopIteration, RuntimeError):
        pass
    except BaseException as error:
        if not _is_panic(error):
            raise
    return found


def _records(header: bytes, chunk: bytes) -> Iterator[dict[str, Any]]:
    """Let the library read a chunk as a log of its own, with that header."""
    log = b"".join((_FILE_HEADER, header, chunk[CHUNK_HEADER:]))
    records = iter(evtx.PyEvtxParser(io.BytesIO(log), 1).records_json())
    return cast("Iterator[dict[str, Any]]", records)


def _is_panic(error: BaseException) -> bool:
    """Say whether the library gave up on a defect of its own: that is no ``Exception``."""
    return type(error).__name__ == "PanicException"


def _account(
    made: ChunkEvents,
    data: bytes,
    header: ChunkHeader | None,
    live: list[RecordPlace],
    texts: dict[int, str],
) -> None:
    """Put every byte into a class, and say why something is lost."""
    if header is not None:
        made.classes.headers += CHUNK_HEADER
    else:
        made.reason = "chunk-header"
        _gap(made, data[:CHUNK_HEADER])
    at = CHUNK_HEADER
    has_gap = False
    for place in live:
        if place.offset > at:
            has_gap = True
            _gap(made, data[at : place.offset])
        if place.offset in texts:
            made.classes.records += place.size
        else:
            made.classes.unread += place.size
        at = place.end
    # what the header says is not the end, or a record that the end of the file tore
    end = max(at, header.free) if header is not None else at
    if data.startswith(RECORD_MAGIC, at) and len(data) < CHUNK:
        end = len(data)
    if end > at:
        _gap(made, data[at:end])
    _free_space(made, data, min(end, len(data)))
    if not made.reason and (has_gap or end > at or made.lost):
        made.reason = "chunk-end" if end > len(data) or len(data) < CHUNK else "record"
    if not made.reason and made.state == "repaired":
        made.state = "whole"


def _lost(data: bytes, header: ChunkHeader | None) -> ChunkEvents:
    made = ChunkEvents(state="lost", reason="no-chunk")
    at = 0
    if header is not None:
        made.reason = "record"
        made.classes.headers += CHUNK_HEADER
        at = CHUNK_HEADER
    elif data.startswith(CHUNK_MAGIC):
        made.reason = "chunk-header"
    _gap(made, data[at:])
    return made


def _gap(made: ChunkEvents, data: bytes) -> None:
    """Count bytes where records should be: a torn record, nothing but NUL, or unread."""
    if data.startswith(RECORD_MAGIC):
        size = int.from_bytes(data[4:8], "little")
        torn = len(data) if size < SMALLEST else min(size, len(data))
        made.classes.cut += torn
        made.lost += 1
        data = data[torn:]
    if data.count(0) == len(data):
        made.classes.nul += len(data)
    else:
        made.classes.unread += len(data)


def _free_space(made: ChunkEvents, data: bytes, start: int) -> None:
    """Count the bytes behind the last record: NUL, or what an earlier use left."""
    nul = data.count(0, start)
    rest = len(data) - start - nul
    made.classes.nul += nul
    made.classes.headers += rest
    if rest:
        made.left_over += len(records_in(bytes(CHUNK_HEADER) + data[start:]))


def _span(times: Iterable[datetime | None]) -> tuple[datetime, datetime] | None:
    known = [time for time in times if time is not None]
    return (min(known), max(known)) if known else None
