"""A path in -> every file and stream below it, archives opened, as members to be read.

A collection is a folder, an archive, or a single log. Archives are known by their first bytes and
opened wherever they lie, down to ``Limits.archive_depth``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from exopsy.core.clock import from_unix
from exopsy.core.errors import CollectionError
from exopsy.core.limits import Limits
from exopsy.schema.artifact import Problem
from exopsy.sources.byte_stream import ChunkStream, ReadError, Stream, file_chunks, stream_chunks
from exopsy.sources.decoders import STREAMS, decode_streams
from exopsy.sources.folder import folder_members
from exopsy.sources.magic import HEAD, foreign, recognise
from exopsy.sources.member import Examination, Member, ProblemLog, local_member
from exopsy.sources.names import safe_path
from exopsy.sources.sequential import sequential_members
from exopsy.sources.spool import Spool
from exopsy.sources.stream_guard import StreamGuard
from exopsy.sources.tar_archive import tar_entries
from exopsy.sources.zip_archive import zip_members

_COMPRESSED_SUFFIX = re.compile(r"\.(gz|tgz|xz|txz|bz2|tbz2|zst|tzst)$", re.IGNORECASE)
_LOG_SUFFIXES = {".log", ".txt", ".csv", ".json", ".tsv"}
_SMALLEST_ARCHIVE = 14  # an empty bz2


def open_collection(
    path: Path,
    *,
    passwords: Sequence[bytes] = (),
    limits: Limits | None = None,
    spool: Path | None = None,
    gives: Callable[[str], bool] | None = None,
) -> Collection:
    """Open what the analyst named; nothing is read but the first bytes.

    Args:
        path: a folder, an archive, or a log.
        passwords: tried on everything encrypted, in this order.
        limits: bounds on work; the defaults if None.
        spool: where archives inside archives are put while they are read; made when needed.
            None: a temporary folder of the system.
        gives: path -> whether an archive that lies there is a member itself, before what is in it;
            None: no archive that can be opened is.

    Raises:
        CollectionError: missing, unreadable, empty, or not a collection; says what to do.
    """
    limits = Limits() if limits is None else limits
    try:
        collection = Collection(path, passwords, limits, spool, gives)
        _check(path)
    except OSError as error:
        raise CollectionError(
            f"{path} can't be read ({error.strerror or error}); check the path, or run as a user "
            "who may read it"
        ) from error
    return collection


class Collection:
    """The evidence as given; see ``open_collection``."""

    def __init__(
        self,
        path: Path,
        passwords: Sequence[bytes],
        limits: Limits,
        spool: Path | None,
        gives: Callable[[str], bool] | None = None,
    ) -> None:
        self.path = path
        self.name = safe_path(path.name or path.resolve().name)
        self._passwords = [password for password in passwords if password]
        self._limits = limits
        self._gives = gives
        self._log = ProblemLog()
        self._spool = Spool(spool, limits.spool_bytes)

    @property
    def problems(self) -> list[Problem]:
        """What could not be read, in the order it was met; grows while members are read."""
        return self._log.problems

    @property
    def spooled_bytes(self) -> int:
        """Most bytes of temporary copies that lay on disk at one time."""
        return self._spool.most

    def members(self) -> Iterator[Member]:
        """Yield every file and stream; each iteration gives the same members in the same order.

        Order is by the bytes of the paths, within a tar or 7z as they lie there. Nothing is raised:
        what can't be read is in ``problems``.
        """
        examination = Examination(
            limits=self._limits,
            passwords=self._passwords,
            problems=self._log,
            spool=self._spool,
            gives=self._gives,
        )
        if self.path.is_dir():
            found = folder_members(self.path, self._log)
        else:
            found = iter([local_member(self.name, self.path, _size(self.path))])
        for member in found:
            yield from _opened(member, 0, examination)

    def close(self) -> None:
        """Remove what is left of temporary copies."""
        self._spool.close()

    def __enter__(self) -> Self:
        """Return the collection."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the collection."""
        self.close()


def _opened(member: Member, depth: int, examination: Examination) -> Iterator[Member]:
    """Yield the member, or what is in it if it is an archive."""
    head = _head(member, examination)
    if head is None:
        return
    kind = recognise(head)
    if not kind:
        if name := foreign(head):
            examination.problems.add(
                member.path,
                f"is {name}, which isn't opened here: unpack or mount it and examine the folder",
            )
        yield member
    elif depth >= examination.limits.archive_depth:
        examination.problems.add(
            member.path,
            f"lies in more than {examination.limits.archive_depth} archives (limit archive_depth) "
            "and was not opened: unpack it and examine the folder",
        )
        yield member
    else:
        is_given = examination.gives is not None and examination.gives(member.path)
        if is_given:
            yield member
        for inner in _OPENERS[kind](member, examination):
            if inner is member:  # an archive that could not be opened is given as it is
                if not is_given:
                    yield member
            else:
                yield from _opened(inner, depth + 1, examination)


def _head(member: Member, examination: Examination) -> bytes | None:
    if member.size is not None and member.local is not None and member.size < _SMALLEST_ARCHIVE:
        return b""
    head = b""
    try:
        with member.open() as stream:
            while len(head) < HEAD and (piece := stream.read(HEAD - len(head))):
                head += piece
    except OSError as error:
        if member.local is not None:
            reason = error if isinstance(error, ReadError) else f"can't be read ({error.strerror})"
            examination.problems.add(
                member.path, f"{reason}; check its permissions, or copy it with a user who may"
            )
            return None
        # a damaged member of an archive: what can be had of it is had by whoever reads it
    return head


