r"""A literal that a rule needs -> a pattern for every way it can stand in the JSON text of an event.

Letters, digits and most signs stand as themselves: a text in which one of them is written as
``\u0041`` is a candidate for every rule (:data:`MARKER`). The few signs that JSON or its usual
writers escape are spelled out here. Backslashes may be any number: some exporters put the
event's data into the record as a JSON text of its own.
"""

from __future__ import annotations

from exopsy.detection.sieve.literals import Literal
from exopsy.schema.columns import LogColumns

_ESCAPED = "\"&'+/<=>\\`"
MARKER = r"\\u00(?:2[0134589a-e]|3[0-9abf]|4[0-9a-f]|5[0-9abdef]|6[1-9a-f]|7[0-9a-e])"
"""An escape of a printable ASCII character that is not spelled out in the patterns."""

OPAQUE = frozenset(("Level", "Keywords"))
"""Fields whose value is not what the text says: words and numbers that are read as another."""


def pattern_of(literal: Literal, columns: LogColumns) -> str:
    """Return a Hyperscan pattern (caseless) for an ASCII literal in one of the event's values."""
    text = literal.text
    joined = columns.joined.get(literal.field)
    if joined is not None:
        text = max(text.split(joined.separator), key=len)
    return "".join(_character(c) for c in text)


def _character(c: str) -> str:
    if c.isalnum():
        return c
    code = f"{ord(c):02x}"
    raw = f"\\x{code}"
    if c not in _ESCAPED:
        return raw
    if c == "\\":
        return r"\\+(?:u005c)?"
    return rf"\\*(?:{raw}|u00{code})"
