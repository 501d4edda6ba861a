"""An encoded value as logged -> the value as rules see it: this is the definition.

The sieve looks for encoded forms on bytes with code of its own; a law says that whatever this
module decodes to a rule's word, the sieve finds.
"""

from __future__ import annotations

import re

from exopsy.core.text import decode_utf8
from exopsy.schema.columns import Decoding

MAX_ROUNDS = 16
"""How often percent-encoding is undone; what is nested deeper stays as it is then."""

# %70%6f -> bytes of UTF-8; %u0070 -> UTF-16 code units (IIS accepts both)
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+|(?:%[uU][0-9A-Fa-f]{4})+")


def undo_percent(text: str) -> str:
    r"""Undo ``%XX`` and ``%uXXXX`` until nothing changes; invalid escapes stay.

    Neighbouring escapes are put together before they are read as UTF-8 (``%C3%A9`` is one letter);
    bytes that are no UTF-8 are marked.
    """
    for _ in range(MAX_ROUNDS):
        if "%" not in text:
            break
        decoded = _ESCAPES.sub(_decode_run, text)
        if decoded == text:
            break
        text = decoded
    return text


def undo_plus(text: str) -> str:
    """Read every ``+`` as a space, then undo percent-encoding (``%2B`` stays a plus sign)."""
    return undo_percent(text.replace("+", " "))


def decode_fields(fields: dict[str, str], how: tuple[tuple[str, Decoding], ...]) -> dict[str, str]:
    """Return the decoded values of those fields whose decoded value differs."""
    decoded: dict[str, str] = {}
    for name, decoding in how:
        value = fields.get(name)
        if value is None:
            continue
        if decoding == "plus" and "+" in value:
            decoded[name] = undo_plus(value)
        elif "%" in value:
            plain = undo_percent(value)
            if plain != value:
                decoded[name] = plain
    return decoded


def _decode_run(found: re.Match[str]) -> str:
    run = found[0]
    if run[1] in "uU":
        units = bytes.fromhex(run[2:].replace("%u", "").replace("%U", ""))
        return units.decode("utf-16-be", "replace")
    return decode_utf8(bytes.fromhex(run.replace("%", "")))
