"""Files that are known by their first bytes and hold much: memory dumps, databases, hives, archives.

One row a file: ``Format`` is what the bytes say, whatever the name says; ``Encrypted`` (yes, no,
unknown) of an archive; ``Process`` of a memory dump; ``Root`` of a hive. A dump whose first bytes
were changed is known by its name only: its format is then absent.

Formats: minidumpapiset.h (Microsoft); MS-ESEDB and regf as described by libesedb and libregf;
APPNOTE.TXT; 7zFormat.txt; the RAR 5.0 technical note and unrar's headers of RAR 4; MS-CAB.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from exopsy.evidence.files.place import file_fields
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Origin, Row, Skipped

NAME = "data-file"
_MAGIC = (
    (b"MDMP", "minidump"),
    (b"PAGEDU", "memory-dump"),
    (b"regf", "registry-hive"),
    (b"Rar!\x1a\x07", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"MSCF", "cab"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08", "zip"),
    (b"\x1f\x8b\x08", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zst"),
)
_BEGINNINGS = tuple(magic for magic, _ in _MAGIC)
_DATABASE = b"\xef\xcd\xab\x89"
_OTHER = ("log", "txt", "csv", "evtx", "xml", "pf", "json", "exe", "dll", "mui", "sys")
"""Endings of files that bear the name of the logon service and are no dump of it."""
_AES = b"\x06\xf1\x07\x01"
_NAME_MOST = 260


def format_of(head: bytes) -> str:
    """Return what the first bytes are of, or ""."""
    if head[4:8] == _DATABASE:
        return "ese-database"
    if head[257:262] == b"ustar":
        return "tar"
    if not head.startswith(_BEGINNINGS):
        return ""
    return next((name for magic, name in _MAGIC if head.startswith(magic)), "")


def recognise(head: bytes, path: str) -> bool:
    """Recognise it by its first bytes; a dump and the directory's database by name too."""
    if format_of(head):
        return True
    name = path.rpartition("/")[2].lower()
    _, dot, ending = name.rpartition(".")
    return name == "ntds.dit" or ("lsass" in name and bool(dot) and ending not in _OTHER)


def read_file(data: bytes, file: FileFacts) -> Iterator[Row | Skipped]:
    """Yield the one row of such a file."""
    fields = file_fields(file)
    found = format_of(data)
    if found:
        fields["Format"] = found
    look = _LOOKS.get(found)
    if look is not None:
        try:
            fields |= look(data)
        except (struct.error, IndexError, ValueError):
            yield Skipped(reason="damaged", origin=Origin(artifact=file.path, offset=0, line=1))
    yield Row(
        log=NAME,
        host="",
        timestamp=None,
        fields={name: value for name, value in fields.items() if value},
        origin=Origin(artifact=file.path, offset=0, line=1),
        raw=data[:64],
    )


def _minidump(data: bytes) -> dict[str, str]:
    """The first module of a process's dump is its program."""
    streams, directory = struct.unpack_from("<2I", data, 8)
    for number in range(min(streams, 64)):
        kind, _, at = struct.unpack_from("<3I", data, directory + 12 * number)
        if kind == 4:  # ModuleListStream
            (count,) = struct.unpack_from("<I", data, at)
            (name,) = struct.unpack_from("<I", data, at + 4 + 20)
            (length,) = struct.unpack_from("<I", data, name)
            text = data[name + 4 : name + 4 + min(length, 2 * _NAME_MOST)]
            if count and text:
                return {"Process": text.decode("utf-16-le", "replace").rpartition("\\")[2]}
    return {}


