"""Records of event logs between reading and matching: JSON text that nobody has decoded yet."""

from __future__ import annotations

from datetime import datetime

import msgspec

from exopsy.schema.artifact import ByteClasses

EVENT_LOG = "windows-event"
"""``log`` of the rows of event logs. Their keywords are looked for in the values, not in the text."""


class EventBatch(msgspec.Struct, kw_only=True):
    """Consecutive records of one artifact; the three lists run in step."""

    texts: list[str]
    """One JSON text a record, as the exporter or the library wrote it; no line end inside."""
    numbers: list[int]
    """Of an ``.evtx`` the number in the record's own header: that is ``EventRecordID``, except in
    logs that were exported with a filter, whose records are numbered anew. Of a text the line."""
    offsets: list[int]
    """Where to look for the record in the artifact: of an ``.evtx`` the start of its 64 KiB chunk,
    of a text the start of the record."""


class EventLoss(msgspec.Struct, frozen=True, kw_only=True):
    """A place of an event log from which something could not be read."""

    offset: int
    """Of the chunk, or of the damaged text."""
    size: int
    """Bytes of that chunk or text, the readable ones too."""
    reason: str
    """``chunk-header``, ``chunk-end``, ``record``, ``no-chunk``, ``json``, ``depth``, ``too-long``."""
    read: int
    """Records that could be read there all the same."""
    lost: int
    """Records that are known to stand there and could not be read; there may have been others."""


class EventLogFacts(msgspec.Struct, kw_only=True):
    """What reading an event log, or a range of one, taught without decoding it."""

    size: int = 0
    """Bytes read."""
    classes: ByteClasses = msgspec.field(default_factory=ByteClasses)
    """``headers``: of file and chunks, what stands between records of a text, and old bytes in the
    free space of a chunk that is whole. ``cut``: a record that the end of the file or damage tore.
    """
    records: int = 0
    """Texts handed over."""
    skipped: dict[str, int] = msgspec.field(default_factory=dict)
    """Records and places that could not be read, by reason."""
    losses: list[EventLoss] = msgspec.field(default_factory=list)
    """The first of them in order, at most ``LOSSES``; ``skipped`` counts all."""
    chunks: dict[str, int] = msgspec.field(default_factory=dict)
    """Chunks of an ``.evtx`` by what became of them: ``whole``, ``repaired``, ``empty``, ``lost``."""
    left_over: int = 0
    """Records of earlier use found in the free space of chunks; they are not handed over, because
    what their templates were is overwritten."""
    dirty: bool = False
    """The log was not closed: it was copied while in use, or the server crashed."""
    spans: list[tuple[datetime, datetime]] = msgspec.field(default_factory=list)
    """Earlier and later time of the first and last record of consecutive pieces, UTC, in order."""
    channels: list[str] = msgspec.field(default_factory=list)
    """Sorted; at most ``NAMES``."""
    computers: list[str] = msgspec.field(default_factory=list)
    """Names that the records state, sorted; at most ``NAMES``."""

    looked: int = 0
    """Records that were looked at closely: those that rules matched, and of an export the first and
    last of every batch."""
    notes: dict[str, int] = msgspec.field(default_factory=dict)
    """How many of them could be read in several ways, by ``Row.notes``."""
    samples: tuple[int, ...] = ()
    """Numbers of the records of the newest batch that are counted already."""

    def look(self, number: int, notes: tuple[str, ...]) -> None:
        """Count a record that was looked at closely, unless its number is among ``samples``."""
        if number not in self.samples:
            self.looked += 1
            for word in notes:
                self.notes[word] = self.notes.get(word, 0) + 1

    def lose(self, loss: EventLoss, count: int = 1) -> None:
        """Take note of a loss."""
        self.skipped[loss.reason] = self.skipped.get(loss.reason, 0) + count
        if len(self.losses) < LOSSES:
            self.losses.append(loss)

    def add(self, other: EventLogFacts) -> None:
        """Add the facts of the range that follows."""
        self.size += other.size
        self.classes.add(other.classes)
        self.records += other.records
        for mine, theirs in (
            (self.skipped, other.skipped),
            (self.chunks, other.chunks),
            (self.notes, other.notes),
        ):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count
        self.losses = (self.losses + other.losses)[:LOSSES]
        self.left_over += other.left_over
        self.looked += other.looked
        self.dirty |= other.dirty
        self.spans += other.spans
        self.channels = sorted({*self.channels, *other.channels})[:NAMES]
        self.computers = sorted({*self.computers, *other.computers})[:NAMES]


LOSSES = 1_000
NAMES = 1_000
