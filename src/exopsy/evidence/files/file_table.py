r"""``$MFT``: the file table of an NTFS volume -> one row for each wanted file, deleted ones too.

Read as a stream, once, in pieces: folders are remembered by number and name, files only where their
name has a wanted ending; paths are put together at the end. The structure is that of the NTFS
documentation of the Linux-NTFS project (FILE record, $STANDARD_INFORMATION, $FILE_NAME, $DATA).

Rows: ``State`` is present, deleted or folder (a wanted folder: the change journal names parents by
number only); ``SetBack`` (yes, no): the creation that programs can set ($STANDARD_INFORMATION) is
before the one that the system keeps beside the name ($FILE_NAME); ``WholeSeconds``: it has no
fraction of a second, as tools that set times leave it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from exopsy.core.clock import from_filetime
from exopsy.evidence.files.volume import letter_of, listed_fields, pieces, put_times
from exopsy.schema.file import FileFacts, Interest
from exopsy.schema.row import Origin, Row, Skipped

NAME = "file-table"
_RECORD = 1024
_PIECE = 4 << 20
_IN_USE, _FOLDER = 1, 2
_ROOT = 5
_DEEPEST = 64
_FOLDERS_MOST = 2_000_000
_SECOND = 10_000_000
_MARK = "$MFT".encode("utf-16-le")
_DOS = 2
_FIRST = 24
"""Records before are the system's own."""
_FILES_MOST = 200_000
"""Files with a wanted ending, wherever they lie."""
_TOLD_MOST = 1_000


class _Folder(NamedTuple):
    sequence: int
    is_used: bool
    parent: int
    name: str
    offset: int


class _Entry(NamedTuple):
    """One file's or folder's record, as far as it is wanted."""

    number: int
    offset: int
    sequence: int
    is_used: bool
    is_folder: bool
    parent: int
    """Number and sequence of its folder, as the record has it."""
    name: str
    size: int
    si: tuple[int, int, int]
    """Created, modified, record changed, as FILETIME."""
    fn: tuple[int, int]
    """Created and modified, kept beside the name."""


def recognise(head: bytes, path: str) -> bool:
    """Recognise it by its first record, which is about itself."""
    return head.startswith(b"FILE") and _MARK in head[:_RECORD]


def read_table(stream: BinaryIO, file: FileFacts, interest: Interest) -> Iterator[Row | Skipped]:
    """Yield a row for each wanted file and folder, in the order of the table.

    Args:
        stream: raw, at its beginning.
        file: what is known of it.
        interest: which entries are wanted.

    Raises:
        OSError: the stream can't be read on; rows of what was read are lost.
    """
    folders: dict[int, _Folder] = {}
    files: list[_Entry] = []
    lost = {"damaged-record": 0, "too-many-folders": 0, "too-many": 0}
    endings = interest.endings
    for base, data, places in _records(stream):
        for at in places:
            if data[at : at + 4] != b"FILE":
                lost["damaged-record"] += 1
                continue
            entry = _entry(data, at, base)
            if entry is None:
                continue  # a part of another record, or one of the system's without a name
            if entry.is_folder:
                if len(folders) < _FOLDERS_MOST:
                    folders[entry.number] = _Folder(
                        entry.sequence, entry.is_used, entry.parent, entry.name, entry.offset
                    )
                else:
                    lost["too-many-folders"] += 1
            elif entry.name.lower().endswith(endings):
                if len(files) < _FILES_MOST:
                    files.append(entry)
                else:
                    lost["too-many"] += 1
    rows = 0
    for row in _rows(files, folders, file, interest):
        rows += 1
        if rows <= interest.most:
            yield row
    lost["too-many"] += max(0, rows - interest.most)
    for reason, count in lost.items():
        for _ in range(min(count, _TOLD_MOST)):
            yield Skipped(reason=reason, origin=Origin(artifact=file.path, offset=0, line=1))


def _rows(
    files: list[_Entry], folders: dict[int, _Folder], file: FileFacts, interest: Interest
) -> Iterator[Row]:
    """Yield the files that are wanted, then the folders."""
    letter = letter_of(file.path)
    known: dict[int, str] = {}
    for entry in files:
        path = f"{letter}{_path_of(entry.parent, folders, known)}\\{entry.name}"
        if interest.fits(path):
            yield _row(entry, path, file)
    parts = tuple({part for one in interest.wanted for part in one.folders})
    for number, folder in folders.items():
        if number < _FIRST:
            continue
        path = f"{letter}{_path_of(folder.parent, folders, known)}\\{folder.name}"
        if any(part in f"{path.lower()}\\" for part in parts):
            fields = listed_fields(path)
            fields["State"] = "folder"
            fields["Record"] = f"{number}-{folder.sequence}"
            yield _made(file, folder.offset, number, path, fields)


def _row(entry: _Entry, path: str, file: FileFacts) -> Row:
    fields = listed_fields(path)
    fields["State"] = "present" if entry.is_used else "deleted"
    fields["Record"] = f"{entry.number}-{entry.sequence}"
    fields["Size"] = str(entry.size)
    put_times(
        fields,
        SiCreated=from_filetime(entry.si[0]),
        SiModified=from_filetime(entry.si[1]),
        SiChanged=from_filetime(entry.si[2]),
        FnCreated=from_filetime(entry.fn[0]),
        FnModified=from_filetime(entry.fn[1]),
    )
    if entry.si[0] and entry.fn[0]:
        fields["SetBack"] = "yes" if entry.si[0] + _SECOND < entry.fn[0] else "no"
        fields["WholeSeconds"] = "no" if entry.si[0] % _SECOND else "yes"
    return _made(file, entry.offset, entry.number, path, fields)