def _open_zip(member: Member, examination: Examination) -> Iterator[Member]:
    return _seekable(member, examination, lambda p: zip_members(member.path, p, examination))


def _open_sevenzip(member: Member, examination: Examination) -> Iterator[Member]:
    from exopsy.sources.sevenzip_archive import sevenzip_entries  # heavy, and seldom needed

    def read(path: Path) -> Iterator[Member]:
        return sequential_members(
            member.path,
            lambda: sevenzip_entries(
                path,
                limits=examination.limits,
                passwords=examination.passwords,
                on_problem=examination.problems.for_path(member.path),
            ),
            examination,
        )

    return _seekable(member, examination, read)


def _seekable(
    member: Member, examination: Examination, read: Callable[[Path], Iterator[Member]]
) -> Iterator[Member]:
    """Read an archive that needs seeking from its file, or from a copy if it lies in another."""
    try:
        if member.local is not None:
            yield from read(member.local)
        else:
            with examination.spool.hold(member.open()) as copy:
                for inner in read(copy):
                    yield _while_spooled(inner, copy)
    except OSError as error:
        examination.problems.add(member.path, str(error))
        yield member


def _while_spooled(member: Member, copy: Path) -> Member:
    """Return the member, refusing to open once the copy of its archive is gone."""

    def opener() -> Stream:
        if not copy.exists():
            raise ReadError(
                "lies in an archive inside another one, whose temporary copy was deleted when the "
                "next member was asked for; iterate over the members again"
            )
        return member.open()

    return Member(
        member.path,
        member.size,
        None,
        opener,
        modified=member.modified,
        created=member.created,
    )


def _open_tar(member: Member, examination: Examination) -> Iterator[Member]:
    on_problem = examination.problems.for_path(member.path)

    def stream() -> ChunkStream:
        if member.local is not None:
            return ChunkStream(file_chunks(member.local), on_problem)
        return ChunkStream(stream_chunks(member.open()))

    return sequential_members(member.path, lambda: tar_entries(stream(), on_problem), examination)


def _open_compressed(member: Member, examination: Examination, kind: str) -> Iterator[Member]:
    """Yield the content of a gz, xz, zst or bz2; of a compressed tar, the tar's own files."""
    on_problem = examination.problems.for_path(member.path)

    def opener() -> ChunkStream:
        raw = stream_chunks(member.open()) if member.local is None else file_chunks(member.local)
        guard = StreamGuard(examination.limits)
        return ChunkStream(decode_streams(raw, STREAMS[kind], guard), on_problem)

    content = Member(member.path, None, None, opener)
    if recognise(_head(content, examination) or b"") == "tar":
        yield from _open_tar(content, examination)
    elif examination.take_member(member.path):
        last = member.path.rpartition("/")[2]
        inner = _COMPRESSED_SUFFIX.sub("", last) or last
        yield Member(
            f"{member.path}!/{inner}", None, None, opener, modified=_written(member, examination)
        )


def _written(member: Member, examination: Examination) -> datetime | None:
    """Return when the content of a gz was last changed (RFC 1952: UTC); the others don't say."""
    head = _head(member, examination) or b""
    return from_unix(int.from_bytes(head[4:8], "little")) if head[:2] == b"\x1f\x8b" else None


_OPENERS: dict[str, Callable[[Member, Examination], Iterator[Member]]] = {
    "zip": _open_zip,
    "7z": _open_sevenzip,
    "tar": _open_tar,
    "gz": lambda member, examination: _open_compressed(member, examination, "gz"),
    "bz2": lambda member, examination: _open_compressed(member, examination, "bz2"),
    "xz": lambda member, examination: _open_compressed(member, examination, "xz"),
    "zst": lambda member, examination: _open_compressed(member, examination, "zst"),
}


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _check(path: Path) -> None:
    """Refuse what can't be a collection, with a sentence.

    Raises:
        CollectionError: it can't.
        OSError: it can't be read.
    """
    if not path.exists():
        raise CollectionError(f"{path} doesn't exist; check the path")
    if path.is_dir():
        if next(folder_members(path, ProblemLog()), None) is None:
            raise CollectionError(
                f"{path} holds no file that can be read; name the folder the collector filled, or "
                "run as a user who may read it"
            )
        return
    if not path.is_file():
        raise CollectionError(f"{path} is neither a folder nor a file; name a folder or an archive")
    with path.open("rb") as stream:
        head = stream.read(4096)
    if not head:
        raise CollectionError(f"{path} is empty; copy it again from where it was collected")
    if name := foreign(head):
        raise CollectionError(
            f"{path} is {name}, which isn't opened here; unpack or mount it and name the folder"
        )
    if not recognise(head) and path.suffix.lower() not in _LOG_SUFFIXES and not _is_text(head):
        raise CollectionError(
            f"{path} is neither a folder, nor an archive, nor a text log; name the folder or the "
            "archive (zip, 7z, tar, gz, xz, bz2, zst) that the collector wrote"
        )


def _is_text(head: bytes) -> bool:
    """Whether bytes look like a log in UTF-8, ANSI or UTF-16."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    controls = sum(byte < 32 and byte not in b"\t\n\r\f" for byte in head)
    return controls * 100 <= len(head)
