"""What a collection is made of: members, and the problems met on the way to them."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from threading import Lock

from exopsy.core.limits import Limits
from exopsy.schema.artifact import Problem
from exopsy.sources.byte_stream import ReadError, Stream
from exopsy.sources.spool import Spool
from exopsy.sources.stream_guard import MemberCount


class Member:
    """One file or stream of a collection.

    Args:
        path: inside the collection; ``/`` between folders, ``!/`` between an archive and what is
            in it; never absolute, never with ``..``. A display name: never open a file by it.
        size: uncompressed bytes if the container states them (it may be wrong), else None.
        local: the real file, where the member is a plain file on disk.
        opener: gives a new raw stream from the beginning each time.
        modified: its last change as the container states it, UTC; None where it states none, or in
            a time zone that nobody knows. Of a file on disk what the disk says, which is the time
            of copying where the copy did not keep it.
        created: the same for its creation; None for a file on disk, as it was created by copying.
    """

    __slots__ = ("_opener", "created", "local", "modified", "path", "size")

    def __init__(
        self,
        path: str,
        size: int | None,
        local: Path | None,
        opener: Callable[[], Stream],
        *,
        modified: datetime | None = None,
        created: datetime | None = None,
    ) -> None:
        self.path = path
        self.size = size
        self.local = local
        self.modified = modified
        self.created = created
        self._opener = opener

    def open(self) -> Stream:
        """Open a new raw, unbuffered stream at the first byte.

        Files on disk, and members of a zip, tar or 7z that is one, can be opened at any time until
        the collection is closed; members of a tar or 7z cost a re-read up to them unless they are
        the one the iteration stands at. What lies in a zip or 7z *inside* another archive can be
        opened until the next member is asked for (its spooled copy is deleted then).

        Raises:
            ReadError: can't be opened; also from reading the stream, after all bytes before the
                damage.
        """
        return self._opener()


def local_member(
    path: str, local: Path, size: int | None, modified: datetime | None = None
) -> Member:
    """Return the member for a plain file on disk; its stream is the file's own, without copying."""

    def opener() -> Stream:
        try:
            return io.FileIO(local, "rb")
        except OSError as error:
            raise ReadError(f"can't be opened ({error.strerror or error})") from error

    return Member(path, size, local, opener, modified=modified)


class ProblemLog:
    """Collects problems without repeating them; may be told from several threads."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._known: set[tuple[str, str]] = set()
        self._lock = Lock()

    def add(self, path: str, text: str) -> None:
        """Note that ``path`` has a problem, once however often it is met."""
        with self._lock:
            if (path, text) not in self._known:
                self._known.add((path, text))
                self.problems.append(Problem(path=path, text=text))

    def for_path(self, path: str) -> Callable[[str], None]:
        """Return a function that notes problems of one member."""
        return lambda text: self.add(path, text)


class Examination:
    """What every container reader of one pass shares."""

    def __init__(
        self,
        *,
        limits: Limits,
        passwords: Sequence[bytes],
        problems: ProblemLog,
        spool: Spool,
        gives: Callable[[str], bool] | None = None,
    ) -> None:
        self.limits = limits
        self.passwords = passwords
        self.problems = problems
        self.spool = spool
        self.gives = gives
        self.count = MemberCount(limits)

    def take_member(self, archive: str) -> bool:
        """Count one member out of an archive; False, and a problem, where the limit is reached."""
        if self.count.exhausted:
            self.problems.add(
                archive,
                f"holds more than the {self.limits.archive_members} members that are read from "
                "archives (limit archive_members); the rest was not read: unpack it and examine "
                "the folder",
            )
            return False
        self.count.take()
        return True
