r"""A literal that a rule sees decoded -> a pattern for every way it can stand in a record's bytes.

Letters and digits are never written escaped by ordinary clients, so they stay literal here, and a
record in which any letter or digit *is* written escaped is a candidate by a marker pattern of its
own (:func:`markers`). Why that is enough: let the decoded value hold the literal. Either every
letter and digit of it stands raw in the record, and the pattern below matches; or one of them came
out of an escape. In the first round of decoding in which any letter or digit comes out of an
escape, that escape's hex digits stand raw in the record, and its ``%`` stands raw or came from
``%25`` chains whose digits stand raw too: that is the marker. All else is spelled out per
character: itself, ``%XX`` behind any number of ``25``, ``%u00XX``.

No code is shared with the decoding that parsers do; tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from exopsy.schema.columns import Codec

AnyCodec = Codec | Literal["any"]
"""``any``: all of them, for what may stand in any column."""

MARKERS: dict[str, str] = {
    "percent": r"%(?:25)*(?:3[0-9]|[46][1-9a-f]|[57][0-9a])",
    "unicode": r"%(?:25)*u[0-9a-f]{2}",
    "json": r"\\u[0-9a-f]{4}",
}
"""Patterns that make a record a candidate for every rule of its log."""


def markers(codecs: Iterable[Codec]) -> list[str]:
    """Return the marker patterns that a log with columns of these codecs needs."""
    found = set(codecs)
    names = []
    if found & {"percent", "plus", "bag", "json"}:
        names += ["percent", "unicode"]
    if "json" in found:
        names.append("json")
    return [MARKERS[name] for name in names]


def pattern_of(literal: str, codec: AnyCodec, *, csv: bool) -> str:
    """Return a Hyperscan pattern (caseless) for an ASCII literal in a column of that codec."""
    return "".join(_character(c, codec, csv=csv) for c in literal)


def escaped_character(c: str) -> str:
    """Return a pattern for the percent-escapes of an ASCII character."""
    return f"%(?:25)*(?:u00)?{ord(c):02x}"


def _character(c: str, codec: AnyCodec, *, csv: bool) -> str:
    if c.isascii() and c.isalnum():
        return c
    raw = f"\\x{ord(c):02x}"
    forms = [raw]
    if codec in ("plus", "any") and c == " ":
        forms.append("\\+")
    if codec in ("bag", "any") and c == "'":
        forms = ["'+"]
    if codec in ("json", "any") and c in '"\\/':
        forms = [f"\\\\*{raw}+"]
    elif csv and c == '"':
        forms = ['"+']
    if codec != "text":
        forms.append(escaped_character(c))
    return forms[0] if len(forms) == 1 else f"(?:{'|'.join(forms)})"
