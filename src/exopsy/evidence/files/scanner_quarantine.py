r"""Entries of the resident virus scanner's quarantine -> threat, time, and where it was found.

``ProgramData\Microsoft\Windows Defender\Quarantine\Entries\{...}``. An entry is a header and two
parts, each of them disguised with one and the same byte stream, whose key is the same on every
computer and was published with the format (ERNW white paper 71, defender-dump, MIT). Only these
notes are read; the quarantined files themselves stay what they are.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from functools import cache

import msgspec

_KEY = bytes.fromhex(
    """
    1E87781B8DBAA844CE69 702C0C78B786A3F623B7 38F5EDF9AF83530FB3FC 54FAA21EB9CF1331FD0F
    0DA954F687CB9E182796 97900E53FB317C9CBCE4 8E23D05371ECC15951B8 F3649D7CA33ED68DC904
    7E82C9BAAD9799D0D458 CB847CA9FFBE3C8A7752 33557DDE13A8B14087CC 1BC8F10F6ECDD083A959
    CFF84A9D1D50755E3E19 1818AF23E2293558766D 2C07E25712B2CA0B535E D8F6C56CE73D24BDD029
    1771861A54B4C285A9A3 DB7ACA6D224AEACD621D B9F2A22ED1E9E11D75BE D7DC0ECB0A8E68A2FF12
    63408DC808DFFD164B11 6774CD0B9B8D05411ED6 262E429BA495676B8398 DB2F35D3C1B9CED52636
    F2765E1A95CB7CA4C3DD ABDDBFF38253
    """
)
_HEADER = 60
_MAGIC = b"\xdb\xe8\xc5\x01"
_LENGTHS = 0x28
_TIME, _NAME = 0x20, 0x34
_MOST_BYTES = 1 << 18
_MOST_RESOURCES = 1_000
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


class QuarantineEntry(msgspec.Struct, frozen=True):
    """What one entry says."""

    threat: str
    time: datetime | None
    resources: tuple[tuple[str, str], ...]
    """Kind (``file``) and path of each thing that was taken."""
    is_whole: bool
    """False where a part is cut or senseless."""


def is_entry(head: bytes) -> bool:
    """Say whether a file begins like an entry."""
    return _plain(head[:4]) == _MAGIC


def read_entry(data: bytes) -> QuarantineEntry:
    """Read an entry; never raises. What is damaged is left out."""
    header = _plain(data[:_HEADER])
    if len(header) < _HEADER:
        return QuarantineEntry("", None, (), is_whole=False)
    first, second = struct.unpack_from("<II", header, _LENGTHS)
    one = _plain(data[_HEADER : _HEADER + min(first, _MOST_BYTES)])
    begin = _HEADER + first
    two = _plain(data[begin : begin + min(second, _MOST_BYTES)])
    threat = one[_NAME:].split(b"\0", 1)[0].decode("utf-8", "replace")
    resources, is_whole = _resources(two)
    return QuarantineEntry(
        threat, _time(one), resources, is_whole=is_whole and len(one) == first and bool(threat)
    )


def _resources(part: bytes) -> tuple[tuple[tuple[str, str], ...], bool]:
    if len(part) < 4:
        return (), False
    count = struct.unpack_from("<I", part)[0]
    found: list[tuple[str, str]] = []
    for index in range(min(count, _MOST_RESOURCES)):
        if 4 * index + 8 > len(part):
            return tuple(found), False
        at = struct.unpack_from("<I", part, 4 * index + 4)[0]
        end = at
        while part[end : end + 2] not in {b"\0\0", b""} and end - at < 4_096:
            end += 2
        path = part[at:end].decode("utf-16-le", "replace")
        # After the path the number of further fields, then the kind.
        kind = part[end + 4 : end + 44].split(b"\0", 1)[0].decode("ascii", "replace")
        if path:
            found.append((kind, path))
    return tuple(found), count == len(found)


def _time(part: bytes) -> datetime | None:
    if len(part) < _TIME + 8:
        return None
    ticks = struct.unpack_from("<Q", part, _TIME)[0]
    try:
        return _EPOCH + timedelta(microseconds=ticks // 10)
    except OverflowError:
        return None


def _plain(data: bytes) -> bytes:
    """Undo the disguise; doing it again puts it on."""
    stream = _stream(1 << max(8, len(data).bit_length()))
    return bytes(a ^ b for a, b in zip(data, stream, strict=False))


@cache
def _stream(length: int) -> bytes:
    box = list(range(256))
    j = 0
    for i in range(256):
        j = (j + box[i] + _KEY[i]) % 256
        box[i], box[j] = box[j], box[i]
    stream = bytearray(length)
    i = j = 0
    for at in range(length):
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        stream[at] = box[(box[i] + box[j]) % 256]
    return bytes(stream)
