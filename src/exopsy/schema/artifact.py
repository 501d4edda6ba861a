"""What ``sources`` and the scan say about each file or stream of a collection."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

ArtifactState = Literal["read", "partial", "failed", "not-evidence"]


class ByteClasses(msgspec.Struct, kw_only=True):
    """Every byte of an artifact is in exactly one class; the sum is the artifact's size.

    Counted on bytes, so that the figures don't depend on which rules were loaded.
    """

    records: int = 0
    headers: int = 0
    """Lines that start with ``#``, column rows and a byte-order mark, line ends included."""
    nul: int = 0
    """NUL bytes (runs of them are what a crash leaves)."""
    cut: int = 0
    """A torn record: the last line before a header block, a NUL run or the end of the file that has
    fewer fields than the columns in force; and what is past ``Limits.record_bytes`` of a record."""
    undecodable: int = 0
    """Bytes that belong to no valid UTF-8 sequence (in records; an ANSI log has many, all harmless)."""
    unread: int = 0
    """Bytes that exist but could not be read or were past a limit."""

    def total(self) -> int:
        """Return the sum of all classes."""
        return self.records + self.headers + self.nul + self.cut + self.undecodable + self.unread

    def add(self, other: ByteClasses) -> None:
        """Add another artifact's counts to these."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something that could not be read, as a sentence: what, where, what to do."""

    path: str
    text: str


class ArtifactFacts(msgspec.Struct, kw_only=True):
    """What the scan learnt of one artifact without looking for anything."""

    path: str
    """Path inside the collection, ``/`` between folders, ``!/`` between an archive and its member."""
    kind: str
    """Name of the format in ``evidence.registry`` (``iis-w3c``), or ``""`` if it is not evidence."""
    host: str
    size: int
    """Bytes of the uncompressed stream."""
    sha256: str | None
    state: ArtifactState
    why: str = ""
    """A sentence when the state is not ``read``."""
    classes: ByteClasses = msgspec.field(default_factory=ByteClasses)
    lines: int = 0
    skipped: dict[str, int] = msgspec.field(default_factory=dict)
    """Records that nobody can read, by reason: no header named their columns."""
    spans: list[tuple[datetime, datetime]] = msgspec.field(default_factory=list)
    """Times of the first and last record of consecutive pieces of the artifact, UTC, in order."""
    builds: dict[str, str] = msgspec.field(default_factory=dict)
    """Day (``2021-03-03``) -> Exchange build that the log names (``15.1.2106.2``; ``15.1.2106`` where
    it names the cumulative update only). ``""`` as the day: as it was when it was collected."""
    site: str = ""
    """For IIS: ``W3SVC1`` (front end) or ``W3SVC2`` (back end), where that can be told."""
    known: dict[str, int] = msgspec.field(default_factory=dict)
    """Of a web file: how it compares with what builds ship (``detection.known_good``)."""
    channels: list[str] = msgspec.field(default_factory=list)
    """Of an event log: the channels that its records name, sorted."""
    hashes: dict[str, str] = msgspec.field(default_factory=dict)
    """Further hashes that a list asks for (``md5``, ``sha1``); of event logs there are none."""
    modified: datetime | None = None
    """Its last change as the collection states it, UTC."""
    created: datetime | None = None
    looked: int = 0
    """Of an event log: records that were looked at closely (``EventLogFacts.looked``)."""
    notes: dict[str, int] = msgspec.field(default_factory=dict)
    """How many of these could be read in several ways, by what was chosen (``Row.notes``)."""
    servers: list[str] = msgspec.field(default_factory=list)
    """Server names that the log itself states (``ServerHostName`` and the like)."""
