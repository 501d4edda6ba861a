r"""Literals that rules need, and texts of events, in one form in which the ones are sought in the others.

JSON writes a backslash as two, a quote behind one, and may write any character as ``\u0041``; some
exporters put the event's data into the record as a JSON text of its own, so that all of this is
done twice. In the form used here every run of backslashes is one, and a quote stands behind one. A
text that may hold escapes of characters is decoded for it, once and twice. So patterns are plain literals.

The event's own XML as JSON holds no such text inside, and nearly all of it comes from writers that
escape nothing they need not. There a literal is sought as such a writer writes it, in the text as
it is; only a text that holds any other escape is brought into that form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from exopsy.detection.sieve.literals import SHORTEST, Literal
from exopsy.schema.columns import LogColumns

OPAQUE = frozenset(("Level", "Keywords", "Succeeded"))
"""Fields whose value is not what the text says: words that are read as numbers, and what follows
from other fields."""

BETWEEN = b"\xff"
"""Stands between records that are looked at together: in no text's bytes, and in no pattern."""
ESCAPES = (r"\x5cu[0-9a-f]{4}", r"\x5c/")
"""Patterns (caseless) of the escapes that a writer can do without; ``normal`` decodes them."""

_CODED = re.compile(rb"\\(?:u[0-9a-fA-F]{4}|/)")
_ESCAPE = re.compile(rb"(?:\\u[0-9a-fA-F]{4})+|\\.", re.DOTALL)
_CONTROL = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def normal(text: str) -> bytes:
    """Return the text of an event as patterns see it."""
    data = text.encode("utf-8", "backslashreplace")
    single = _single(data)
    # Behind anything else a backslash is one of a value, or stands for a control character.
    if (b"\\u" not in single and b"\\/" not in single) or _CODED.search(single) is None:
        return single
    once = _ESCAPE.sub(_undone, data)
    twice = _ESCAPE.sub(_undone, once)
    return b"\n".join((single, _quoted(once), _quoted(twice)))


def block_of(texts: Sequence[str]) -> bytes:
    """Return texts of events as they are, with ``BETWEEN`` between them."""
    return BETWEEN.join([text.encode("utf-8", "backslashreplace") for text in texts])


def _undone(found: re.Match[bytes]) -> bytes:
    escape = found[0]
    if len(escape) == 2:
        return _CONTROL.get(escape[1:], escape[1:])
    units = bytes.fromhex(escape.replace(b"\\u", b"").decode("ascii"))
    return units.decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass")


def _quoted(data: bytes) -> bytes:
    return _single(data.replace(b'"', b'\\"'))


def _single(data: bytes) -> bytes:
    """Return data with every run of backslashes as one."""
    while b"\\\\" in data:
        data = data.replace(b"\\\\", b"\\")
    return data


class Sought(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Hyperscan patterns (caseless) for a literal in one of the event's values."""

    normal: str
    """In a text as ``normal`` writes it."""
    as_is: str
    """In a text as it is, if that is the event's own XML and holds none of ``ESCAPES``."""


def sought(literal: Literal, columns: LogColumns) -> Sought:
    """Return what to look for."""
    text = literal.text
    joined = columns.joined.get(literal.field)
    if joined is not None:
        text = max(text.split(joined.separator), key=len)
    data = text.encode("utf-8", "surrogatepass")
    collapsed = _pattern(_quoted(data))
    as_is = _pattern(data.replace(b"\\", b"\\\\").replace(b'"', b'\\"'))
    # Of a list's values, those that were brought into another form are paths.
    if literal.prefix and literal.suffix and joined is None and _bounded(text):
        return Sought(_BEFORE + collapsed + _BEHIND, _BEFORE + as_is + _BEHIND)
    return Sought(collapsed, as_is)


def _bounded(text: str) -> bool:
    return len(text) < SHORTEST or (len(text) <= _SHORT and "/" not in text)


def _pattern(data: bytes) -> str:
    return "".join(chr(b) if chr(b).isalnum() and b < 128 else f"\\x{b:02x}" for b in data)


_SHORT = 8
"""Longer ones are rare enough without what stands around them."""
# A whole value stands in quotes (of a JSON text in a JSON text: \"), is a number, or one of several
# in a value: name=value, -Name "value".
_BEFORE = r'["\s:,\[=]'
_BEHIND = r'["\s,\]}\\]'
