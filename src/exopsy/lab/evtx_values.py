"""Values of event records -> the bytes and type numbers that binary XML gives them.

Text is UTF-16 behind a length, so nothing in it can end a value or begin markup.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Sequence
from typing import NamedTuple

Scalar = str | int | bool | bytes | None
Value = Scalar | Sequence[str]
EPOCH_TICKS = 116_444_736_000_000_000
"""From 1601 to 1970 in the 100 ns of a FILETIME."""


class ValueType(NamedTuple):
    """A type of binary XML."""

    number: int
    encode: Callable[[Value], bytes]


def filetime(seconds: float) -> int:
    """Return seconds since 1970 (UTC) as a FILETIME, to the microsecond."""
    return EPOCH_TICKS + round(seconds * 1_000_000) * 10


def _text(value: Value) -> bytes:
    assert isinstance(value, str)
    return value.encode("utf-16-le")


def _texts(value: Value) -> bytes:
    """Encode an array of strings; each ends with NUL, so none may hold one."""
    assert isinstance(value, Sequence)
    return "".join(f"{text}\0" for text in value).encode("utf-16-le")


def _number(form: str) -> Callable[[Value], bytes]:
    pack = struct.Struct(form).pack
    return lambda value: pack(value)


def _guid(value: Value) -> bytes:
    assert isinstance(value, str)
    return uuid.UUID(value).bytes_le


def sid_bytes(sid: str) -> bytes:
    """Return the binary form of ``S-1-5-18``."""
    _, revision, authority, *subs = sid.split("-")
    head = struct.pack(">BBHI", int(revision), len(subs), 0, int(authority))
    return head + struct.pack(f"<{len(subs)}I", *map(int, subs))


def _sid(value: Value) -> bytes:
    assert isinstance(value, str)
    return sid_bytes(value)


def _boolean(value: Value) -> bytes:
    return struct.pack("<I", bool(value))


def _binary(value: Value) -> bytes:
    assert isinstance(value, bytes)
    return value


TYPES: dict[str, ValueType] = {
    "string": ValueType(0x01, _text),
    "u8": ValueType(0x04, _number("<B")),
    "u16": ValueType(0x06, _number("<H")),
    "i32": ValueType(0x07, _number("<i")),
    "u32": ValueType(0x08, _number("<I")),
    "u64": ValueType(0x0A, _number("<Q")),
    "boolean": ValueType(0x0D, _boolean),
    "binary": ValueType(0x0E, _binary),
    "guid": ValueType(0x0F, _guid),
    "filetime": ValueType(0x11, _number("<Q")),
    "sid": ValueType(0x13, _sid),
    "hex32": ValueType(0x14, _number("<I")),
    "hex64": ValueType(0x15, _number("<Q")),
    "xml": ValueType(0x21, _binary),
    "strings": ValueType(0x81, _texts),
}
"""By the names that event kinds use. ``xml`` is nested binary XML."""
