r"""``$UsnJrnl:$J``: what happened to files of an NTFS volume -> a row for each wanted change.

USN_RECORD_V2 and V3 (winioctl.h). The stream begins with a long run of NUL bytes where the journal
was cut off; records begin at multiples of eight bytes. A record names its folder by number only:
the path comes from the file table of the same volume, where that was collected.

Of the records of one change only the last one counts (``Close``), which holds all its reasons, and
the old name of what was renamed. Its time is the system's own.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import BinaryIO

from exopsy.core.clock import from_filetime
from exopsy.evidence.files.volume import pieces
from exopsy.schema.file import FileFacts, Interest
from exopsy.schema.row import Origin, Row, Skipped

NAME = "change-journal"
_PIECE = 1 << 20
_HEAD = struct.Struct("<I2H")
_V2 = struct.Struct("<2Q8xQI8xI2H")
_V3 = struct.Struct("<Q8xQ8x8xQI8xI2H")
_LONGEST = 4_096
_SHORTEST = 60
_NOT_NUL = re.compile(rb"[^\0]")
_OLD_NAME, _CLOSE = 0x1000, 0x80000000
_FOLDER = 0x10
_REASONS = (
    (0x1, "DataOverwrite"),
    (0x2, "DataExtend"),
    (0x4, "DataTruncation"),
    (0x100, "FileCreate"),
    (0x200, "FileDelete"),
    (0x1000, "RenameOldName"),
    (0x2000, "RenameNewName"),
    (0x8000, "BasicInfoChange"),
)
_NAME = re.compile(r"(?:^|[/:]|%3A|_)\$J$|\$UsnJrnl", re.IGNORECASE)
_TOLD_MOST = 1_000


def recognise(head: bytes, path: str) -> bool:
    """Recognise it by its name, and a record (or nothing yet) at the beginning."""
    if "$" not in path or _NAME.search(path) is None or path.lower().endswith("$max"):
        return False
    first = _NOT_NUL.search(head)
    return first is None or _length(head, _next(head, 0)) > 0


def read_table(stream: BinaryIO, file: FileFacts, interest: Interest) -> Iterator[Row | Skipped]:
    """Yield a row for each change of a file with a wanted ending, in the order of the journal.

    Raises:
        OSError: the stream can't be read on; rows of what was read were given.
    """
    endings = tuple(ending.encode("utf-16-le") for ending in interest.endings)
    rows = damaged = 0
    held, base = b"", 0
    for piece in _with_end(stream):
        data = held + piece
        last = len(data) if not piece else len(data) - _LONGEST
        at = 0
        while at < last:
            length = _length(data, at)
            if length > 0:
                row = _row(data, at, base + at, endings, file)
                if row is not None:
                    rows += 1
                    if rows <= interest.most:
                        yield row
                at += length
                continue
            following = _next(data, at)
            damaged += following == at
            at = max(following, at + 8)
        at = min(at, len(data))
        held, base = data[at:], base + at
    for reason, count in (("damaged-record", damaged), ("too-many", rows - interest.most)):
        for _ in range(min(max(0, count), _TOLD_MOST)):
            yield Skipped(reason=reason, origin=Origin(artifact=file.path, offset=0, line=1))


def _with_end(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the pieces of a stream, and an empty one when it ends."""
    for piece in pieces(stream, _PIECE):
        yield bytes(piece)
    yield b""


def _next(data: bytes, at: int) -> int:
    """Return where the next bytes are that are not NUL, as records are aligned."""
    found = _NOT_NUL.search(data, at)
    return len(data) if found is None else found.start() & ~7


def _length(data: bytes, at: int) -> int:
    """Return the length of the record that begins here; 0: none does."""
    if at + 8 > len(data):
        return 0
    length, major, minor = _HEAD.unpack_from(data, at)
    is_sound = _SHORTEST <= length <= _LONGEST and not length % 8 and major in (2, 3) and not minor
    return length if is_sound and at + length <= len(data) else 0


def _row(
    data: bytes, at: int, offset: int, endings: tuple[bytes, ...], file: FileFacts
) -> Row | None:
    length, major, _ = _HEAD.unpack_from(data, at)
    shape = _V2 if major == 2 else _V3
    if at + 8 + shape.size > len(data):
        return None
    record, parent, ticks, reason, attributes, size, start = shape.unpack_from(data, at + 8)
    name = data[at + start : at + min(start + size, length)]
    if not name.lower().endswith(endings) or attributes & _FOLDER:
        return None
    if not reason & (_CLOSE | _OLD_NAME):
        return None
    text = name.decode("utf-16-le", "replace")
    fields = {
        "FileName": text,
        "Reason": "\n".join(word for bit, word in _REASONS if reason & bit),
        "Record": _number(record),
        "Parent": _number(parent),
    }
    _, dot, extension = text.rpartition(".")
    if dot:
        fields["Extension"] = extension.lower()
    reasons = tuple(fields["Reason"].split("\n")) if fields["Reason"] else ()
    if not reasons:
        return None
    return Row(
        log=NAME,
        host="",
        timestamp=from_filetime(ticks),
        fields=fields,
        many={"Reason": reasons},
        origin=Origin(artifact=file.path, offset=offset, line=1),
        raw=data[at : at + length],
    )


def _number(reference: int) -> str:
    """Write a reference as the file table does: record and sequence."""
    return f"{reference & 0xFFFFFFFFFFFF}-{reference >> 48}"
