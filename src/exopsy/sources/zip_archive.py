"""A zip file on disk in -> its members, each of which can be opened at any time."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from exopsy.sources.byte_stream import ChunkStream, ReadError, file_chunks
from exopsy.sources.decoders import ZIP_METHODS, decode_one
from exopsy.sources.member import Examination, Member
from exopsy.sources.names import NamesTaken, climbs, safe_path
from exopsy.sources.sequential import CLIMBS
from exopsy.sources.stream_guard import StreamGuard
from exopsy.sources.zip_directory import ZipEntry, ZipListing, data_start, list_entries

_STORED = 0
_TRIAL = 64 << 10
"""Decoded bytes after which a password is believed: ZipCrypto checks one byte, AES two."""
_NAMED = 3


def zip_members(archive: str, path: Path, examination: Examination) -> Iterator[Member]:
    """Yield the files of a zip in byte order of their names.

    Args:
        archive: the archive's own path in the collection.
        path: the zip as a real file, on disk or in the spool.
        examination: limits, passwords and problems of this pass.

    Raises:
        ReadError: the file can't be read at all.
    """
    try:
        listing = list_entries(path)
    except OSError as error:
        raise ReadError(f"can't be read ({error.strerror or error})") from error
    _tell(archive, listing, examination)
    taken = NamesTaken()
    locked: list[str] = []
    passwords = list(examination.passwords)
    for entry in listing.entries:
        if not examination.take_member(archive):
            break
        name = taken.claim(f"{archive}!/{safe_path(entry.name)}")
        if climbs(entry.name):
            examination.problems.add(name, CLIMBS)
        reader = _EntryReader(path, entry, examination)
        if entry.encrypted and not reader.unlock(passwords):
            locked.append(name)
            continue
        on_error = examination.problems.for_path(name)
        yield Member(
            name,
            entry.size,
            None,
            reader.opener(on_error),
            modified=entry.modified,
            created=entry.created,
        )
    if locked:
        examination.problems.add(archive, _locked_sentence(locked, bool(passwords)))


def _tell(archive: str, listing: ZipListing, examination: Examination) -> None:
    if listing.recovered:
        examination.problems.add(
            archive,
            "is damaged or cut: its directory can't be read or doesn't list all. "
            f"{len(listing.entries)} files were found by their headers, others may be missing; "
            "collect it again",
        )
    if listing.shared:
        examination.problems.add(
            archive,
            f"lists {listing.shared} files that share their bytes with another one, which no "
            "collector writes; each was read once",
        )


def _locked_sentence(locked: list[str], tried: bool) -> str:
    names = ", ".join(name.rpartition("!/")[2] for name in locked[:_NAMED])
    more = f" and {len(locked) - _NAMED} more" if len(locked) > _NAMED else ""
    why = "no given password fits" if tried else "no password was given"
    return (
        f"holds {len(locked)} encrypted files that were not read, because {why}: {names}{more}; "
        "put the password into a file, one per line, and pass it as --password-file"
    )


class _EntryReader:
    """Opens one entry, as often as asked."""

    def __init__(self, path: Path, entry: ZipEntry, examination: Examination) -> None:
        self._path = path
        self._entry = entry
        self._examination = examination
        self._password: bytes | None = None

    def opener(self, on_error: Callable[[str], None]) -> Callable[[], ChunkStream]:
        return lambda: ChunkStream(self._checked(), on_error)

    def unlock(self, passwords: list[bytes]) -> bool:
        """Find the password that decodes the entry's beginning; it is tried first from then on."""
        for password in passwords:
            self._password = password
            if self._decodes():
                passwords.remove(password)
                passwords.insert(0, password)
                return True
        return False

    def _decodes(self) -> bool:
        seen = 0
        try:
            for chunk in self._checked():
                seen += len(chunk)
                if seen >= _TRIAL:
                    return True
        except ReadError:
            return False
        return True

    def _checked(self) -> Iterator[bytes]:
        """Yield the content, then compare it with what the directory stated."""
        entry = self._entry
        crc = size = 0
        for chunk in self._content():
            crc = zlib.crc32(chunk, crc)
            size += len(chunk)
            yield chunk
        if entry.size is not None and size != entry.size:
            raise ReadError(
                f"states a size of {entry.size} bytes but holds {size}; all {size} were read, "
                "but don't trust this archive's directory: collect it again"
            )
        if entry.crc is not None and crc != entry.crc:
            raise ReadError(
                "is damaged: the bytes don't match their checksum; they were read as they are, "
                "collect it again"
            )

    def _content(self) -> Iterator[bytes]:
        guard = StreamGuard(self._examination.limits)
        entry = self._entry
        raw = self._raw()
        if entry.method == _STORED:
            for chunk in raw:
                guard.took(len(chunk))
                guard.gave(len(chunk))
                yield chunk
        elif entry.method in ZIP_METHODS:
            yield from decode_one(raw, ZIP_METHODS[entry.method], guard)
        else:
            raise ReadError(
                f"is packed with zip method {entry.method}, which can't be read here; unpack the "
                "archive with the program that made it and examine the folder"
            )

    def _raw(self) -> Iterator[bytes]:
        entry = self._entry
        try:
            start = data_start(self._path, entry)
        except OSError as error:
            raise ReadError(f"can't be read ({error.strerror or error})") from error
        if start is None:
            raise ReadError("can't be found: the directory points to no header; collect it again")
        if self._password is not None:
            from exopsy.sources.zip_encryption import decrypted_chunks  # loads much

            return decrypted_chunks(self._path, entry, start, self._password)
        if entry.encrypted:
            raise ReadError("is encrypted; pass its password with --password-file")
        return file_chunks(self._path, start, self._length(start))

    def _length(self, start: int) -> int:
        """Return the bytes the entry may take: a compressed stream has its own end mark."""
        room = max(self._entry.end - start, 0)
        stated = self._entry.packed
        return room if stated is None or self._entry.method != _STORED else min(room, stated)
