r"""Literals that rules need, and texts of events, in one form in which the ones are sought in the others.

JSON writes a backslash as two, a quote behind one, and may write any character as ``\u0041``; some
exporters put the event's data into the record as a JSON text of its own, so that all of this is
done twice. In the form used here every run of backslashes is one, and a text that holds escapes of
characters stands there twice: as it is, and with these undone. So patterns are plain literals.
"""

from __future__ import annotations

import re

from exopsy.detection.sieve.literals import SHORTEST, Literal
from exopsy.schema.columns import LogColumns

OPAQUE = frozenset(("Level", "Keywords"))
"""Fields whose value is not what the text says: words and numbers that are read as another."""

_ESCAPE = re.compile(rb"\\(?:((?:u[0-9a-fA-F]{4}\\?)+)|/)")
_UNIT = re.compile(rb"u([0-9a-fA-F]{4})")


def normal(text: str) -> bytes:
    """Return the text of an event as patterns see it."""
    data = _single(text.encode("utf-8", "backslashreplace"))
    if b"\\u" in data or b"\\/" in data:
        # Both: what looks like an escape may be a folder whose name begins so.
        return data + b"\n" + _single(_ESCAPE.sub(_undone, data))
    return data


def _single(data: bytes) -> bytes:
    """Return data with every run of backslashes as one."""
    while b"\\\\" in data:
        data = data.replace(b"\\\\", b"\\")
    return data


def _undone(found: re.Match[bytes]) -> bytes:
    if found[1] is None:
        return b"/"
    units = b"".join(bytes.fromhex(unit.decode("ascii")) for unit in _UNIT.findall(found[1]))
    text = units.decode("utf-16-be", "surrogatepass")
    rest = b"\\" if found[1].endswith(b"\\") else b""
    # A backslash or quote that was an escape is written as any other.
    plain = text.replace('"', '\\"').encode("utf-8", "surrogatepass")
    return plain + rest


def pattern_of(literal: Literal, columns: LogColumns) -> str:
    """Return a Hyperscan pattern (caseless) for a literal in one of the event's values."""
    text = literal.text
    joined = columns.joined.get(literal.field)
    if joined is not None:
        text = max(text.split(joined.separator), key=len)
    data = _single(text.replace('"', '\\"').encode("utf-8", "surrogatepass"))
    pattern = "".join(chr(b) if chr(b).isalnum() and b < 128 else f"\\x{b:02x}" for b in data)
    if len(text) < SHORTEST and joined is None and literal.prefix and literal.suffix:
        return _BEFORE + pattern + _BEHIND
    return pattern


# A whole value stands in quotes (of a JSON text in a JSON text: \"), or is a number.
_BEFORE = r'["\s:,\[]'
_BEHIND = r'["\s,\]}\\]'
