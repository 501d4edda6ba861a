"""JSON that an exporter made of an event log -> batches of record texts, and what was not read.

One object a line, arrays (on one line, one object a line, or spread over lines), objects one after
another; UTF-8 or UTF-16, with a byte-order mark or without. Nothing is decoded into fields here:
each object is checked to be JSON, and one that spans lines is written on one.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from exopsy.core.limits import Limits
from exopsy.core.text import decode_utf8
from exopsy.evidence.events.flatten import flatten
from exopsy.evidence.events.json_object import read_plainly
from exopsy.evidence.events.names import NameCollector
from exopsy.evidence.events.notes import NOT_JSON, TOO_LONG
from exopsy.evidence.events.spans import add_span
from exopsy.evidence.framing import BOM
from exopsy.evidence.line_judge import undecodable_in
from exopsy.schema.event import EventBatch, EventLogFacts, EventLoss
from exopsy.schema.row import Row

BATCH_BYTES = 1 << 20
_READ = 1 << 20
_RECORD_BYTES = Limits().record_bytes

_check = msgspec.json.Decoder(msgspec.Raw).decode
# what stands between objects: blanks, the brackets and commas of arrays, NUL bytes of a crash
_BETWEEN = re.compile(rb"[\s\[\],\x00]*")
# a string, or a bracket outside of one
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}]', re.DOTALL)
# where objects may begin again behind damage: on a line of its own, or behind another object
_AGAIN = re.compile(rb"(?:\n[ \t]*|\}\s*,?\s*)(?=\{)")
_NEXT_LINE = re.compile(rb"\n[ \t]*(?=\{)")
_LINE_IS_ALL = re.compile(rb"\s*(?:\{|\Z)")
_PATIENCE = 16 << 10
_OVERLAP = 256
_FAILURES = 256
"""Objects without an end, one after another, until a whole block is given up."""


def read_json_events(
    stream: BinaryIO, facts: EventLogFacts, *, record_bytes: int = _RECORD_BYTES
) -> Iterator[EventBatch]:
    """Yield the records of an export in the order of their bytes.

    Args:
        stream: at its beginning; it need not be seekable.
        facts: empty; complete when the iterator ends.
        record_bytes: an object that is longer is passed over and counted.

    Raises:
        OSError: the stream can't be read on; ``facts`` hold what came before.
    """
    text = _Utf8(stream)
    facts.classes.headers += text.mark
    reader = _Reader(text, facts, record_bytes)
    names = NameCollector(facts)
    batch = EventBatch(texts=[], numbers=[], offsets=[])
    size = 0
    for offset, line, record in reader.records():
        batch.texts.append(record)
        batch.numbers.append(line)
        batch.offsets.append(offset)
        size += len(record)
        if size >= BATCH_BYTES:
            _note(facts, names, batch)
            yield batch
            batch = EventBatch(texts=[], numbers=[], offsets=[])
            size = 0
    _note(facts, names, batch)
    names.finish()
    facts.size = text.size
    facts.classes.cut += text.size - text.offset  # half a character at the end of UTF-16
    if batch.texts:
        yield batch


read_events = read_json_events


def locate(
    stream: BinaryIO, offset: int, number: int, *, record_bytes: int = _RECORD_BYTES
) -> tuple[int, bytes] | None:
    """Return the bytes of one record as they stand in the export, or None.

    Args:
        stream: seekable.
        offset: of the record (``EventBatch.offsets``).
        number: of its line; the offset says enough.
        record_bytes: as when it was read.
    """
    stream.seek(0)
    codec, _ = _codec_of(stream.read(4))
    stream.seek(offset)
    data = stream.read(record_bytes if codec is None else 2 * record_bytes)
    if codec is None:
        end = _end_of(data, 0, len(data)) if data[:1] == b"{" else 0
    else:
        text = data[: len(data) & ~1].decode(codec, "replace").encode("utf-8", "replace")
        end = _units(text[: _end_of(text, 0, len(text))]) if text[:1] == b"{" else 0
    return (offset, data[:end]) if end else None


class _Reader:
    """Finds the objects in a text."""

    def __init__(self, text: _Utf8, facts: EventLogFacts, record_bytes: int) -> None:
        self._text = text
        self._facts = facts
        self._most = record_bytes
        self._again = _AGAIN
        self._failures = 0

    def records(self) -> Iterator[tuple[int, int, str]]:
        """Yield offset in the artifact, number of the line, and text on one line."""
        text = self._text
        while text.fill(1):
            self._skip_between()
            if not text.fill(1):
                break
            found = self._line() or self._object()
            if found is not None:
                self._failures = 0
                yield found

    def _skip_between(self) -> None:
        """Pass over what stands between objects."""
        text = self._text
        while text.fill(1):
            match = _BETWEEN.match(text.data, text.at)
            assert match is not None
            if match.end() == match.start():
                return
            piece = match[0]
            nul = piece.count(0)
            size = text.advance(match.end())
            if text.codec is not None:
                nul *= 2
            self._facts.classes.nul += nul
            self._facts.classes.headers += size - nul

    def _line(self) -> tuple[int, int, str] | None:
        """Take the object that this line holds, if it holds just one: the usual case."""
        text = self._text
        end = text.line_end()
        if end < 0 or end - text.at > self._most or text.data[text.at] != 0x7B:
            return None
        stop = end
        while text.data[stop - 1] in b"\r ,]\t":
            stop -= 1
        raw = text.data[text.at : stop]
        if not _is_json(raw):
            return None
        self._again = _NEXT_LINE
        return self._take(raw)

    def _object(self) -> tuple[int, int, str] | None:
        """Take the object that begins here, however many lines it has."""
        text = self._text
        if text.data[text.at] != 0x7B:
            self._give_up(NOT_JSON)
            return None
        # Damage makes objects without an end; looking for it costs less the more there are.
        patience = max(self._most >> self._failures, min(_PATIENCE, self._most))
        text.fill(patience + 1)
        stop = min(len(text.data), text.at + patience)
        line = text.line_end() + 1
        if 0 < line <= stop and _LINE_IS_ALL.match(text.data, line):
            stop = line  # the next line begins an object, so this one ends on its own
        end = _end_of(text.data, text.at, stop)
        raw = text.data[text.at : end]
        if end and (_is_json(raw) or isinstance(read_plainly(raw), tuple)):
            self._learn(raw)
            return self._take(raw)
        self._failures += 1
        whole = stop - text.at == self._most and not end
        self._give_up(TOO_LONG if whole else NOT_JSON)
        return None

    def _learn(self, raw: bytes) -> None:
        """Remember how far in objects of several lines begin, to find the next behind damage."""
        if b"\n" not in raw:
            return
        text = self._text
        before = text.data.rfind(b"\n", 0, text.at) + 1
        indent = text.data[before : text.at]
        if before and not indent.strip():
            self._again = re.compile(rb"\n" + indent + rb"(?=\{)")

    def _take(self, raw: bytes) -> tuple[int, int, str]:
        text = self._text
        offset, line = text.offset, text.line
        bad = undecodable_in(raw)
        size = text.advance(text.at + len(raw))
        classes = self._facts.classes
        classes.undecodable += bad
        classes.records += size - bad
        if b"\n" in raw or b"\r" in raw:
            with contextlib.suppress(msgspec.MsgspecError):  # a line end inside a string
                raw = msgspec.json.format(raw, indent=-1)
            raw = raw.replace(b"\r", b" ").replace(b"\n", b" ")
        return offset, line, decode_utf8(raw)

    def _give_up(self, reason: str) -> None:
        """Pass over damage, up to where the next object may begin."""
        text = self._text
        start, size = text.offset, 0
        if self._failures > _FAILURES:
            size += text.advance(text.whole(len(text.data)))
        while text.fill(1):
            again = self._again.search(text.data, text.at + 1)
            if again is not None:
                size += text.advance(again.end())
                break
            # what may be the beginning of the pattern stays, unless this is the end
            more = text.fill(len(text.data) - text.at + 1)
            size += text.advance(text.whole(len(text.data) - _OVERLAP) if more else len(text.data))
        self._facts.classes.cut += size
        loss = EventLoss(offset=start, size=size, reason=reason, read=0, lost=1)
        self._facts.lose(loss)


def _end_of(data: bytes, start: int, stop: int) -> int:
    """Return where the object ends that begins at ``start``; 0 where its end isn't there."""
    depth = 0
    for token in _TOKEN.finditer(data, start, stop):
        first = data[token.start()]
        if first == 0x7B:
            depth += 1
        elif first == 0x7D:
            depth -= 1
            if depth == 0:
                return token.end()
    return 0


