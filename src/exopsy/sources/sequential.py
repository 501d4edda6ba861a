"""Entries of a tar or 7z, which only come one after the other -> members that can be opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from exopsy.sources.byte_stream import ChunkStream, ReadError
from exopsy.sources.member import Examination, Member
from exopsy.sources.names import NamesTaken, climbs, safe_path


class Entry(NamedTuple):
    """One file of an archive in stream order; its chunks are read past when the next is asked for."""

    name: str
    size: int | None
    chunks: Iterator[bytes]
    modified: datetime | None = None
    created: datetime | None = None


def sequential_members(
    archive: str, entries: Callable[[], Iterator[Entry]], examination: Examination
) -> Iterator[Member]:
    """Yield the entries of one archive as members, in the order in which they lie there.

    Args:
        archive: the archive's own path.
        entries: starts the archive anew; called again when a member is opened that has gone by.
        examination: limits and problems of this pass.
    """
    taken = NamesTaken()
    for index, entry in enumerate(entries()):
        if not examination.take_member(archive):
            return
        path = taken.claim(f"{archive}!/{safe_path(entry.name)}")
        if climbs(entry.name):
            examination.problems.add(path, CLIMBS)
        current = _CurrentEntry(entry, entries, index)
        on_error = examination.problems.for_path(path)
        yield Member(
            path,
            entry.size,
            None,
            current.opener(on_error),
            modified=entry.modified,
            created=entry.created,
        )
        current.gone_by()


CLIMBS = (
    "has a name that would leave the folder it is unpacked into ('..'), which no collector writes; "
    "it was read under the name given here, nothing was written: ask who made the archive"
)


class _CurrentEntry:
    """The entry the iteration stands at.

    Its first chunk is kept, so that it can be looked at and then read; the rest goes to whoever
    reads on first, and everybody else has the archive read again.
    """

    def __init__(self, entry: Entry, entries: Callable[[], Iterator[Entry]], index: int) -> None:
        self._chunks = entry.chunks
        self._entries = entries
        self._index = index
        self._first: bytes | None = None
        self._rest_taken = False
        self._is_sound = False
        self._is_whole = False
        """The first chunk is all there is; a short file is not looked for in the archive again."""

    def opener(self, on_error: Callable[[str], None]) -> Callable[[], ChunkStream]:
        return lambda: ChunkStream(self._read(), on_error)

    def gone_by(self) -> None:
        self._rest_taken = True

    def _read(self) -> Iterator[bytes]:
        if self._first is None:
            if self._rest_taken:
                yield from self._read_again()
                return
            self._first = b""  # stays so if the very first chunk is damaged
            self._first = next(self._chunks, b"")
            self._is_sound = True
        yield self._first
        if self._is_whole:
            return
        if self._rest_taken:
            yield from islice(self._read_again(), 1, None)
        else:
            self._rest_taken = True
            second = next(self._chunks, None)
            if second is None:
                self._is_whole = self._is_sound  # damage is met again by whoever reads again
            else:
                yield second
                yield from self._chunks

    def _read_again(self) -> Iterator[bytes]:
        entries = self._entries()  # must live as long as its entry is read
        entry = next(islice(entries, self._index, None), None)
        if entry is None:
            raise ReadError("is no longer where it was in its archive; the archive has changed")
        yield from entry.chunks
        del entries
