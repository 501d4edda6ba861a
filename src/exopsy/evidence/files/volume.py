"""What the readers of listings of a volume share: its letter, whole pieces of a stream, paths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO

from exopsy.core.clock import format_utc
from exopsy.evidence.files.place import place_fields

_LETTER = re.compile(r"(?:(?:%5C|\\){2}[.?](?:%5C|\\))?([A-Za-z])(?::|%3A|_)?", re.IGNORECASE)


def letter_of(path: str) -> str:
    r"""Return the drive that a collector's folder names (``C:``), or "".

    ``EX01/C/$MFT``, ``uploads/ntfs/%5C%5C.%5CC%3A/$Extend/$UsnJrnl%3A$J``.
    """
    for folder in reversed(path.split("/")[:-1]):
        if folder.lower() != "$extend":
            found = _LETTER.fullmatch(folder)
            return f"{found[1].upper()}:" if found else ""
    return ""


def pieces(stream: BinaryIO, size: int) -> Iterator[bytearray]:
    """Yield the stream in pieces of so many bytes; the last may have fewer.

    Raises:
        OSError: it can't be read on; all whole pieces before were given.
    """
    while True:
        piece = bytearray()
        while len(piece) < size and (data := stream.read(size - len(piece))):
            piece += data
        if not piece:
            return
        yield piece


def listed_fields(path: str) -> dict[str, str]:
    r"""Return the fields that say where a listed file lies.

    Args:
        path: as the volume has it, ``\`` between folders.
    """
    fields = place_fields(path.replace("\\", "/"))
    fields["Path"] = path
    return fields


def put_times(fields: dict[str, str], **times: datetime | None) -> None:
    """Add times as fields, those that there are."""
    for name, moment in times.items():
        if moment is not None:
            fields[name] = format_utc(moment)