def _hive(data: bytes) -> dict[str, str]:
    """The root key is named after the hive; its header holds the end of the path it was loaded from."""
    (root,) = struct.unpack_from("<I", data, 36)
    cell = 4096 + root
    known = data[48:112].decode("utf-16-le", "replace").partition("\0")[0]
    found = {"Holds": known}
    if data[cell + 4 : cell + 6] == b"nk":
        (flags,) = struct.unpack_from("<H", data, cell + 6)
        (length,) = struct.unpack_from("<H", data, cell + 76)
        name = data[cell + 80 : cell + 80 + min(length, 2 * _NAME_MOST)]
        found["Root"] = name.decode("latin-1" if flags & 0x20 else "utf-16-le", "replace")
    return found


def _zip(data: bytes) -> dict[str, str]:
    flags, method = struct.unpack_from("<2H", data, 6)
    if not data.startswith(b"PK\x03\x04"):
        return {"Encrypted": "unknown"}
    (length,) = struct.unpack_from("<H", data, 26)
    name = data[30 : 30 + min(length, _NAME_MOST)].decode("utf-8", "replace")
    encrypted = bool(flags & 1) or method == 99
    return {"Encrypted": "yes" if encrypted else "no", "Holds": name}


def _sevenzip(data: bytes) -> dict[str, str]:
    """The header lies at the end and is packed, unless it is short or itself encrypted."""
    offset, size = struct.unpack_from("<2Q", data, 12)
    header = data[32 + offset : 32 + offset + size]
    if len(header) < size or not header:
        return {"Encrypted": "unknown"}
    if _AES in header:
        return {"Encrypted": "yes"}
    return {"Encrypted": "no" if header[0] == 1 else "unknown"}


def _rar(data: bytes) -> dict[str, str]:
    return _rar5(data) if data[6:8] == b"\x01\x00" else _rar4(data)


def _rar4(data: bytes) -> dict[str, str]:
    flags, size = struct.unpack_from("<2H", data, 10)
    if flags & 0x80:  # the headers themselves
        return {"Encrypted": "yes"}
    at = 7 + size
    kind, flags = struct.unpack_from("<BH", data, at + 2)
    (length,) = struct.unpack_from("<H", data, at + 26)
    if kind != 0x74:
        return {"Encrypted": "unknown"}
    start = at + 32 + (8 if flags & 0x100 else 0)
    name = data[start : start + min(length, _NAME_MOST)].partition(b"\0")[0]
    return {"Encrypted": "yes" if flags & 4 else "no", "Holds": name.decode("utf-8", "replace")}


def _rar5(data: bytes) -> dict[str, str]:
    at = 8
    for _ in range(8):  # main header, comments, then the first file
        size, start = _vint(data, at + 4)
        kind, here = _vint(data, start)
        flags, here = _vint(data, here)
        extra = packed = 0
        if flags & 1:
            extra, here = _vint(data, here)
        if flags & 2:
            packed, here = _vint(data, here)
        if kind == 4:
            return {"Encrypted": "yes"}
        if kind == 2:
            end = start + size
            encrypted = extra and _vint(data, _vint(data, end - extra)[1])[0] == 1
            return {"Encrypted": "yes" if encrypted else "no", "Holds": _rar5_name(data, here)}
        if kind == 5 or size == 0:
            break
        at = start + size + packed
    return {"Encrypted": "unknown"}


def _rar5_name(data: bytes, at: int) -> str:
    flags, at = _vint(data, at)
    _, at = _vint(data, at)  # unpacked size
    _, at = _vint(data, at)  # attributes
    at += 4 * bool(flags & 2) + 4 * bool(flags & 4)
    _, at = _vint(data, at)  # compression
    _, at = _vint(data, at)  # system
    length, at = _vint(data, at)
    return data[at : at + min(length, _NAME_MOST)].decode("utf-8", "replace")


def _vint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of RAR 5: seven bits a byte, the low ones first.

    Raises:
        IndexError: the bytes end.
        ValueError: it doesn't end.
    """
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
    raise ValueError("a number without end")


_LOOKS = {
    "minidump": _minidump,
    "registry-hive": _hive,
    "zip": _zip,
    "7z": _sevenzip,
    "rar": _rar,
}
