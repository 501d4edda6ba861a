r"""A line of evidence -> the texts that it may mean, each byte with the place that it came from.

Logs write one value in many ways. What is compared is therefore not the line but a normal text: of
ASCII letters lower case, ``+`` is a space, any run of ``\`` and ``/`` is one ``/``, quotes that are
doubled or escaped are one. That is the plain reading. Where the line holds escapes (``%2f``,
``%252f``, ``%u002f``, ``\u002f``, and in lines that are JSON ``\n``) there is a second one, with
them undone. A value counts if it stands in one of the two, so that no escape can hide what is
written plainly. Indicators go through the same function.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

ROUNDS = 16
"""How often percent-encoding is undone; what is nested deeper stays as it is then."""

_FOLD = bytes(
    32 if b == ord("+") else ord("/") if b == ord("\\") else b + 32 if 65 <= b <= 90 else b
    for b in range(256)
)
_QUOTES = re.compile(rb'\\*"+')
_ODD_QUOTES = re.compile(rb'\\"|""')
_SLASHES = re.compile(rb"[\\/]+")
_MANY_SLASHES = re.compile(rb"[\\/]{2}")
PERCENT = re.compile(rb"%(?:([0-9A-Fa-f]{2})|[uU]([0-9A-Fa-f]{4}))")
_UNICODE = re.compile(rb"\\u([0-9A-Fa-f]{4})")
_JSON = re.compile(rb"\\(?:u([0-9A-Fa-f]{4})|([^u]))")
_JSON_LINE = re.compile(rb"(?:\xef\xbb\xbf)?[ \t,\[]*\{")
_CONTROLS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


class Reading(msgspec.Struct, frozen=True):
    """One normal text of a line."""

    text: bytes
    places: Sequence[int]
    """Offset in the line of each byte of the text; one more, the line's length."""


def normal_text(value: bytes) -> bytes:
    """Return the plain reading's text without its places."""
    if _ODD_QUOTES.search(value):
        value = _QUOTES.sub(b'"', value)
    if _MANY_SLASHES.search(value):
        value = _SLASHES.sub(b"/", value)
    return value.translate(_FOLD)


def undo_escapes(line: bytes) -> bytes:
    """Return the line with its escapes undone, not yet in its normal text."""
    text = _undo_outer(line)
    for _ in range(ROUNDS):
        before, text = text, PERCENT.sub(_of_percent, text)
        if text == before:
            break
    return text


def readings(line: bytes) -> list[Reading]:
    """Return the plain reading, and the one without escapes if it differs."""
    where: Sequence[int] = range(len(line) + 1)
    plain = _normal(line, where)
    text, places = line, where
    if is_json(line):
        text, places = _replace(_JSON, _of_json, text, places)
    else:
        text, places = _replace(_UNICODE, _of_unicode, text, places)
    for _ in range(ROUNDS):
        before = text
        text, places = _replace(PERCENT, _of_percent, text, places)
        if text == before:
            break
    if text == line:
        return [plain]
    other = _normal(text, places)
    return [plain] if other.text == plain.text else [plain, other]


def is_json(line: bytes) -> bool:
    """Say whether a line is (the beginning of) a JSON object."""
    return _JSON_LINE.match(line) is not None


def _undo_outer(line: bytes) -> bytes:
    if b"\\" not in line:
        return line
    return _JSON.sub(_of_json, line) if is_json(line) else _UNICODE.sub(_of_unicode, line)


def _normal(text: bytes, places: Sequence[int]) -> Reading:
    text, places = _replace(_QUOTES, lambda _: b'"', text, places)
    text, places = _replace(_SLASHES, lambda _: b"/", text, places)
    return Reading(text.translate(_FOLD), places)


def _replace(
    pattern: re.Pattern[bytes],
    by: Callable[[re.Match[bytes]], bytes],
    text: bytes,
    places: Sequence[int],
) -> tuple[bytes, Sequence[int]]:
    """Replace all matches; what replaces one lies where the match began."""
    pieces: list[bytes] = []
    moved: list[int] = []
    at = 0
    for found in pattern.finditer(text):
        new = by(found)
        if new == found[0]:
            continue
        pieces += (text[at : found.start()], new)
        moved += places[at : found.start()]
        moved += [places[found.start()]] * len(new)
        at = found.end()
    if not pieces:
        return text, places
    pieces.append(text[at:])
    moved += places[at:]
    return b"".join(pieces), moved


def _of_percent(found: re.Match[bytes]) -> bytes:
    return bytes((int(found[1], 16),)) if found[1] else _of_code_unit(found[2])


def _of_unicode(found: re.Match[bytes]) -> bytes:
    return _of_code_unit(found[1])


def _of_json(found: re.Match[bytes]) -> bytes:
    return _of_code_unit(found[1]) if found[1] else _CONTROLS.get(found[2], found[2])


def _of_code_unit(digits: bytes) -> bytes:
    return chr(int(digits, 16)).encode("utf-8", "surrogatepass")
