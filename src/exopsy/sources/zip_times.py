"""Extra fields of a zip entry -> when the file was changed and created, where they say so in UTC.

APPNOTE.TXT 4.5.5 and 4.5.7, and extrafld.txt of Info-ZIP. What an archiver wrote first counts: NTFS
times (100 ns), then the extended timestamp and the two old UNIX fields (seconds).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime

from exopsy.core.clock import from_filetime, from_unix

_NTFS = 0x000A
_EXTENDED = 0x5455
_UNIX = (0x000D, 0x5855)
_MODIFIED, _ACCESSED, _CREATED = 1, 2, 4

Times = tuple[datetime | None, datetime | None]
"""Change and creation."""


def zip_times(extra: bytes) -> Times:
    """Read the extra field of a directory's entry or of a local header; never raises."""
    fields: dict[int, bytes] = {}
    for kind, body in _fields(extra):
        fields.setdefault(kind, body)
    modified, created = _ntfs(fields.get(_NTFS, b""))
    if modified is None:
        modified, later = _extended(fields.get(_EXTENDED, b""))
        created = created or later
    for kind in _UNIX:
        if modified is None and len(fields.get(kind, b"")) >= 8:
            modified = from_unix(struct.unpack_from("<i", fields[kind], 4)[0])
    return modified, created


def _fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        yield kind, extra[at + 4 : at + 4 + length]
        at += 4 + length


def _ntfs(body: bytes) -> Times:
    for tag, times in _fields(body[4:]):
        if tag == 1 and len(times) >= 24:
            modified, _, created = struct.unpack_from("<3Q", times)
            return from_filetime(modified), from_filetime(created)
    return None, None


def _extended(body: bytes) -> Times:
    """Of the times that the flags name a directory's entry holds only the first."""
    found: dict[int, datetime | None] = {}
    at = 1
    for flag in (_MODIFIED, _ACCESSED, _CREATED):
        if body and body[0] & flag and at + 4 <= len(body):
            found[flag] = from_unix(struct.unpack_from("<i", body, at)[0])
            at += 4
    return found.get(_MODIFIED), found.get(_CREATED)
