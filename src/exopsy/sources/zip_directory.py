"""A zip file in -> its entries: from the central directory, or, where that is lost, from the headers.

APPNOTE.TXT 6.3.10 is the format. What the directory says about sizes is not believed: an entry's
bytes may reach up to the next entry's header, whatever size is stated, and no further.
"""

from __future__ import annotations

import mmap
import struct
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from exopsy.sources.zip_times import zip_times

_LOCAL = b"PK\x03\x04"
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_AES_EXTRA = 0x9901
_ENCRYPTED = 1
_DESCRIPTOR = 1 << 3
_UTF8 = 1 << 11
_BROKEN_DIRECTORY = (
    zipfile.BadZipFile,
    NotImplementedError,  # a version from the future, or made up
    UnicodeDecodeError,  # a name flagged as UTF-8 that isn't
    struct.error,
    ValueError,
    IndexError,
    EOFError,
)


class ZipEntry(msgspec.Struct, kw_only=True, frozen=True):
    """One entry, as stated."""

    name: str
    offset: int
    """Of its local header in the file."""
    end: int
    """Where its bytes end at the latest: the next header, or the central directory."""
    method: int
    """As used for the data; behind method 99 (AES) stands the real one."""
    encrypted: bool
    aes_strength: int
    """1, 2, 3 for 128, 192, 256 bits; 0 if it isn't AES."""
    aes_version: int
    check_byte: int
    """What the last byte of a ZipCrypto header decrypts to."""
    crc: int | None
    packed: int | None
    size: int | None
    modified: datetime | None = None
    """UTC, from an extra field. The DOS time beside it is local to an unknown zone and left."""
    created: datetime | None = None


class ZipListing(msgspec.Struct, kw_only=True):
    """What could be learnt of a zip's entries."""

    entries: list[ZipEntry]
    recovered: bool
    """Whether the central directory was unusable and the headers were searched for instead."""
    end: int = 0
    """Where the central directory begins."""
    shared: int
    """Entries that claim the same bytes as another one; each byte is given once."""


def list_entries(path: Path) -> ZipListing:
    """List a zip's files (not its folders), in the order of their names' bytes.

    Raises:
        OSError: the file can't be read.
    """
    try:
        listing = _from_directory(path)
    except _BROKEN_DIRECTORY:
        listing = None
    if listing is None or _hides_files(path, listing):
        listing = ZipListing(entries=list(_from_headers(path)), recovered=True, shared=0)
    listing.entries = [e for e in listing.entries if not e.name.endswith(("/", "\\"))]
    listing.entries.sort(key=lambda e: (e.name.encode("utf-8", "surrogateescape"), e.offset))
    return listing


def data_start(path: Path, entry: ZipEntry) -> int | None:
    """Return where an entry's data begin, or None where no local header is."""
    with path.open("rb", buffering=0) as stream:
        stream.seek(entry.offset)
        block = stream.read(_LOCAL_HEADER.size)
    if len(block) < _LOCAL_HEADER.size or not block.startswith(_LOCAL):
        return None
    *_, name_length, extra_length = _LOCAL_HEADER.unpack(block)
    return int(entry.offset + _LOCAL_HEADER.size + name_length + extra_length)


def _from_directory(path: Path) -> ZipListing:
    with zipfile.ZipFile(path) as archive:
        infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
        end = archive.start_dir
    entries: list[ZipEntry] = []
    shared = 0
    for index, info in enumerate(infos):
        if index and info.header_offset == infos[index - 1].header_offset:
            shared += 1
        else:
            following = (later.header_offset for later in infos[index + 1 :])
            limit = next((o for o in following if o > info.header_offset), end)
            entries.append(_of_info(info, max(limit, info.header_offset)))
    return ZipListing(entries=entries, recovered=False, shared=shared, end=end)


