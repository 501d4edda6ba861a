"""The setup program of Exchange -> the build that it was built for: the version of its resources.

Of all programs this is the one that every update replaces. Only the version resource is read; a
program is never run, and nothing in it is trusted but two numbers.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from exopsy.core.clock import format_utc
from exopsy.evidence.files.place import place_fields
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Origin, Row, Skipped

NAME = "exchange-binary"
_NAMED = re.compile(r"(?:^|[/\\])exsetup\.exe$", re.IGNORECASE)
# Media of an update that lie on the disk are not what is installed.
_MEDIA = re.compile(r"[/\\](?:serverroles|setup)[/\\](?:.*[/\\])?exsetup\.exe$", re.IGNORECASE)
MOST_BYTES = 16 << 20
"""The real one has 40 KB; a large one is something else under its name."""
_RAW = 64
_RESOURCES = 2  # IMAGE_DIRECTORY_ENTRY_RESOURCE
_TEXTS = ("FileVersion", "ProductVersion", "ProductName", "OriginalFilename", "CompanyName")
_LONGEST = 256
# What the reader of damaged programs raises beyond its own error.
_DAMAGE = (
    ValueError, LookupError, TypeError, AttributeError, ArithmeticError, struct.error,
    MemoryError, RecursionError, AssertionError,
)  # fmt: skip


def recognise(head: bytes, path: str) -> bool:
    """Recognise the setup program by its name and its first bytes."""
    return head[:2] == b"MZ" and _NAMED.search(path) is not None


def read_file(data: bytes, file: FileFacts) -> Iterator[Row | Skipped]:
    """Yield the one row of a program; ``Build`` where it is the installed one and states it."""
    origin = Origin(artifact=file.path, offset=0, line=1)
    if len(data) > MOST_BYTES or not file.is_whole:
        yield Skipped(reason="too-large", origin=origin)
        return
    version = read_version(data)
    if version is None:
        yield Skipped(reason="no-version", origin=origin)
        return
    fields = place_fields(file.path) | {"Size": str(file.size), "Sha256": file.sha256}
    for name, moment in (("Modified", file.modified), ("Created", file.created)):
        if moment is not None:
            fields[name] = format_utc(moment)
    fields |= version
    if _MEDIA.search(file.path) is None:
        fields["Build"] = version["FixedVersion"]
    yield Row(
        log=NAME, host="", timestamp=None, fields=fields, origin=origin, raw=data[:_RAW]
    )  # fmt: skip


def read_version(data: bytes) -> dict[str, str] | None:
    """Return the version resource of a program: ``FixedVersion`` and its texts; None without one.

    Never raises.
    """
    import pefile  # heavy, and seldom needed

    try:
        with pefile.PE(data=data, fast_load=True) as program:
            program.parse_data_directories(directories=[_RESOURCES])
            fixed = getattr(program, "VS_FIXEDFILEINFO", None)
            if not fixed:
                return None
            high, low = int(fixed[0].FileVersionMS), int(fixed[0].FileVersionLS)
            numbers = (high >> 16, high & 0xFFFF, low >> 16, low & 0xFFFF)
            found = {"FixedVersion": ".".join(map(str, numbers))}
            found |= _texts(program)
    except (pefile.PEFormatError, *_DAMAGE):
        return None
    return found


def _texts(program: object) -> dict[str, str]:
    found: dict[str, str] = {}
    for information in getattr(program, "FileInfo", []):
        for entry in information:
            for table in getattr(entry, "StringTable", []):
                for name, value in table.entries.items():
                    key = name.decode("utf-8", "replace")
                    text = value.decode("utf-8", "replace").strip("\0 ")[:_LONGEST]
                    if key in _TEXTS and text:
                        found.setdefault(key, text)
    return found
