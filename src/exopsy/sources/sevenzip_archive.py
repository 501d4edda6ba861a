"""A 7z file on disk in -> its files, decoded as they are read, without a copy on disk.

py7zr's own extraction pushes whole files at a writer and stops at the first evil name. Its archive
model and its decompressors are used here, and the bytes are pulled, one bounded piece at a time.
"""

from __future__ import annotations

import lzma
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import py7zr
from py7zr.exceptions import ArchiveError

from exopsy.core.clock import from_filetime
from exopsy.core.limits import Limits
from exopsy.sources.byte_stream import CHUNK, ReadError
from exopsy.sources.decoders import DAMAGE
from exopsy.sources.sequential import Entry
from exopsy.sources.stream_guard import StreamGuard

_DAMAGE = (
    *DAMAGE,
    ArchiveError,
    py7zr.PasswordRequired,
    lzma.LZMAError,
    # a damaged header sends py7zr astray in these ways
    AssertionError,
    AttributeError,
    IndexError,
    KeyError,
    MemoryError,
    OverflowError,
    RuntimeError,
    TypeError,
)
_TRIAL = 64 << 10


def sevenzip_entries(
    path: Path,
    *,
    limits: Limits,
    passwords: Sequence[bytes],
    on_problem: Callable[[str], None],
) -> Iterator[Entry]:
    """Yield the files of a 7z in the order in which they are packed.

    Raises:
        ReadError: the archive can't be opened: damaged, or encrypted without a fitting password.
    """
    archive = _open(path, passwords)
    skipped: Counter[str] = Counter()
    with archive:
        for block in _blocks(archive):
            stream = _BlockStream(archive.fp, block, StreamGuard(limits))
            for file in block.files:
                stream.expect(0 if file.emptystream else file.uncompressed, file.crc32)
                if file.is_directory:
                    pass
                elif file.is_symlink or file.is_junction or file.is_socket:
                    skipped["links or sockets"] += 1
                else:
                    stated = file.file_properties()
                    yield Entry(
                        file.filename,
                        file.uncompressed,
                        stream.data(),
                        _moment(stated.get("lastwritetime")),
                        _moment(stated.get("creationtime")),
                    )
                try:
                    stream.skip()
                except ReadError as error:
                    on_problem(f"One of its solid blocks {error}; files of that block are missing")
                    break
    for what, count in sorted(skipped.items()):
        on_problem(f"holds {count} {what}, which are not followed or read; other files are")


def _moment(ticks: object) -> datetime | None:
    return from_filetime(int(ticks)) if isinstance(ticks, int) else None


def _open(path: Path, passwords: Sequence[bytes]) -> Any:  # noqa: ANN401 - py7zr's model
    encrypted = False
    problem: Exception | None = None
    for password in (None, *(p.decode("utf-8", "replace") for p in passwords)):
        try:
            archive = py7zr.SevenZipFile(path, "r", password=password)
        except py7zr.PasswordRequired:
            encrypted = True
            continue
        except _DAMAGE as error:
            problem = problem or error
            if not encrypted:
                break
            continue
        if not archive.needs_password():
            return archive
        encrypted = True
        fits = password is not None and _fits(archive)
        archive.close()
        if fits:  # anew: the trial has moved its decompressors on
            return py7zr.SevenZipFile(path, "r", password=password)
    if encrypted:
        why = "no given password fits" if passwords else "no password was given"
        raise ReadError(
            f"is encrypted and {why}, so nothing in it was read; put the password into a file, one "
            "per line, and pass it as --password-file"
        )
    raise ReadError(
        "is a damaged or cut 7z archive whose directory can't be read, so nothing in it was "
        f"read ({problem}); collect it again"
    ) from problem


def _fits(archive: Any) -> bool:  # noqa: ANN401
    """Whether the beginning of the first packed file decodes."""
    for block in _blocks(archive):
        if block.folder is None or not block.files:
            continue
        stream = _BlockStream(archive.fp, block, StreamGuard(Limits()))
        stream.expect(block.files[0].uncompressed, block.files[0].crc32)
        seen = 0
        try:
            for chunk in stream.data():
                seen += len(chunk)
                if seen >= _TRIAL:
                    break
        except ReadError:
            return False
        return True
    return True


class _Block(NamedTuple):
    """One solid block ('folder' in 7z's own words); None for the files without bytes."""

    folder: Any
    start: int
    packed: int
    files: list[Any]


def _blocks(archive: Any) -> Iterator[_Block]:  # noqa: ANN401
    files = list(archive.files)
    yield _Block(None, 0, 0, [file for file in files if file.emptystream])
    streams = getattr(archive.header, "main_streams", None)
    if streams is None:
        return
    positions = streams.packinfo.packpositions
    for index, folder in enumerate(streams.unpackinfo.folders):
        start, end = positions[index], positions[index + 1]
        inside = [file for file in folder.files or () if not file.emptystream]
        yield _Block(folder, archive.afterheader + start, end - start, inside)


class _BlockStream:
    """Pulls the files of one solid block, one after the other."""

    def __init__(self, packed: Any, block: _Block, guard: StreamGuard) -> None:  # noqa: ANN401
        self._packed = packed
        self._block = block
        self._position = block.start
        self._guard = guard
        self._left = 0
        self._crc: int | None = None
        self._crc_so_far = 0

    def expect(self, size: int, crc: int | None) -> None:
        """Begin the next file."""
        self._left = size
        self._crc = crc
        self._crc_so_far = 0

    def data(self) -> Iterator[bytes]:
        """Yield the rest of the current file.

        Raises:
            ReadError: it is damaged, over a limit, or doesn't match its checksum.
        """
        while self._left:
            piece = self._pull()
            self._left -= len(piece)
            self._crc_so_far = zlib.crc32(piece, self._crc_so_far)
            self._guard.gave(len(piece))
            yield piece
        if self._crc is not None and self._crc_so_far != self._crc:
            self._crc = None  # said once
            raise ReadError(
                "is damaged: the bytes don't match their checksum; they were read as they are, "
                "collect it again"
            )

    def skip(self) -> None:
        """Decode what nobody read of the current file, as the next one needs it.

        Raises:
            ReadError: the block can't be decoded further.
        """
        self._crc = None
        for _ in self.data():
            pass

    def _pull(self) -> bytes:
        try:
            self._packed.seek(self._position)
            decompressor = self._block.folder.get_decompressor(self._block.packed)
            piece = bytes(decompressor.decompress(self._packed, min(CHUNK, self._left)))
            after = self._packed.tell()
        except _DAMAGE as error:
            raise ReadError(
                f"is damaged or cut: it can't be decoded further ({error}); collect it again"
            ) from error
        if not piece and after == self._position:
            raise ReadError("is cut: the packed data end before the file does; collect it again")
        self._guard.took(after - self._position)
        self._position = after
        return piece