def _hides_files(path: Path, listing: ZipListing) -> bool:
    """Whether local headers lie where the directory says nothing is.

    So it is where the directory was damaged or written to mislead, and where the end of a cut zip
    is a whole, stored zip, whose directory then looks like this one's.
    """
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        covered = 0
        for entry in listing.entries:
            header = data[max(entry.offset, 0) : entry.offset + _LOCAL_HEADER.size]
            if len(header) < _LOCAL_HEADER.size or entry.offset < 0:
                return True
            if _next_header(data, covered, entry.offset) >= 0:
                return True
            names, extras = struct.unpack_from("<26x2H", header)
            length = _LOCAL_HEADER.size + names + extras + (entry.packed or 0)
            covered = min(entry.offset + length, entry.end)
        return _next_header(data, covered) >= 0


def _of_info(info: zipfile.ZipInfo, end: int) -> ZipEntry:
    strength, version, method = _aes(info.extra) or (0, 0, info.compress_type)
    modified, created = zip_times(info.extra)
    raw_time = getattr(info, "_raw_time", 0)
    return ZipEntry(
        name=info.orig_filename,  # 'filename' ends at the first NUL
        offset=info.header_offset,
        end=end,
        method=method,
        encrypted=bool(info.flag_bits & _ENCRYPTED),
        aes_strength=strength,
        aes_version=version,
        check_byte=(raw_time >> 8 if info.flag_bits & _DESCRIPTOR else info.CRC >> 24) & 0xFF,
        crc=None if version == 2 else info.CRC,
        packed=info.compress_size,
        size=info.file_size,
        modified=modified,
        created=created,
    )


def _from_headers(path: Path) -> Iterator[ZipEntry]:
    if not path.stat().st_size:
        return
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        position = _next_header(data, 0)
        while position >= 0:
            following = _next_header(data, position + _LOCAL_HEADER.size)
            entry = _of_header(data, position, following if following >= 0 else len(data))
            # a stored zip inside this one holds headers too: its stated size steps over them
            if (
                entry.method == 0
                and entry.packed
                and entry.end < position + entry.packed <= len(data)
            ):
                start = position + _LOCAL_HEADER.size
                following = _next_header(data, start + entry.packed)
                entry = _of_header(data, position, following if following >= 0 else len(data))
            yield entry
            position = following


def _next_header(data: mmap.mmap, start: int, end: int | None = None) -> int:
    """Find the next thing that is a local header and not a chance meeting of four bytes."""
    end = len(data) if end is None else end
    position = data.find(_LOCAL, start, end)
    while position >= 0:
        block = data[position : position + _LOCAL_HEADER.size]
        if len(block) == _LOCAL_HEADER.size:
            _, version, _, method, *_, name_length, _ = _LOCAL_HEADER.unpack(block)
            if version & 0xFF <= 63 and method <= 99 and 0 < name_length <= 4096:
                return position
        position = data.find(_LOCAL, position + 1, end)
    return -1


def _of_header(data: mmap.mmap, position: int, end: int) -> ZipEntry:
    block = data[position : position + _LOCAL_HEADER.size]
    _, _, flags, method, time, _, crc, packed, size, names, extras = _LOCAL_HEADER.unpack(block)
    start = position + _LOCAL_HEADER.size
    name = data[start : start + names]
    extra = data[start + names : start + names + extras]
    strength, version, method = _aes(extra) or (0, 0, method)
    modified, created = zip_times(extra)
    unstated = bool(flags & _DESCRIPTOR) or 0xFFFFFFFF in (packed, size)
    return ZipEntry(
        name=name.decode("utf-8" if flags & _UTF8 else "cp437", "surrogateescape"),
        offset=position,
        end=end,
        method=method,
        encrypted=bool(flags & _ENCRYPTED),
        aes_strength=strength,
        aes_version=version,
        check_byte=(time >> 8 if flags & _DESCRIPTOR else crc >> 24) & 0xFF,
        crc=None if unstated or version == 2 else crc,
        packed=None if unstated else packed,
        size=None if unstated else size,
        modified=modified,
        created=created,
    )


def _aes(extra: bytes) -> tuple[int, int, int] | None:
    """Return strength, version and real method from a WinZip AES field, or None."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == _AES_EXTRA and length >= 7 and len(extra) >= 11:
            version, _, strength, method = struct.unpack_from("<H2sBH", extra, 4)
            return (strength, version, method) if strength in (1, 2, 3) else None
        extra = extra[4 + length :]
    return None