def _is_json(raw: bytes) -> bool:
    try:
        _check(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False
    return True


def _note(facts: EventLogFacts, names: NameCollector, batch: EventBatch) -> None:
    """Learn names of all records of a batch, and times of its first and last."""
    if not batch.texts:
        return
    facts.records += len(batch.texts)
    names.see(batch.texts)
    times = []
    facts.samples = ()
    for at in sorted({0, len(batch.texts) - 1}):
        row = flatten(batch.texts[at], artifact="", host="", offset=0, number=0)
        if not isinstance(row, Row):
            continue
        facts.look(batch.numbers[at], row.notes)
        facts.samples = (*facts.samples, batch.numbers[at])
        if row.timestamp is not None:
            times.append(row.timestamp)
    if times:
        add_span(facts.spans, min(times), max(times))


def _codec_of(head: bytes) -> tuple[str | None, int]:
    """Return the codec that is not UTF-8, if it is one, and the bytes of the mark."""
    if head.startswith(BOM):
        return None, 3
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le", 2
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be", 2
    if head[1:2] == b"\0" and head[:1] in (b"{", b"[", b"\r", b"\n", b" "):
        return "utf-16-le", 0
    if head[:1] == b"\0" and head[1:2] in (b"{", b"[", b"\r", b"\n", b" "):
        return "utf-16-be", 0
    return None, 0


def _units(utf8: bytes) -> int:
    """Return how many bytes of UTF-16 a piece of text took."""
    return len(utf8.decode().encode("utf-16-le"))


class _Utf8:
    """A stream as UTF-8, of which the bytes ahead can be seen, with places in the artifact."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.data = b""
        while len(self.data) < 4 and (more := stream.read(_READ)):
            self.data += more
        self.size = len(self.data)
        """Bytes read from the stream."""
        self.codec, self.mark = _codec_of(self.data)
        self._decoder = None
        self.data = self.data[self.mark :]
        if self.codec is not None:
            self._decoder = codecs.getincrementaldecoder(self.codec)("replace")
            self.data = self._decoder.decode(self.data).encode("utf-8", "replace")
        self.at = 0
        self.offset = self.mark
        self.line = 1
        self._ended = False
        self._line_end = -1
        self._looked = 0

    def fill(self, size: int) -> bool:
        """See to it that so many bytes are ahead; say whether they are."""
        while len(self.data) - self.at < size and not self._ended:
            more = self._stream.read(_READ)
            if not more:
                self._ended = True
                more = b""
            self.size += len(more)
            if self._decoder is not None:
                more = self._decoder.decode(more, self._ended).encode("utf-8", "replace")
            self.data = self.data[self.at :] + more
            self._line_end -= self.at
            self._looked = max(0, self._looked - self.at)
            self.at = 0
        return len(self.data) - self.at >= size

    def line_end(self) -> int:
        """Return where the next line end stands in ``data``, looked for once; -1 if not there."""
        if self._line_end < self.at:
            self._line_end = self.data.find(b"\n", max(self.at, self._looked))
            self._looked = len(self.data) if self._line_end < 0 else self._line_end
        return self._line_end

    def advance(self, to: int) -> int:
        """Go on to a place in ``data``; return how many bytes of the artifact that is."""
        piece = self.data[self.at : to]
        size = len(piece) if self.codec is None else _units(piece)
        self.line += piece.count(b"\n")
        self.offset += size
        self.at = to
        return size

    def whole(self, to: int) -> int:
        """Return the place, or the one before it where a character begins."""
        to = max(to, self.at)
        while self.at < to < len(self.data) and self.data[to] & 0xC0 == 0x80:
            to -= 1
        return to