def _made(file: FileFacts, offset: int, number: int, path: str, fields: dict[str, str]) -> Row:
    return Row(
        log=NAME,
        host="",
        timestamp=None,
        fields=fields,
        origin=Origin(artifact=file.path, offset=offset, line=number + 1),
        raw=path.encode("utf-8", "replace"),
    )


def _path_of(reference: int, folders: dict[int, _Folder], known: dict[int, str]) -> str:
    r"""Return ``\inetpub\wwwroot``; what is above a folder that is gone is ``\?``."""
    trail: list[tuple[int, str]] = []
    path = "\\?"
    for _ in range(_DEEPEST):  # a damaged table may run in circles
        number, sequence = reference & 0xFFFFFFFFFFFF, reference >> 48
        if number == _ROOT:
            path = ""
            break
        if reference in known:
            path = known[reference]
            break
        folder = folders.get(number)
        # a folder that was deleted has the next sequence; any other is another folder
        if folder is None or not (
            sequence in (0, folder.sequence)
            or (not folder.is_used and folder.sequence == sequence + 1)
        ):
            break
        trail.append((reference, folder.name))
        reference = folder.parent
    for own, name in reversed(trail):
        path = known[own] = f"{path}\\{name}"
    return path


def _records(stream: BinaryIO) -> Iterator[tuple[int, bytes, list[int]]]:
    """Yield pieces of the table: offset, repaired bytes, places of the records in use."""
    base, size = 0, 0
    for piece in pieces(stream, _PIECE):
        if not size:
            size = _size_of(piece)
        whole = len(piece) // size * size
        if whole:
            data, is_used = _repaired(piece[:whole], size)
            yield base, data, (np.flatnonzero(is_used) * size).tolist()
        base += len(piece)


def _size_of(piece: bytearray) -> int:
    (size,) = struct.unpack_from("<I", piece, 28) if len(piece) >= 32 else (0,)
    return size if size in (512, 1024, 2048, 4096) else _RECORD


def _repaired(piece: bytearray, size: int) -> tuple[bytes, npt.NDArray[np.bool_]]:
    """Put the last two bytes of each sector back from where NTFS keeps them.

    Returns:
        The bytes, and which records can be read: not torn (those are marked as damaged).
    """
    records = np.frombuffer(piece, np.uint8).reshape(-1, size)
    heads = records[:, :8].copy().view(np.uint16)
    at, count = heads[:, 2].astype(np.int64), heads[:, 3].astype(np.int64)
    used = np.any(records[:, :4] != 0, axis=1)
    sectors = size // 512
    fits = used & (count == sectors + 1) & (at + 2 * count <= 512) & (at >= 40)
    rows = np.flatnonzero(fits)
    bad = used & ~fits
    for sector in range(1, sectors + 1):
        for byte in (0, 1):
            end = 512 * sector - 2 + byte
            bad[rows] |= records[rows, end] != records[rows, at[rows] + byte]
            records[rows, end] = records[rows, at[rows] + 2 * sector + byte]
    records[bad, :4] = np.frombuffer(b"BAAD", np.uint8)
    return bytes(piece), used


def _entry(data: bytes, at: int, base: int) -> _Entry | None:
    """Read one record; None where it holds nothing that can be read, or is part of another one."""
    (sequence, first, flags) = struct.unpack_from("<H2xHH", data, at + 16)
    used, size = struct.unpack_from("<2I", data, at + 24)
    (number,) = struct.unpack_from("<I", data, at + 44)
    end = at + min(used, size, 4096)
    si: tuple[int, ...] = (0, 0, 0)
    name: tuple[int, str, int, int, int] | None = None
    length = 0
    place = at + first
    while place + 24 <= end and place + 24 <= len(data):
        kind, attribute = struct.unpack_from("<2I", data, place)
        if kind == 0xFFFFFFFF or attribute < 24 or place + attribute > end:
            break
        is_far, named = data[place + 8], data[place + 9]
        content, offset = struct.unpack_from("<IH", data, place + 16)
        start = place + offset
        if kind == 0x10 and not is_far and start + 24 <= end:
            si = struct.unpack_from("<3Q", data, start)
        elif kind == 0x30 and not is_far and start + 66 <= end:
            name = _better(name, data, start, end)
        elif kind == 0x80 and not named:
            length = (
                struct.unpack_from("<Q", data, place + 48)[0]
                if is_far and attribute >= 56
                else content
            )
        place += attribute
    if name is None:
        return None
    return _Entry(
        number=number,
        offset=base + at,
        sequence=sequence,
        is_used=bool(flags & _IN_USE),
        is_folder=bool(flags & _FOLDER),
        parent=name[0],
        name=name[1],
        size=length,
        si=(si[0], si[1], si[2]),
        fn=(name[2], name[3]),
    )


def _better(
    known: tuple[int, str, int, int, int] | None, data: bytes, start: int, end: int
) -> tuple[int, str, int, int, int] | None:
    """Take a name: a long one rather than one for DOS."""
    parent, created, modified = struct.unpack_from("<3Q", data, start)
    count, kind = data[start + 64], data[start + 65]
    text = data[start + 66 : min(start + 66 + 2 * count, end)]
    if known is not None and (kind == _DOS or known[4] != _DOS):
        return known
    return parent, text.decode("utf-16-le", "replace"), created, modified, kind
