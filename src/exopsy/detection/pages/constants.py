"""Calls on constants, worked out: the functions that pages use to spell a word without writing it.

Every result is bounded; what can't be worked out is ``None``. Bytes are texts of characters up to 255.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import urllib.parse
from collections.abc import Callable, Iterable, Sequence

from exopsy.detection.pages.tokens import LIST, NAME, NUMBER, TEXT, Token

_LIMIT = 1 << 19
_SEPARATOR = "\0"
Made = tuple[str, str]
_BLANK = re.compile(r"[\s\0]+")
_HOLE = re.compile(r"\{(\d{1,3})(?:[,:][^}]{0,20})?\}")
_UNESCAPE = re.compile(r"%u([0-9a-fA-F]{4})|%([0-9a-fA-F]{2})")


def pack(items: Iterable[str]) -> str:
    """Return a list as one text."""
    return _SEPARATOR.join(items)


def unpack(value: str) -> list[str]:
    """Return the items of a list."""
    return value.split(_SEPARATOR)


def character(value: str) -> str:
    """Return the character of a number, or ``""``."""
    try:
        number = int(value)
    except ValueError:
        return ""
    return chr(number) if 0 < number < 0x110000 and not 0xD800 <= number < 0xE000 else ""


def arithmetic(left: str, sign: str, right: str) -> str:
    """Return what two whole numbers make, or ``""``."""
    try:
        a, b = int(left), int(right)
    except ValueError:
        return ""
    if abs(a) > 1 << 32 or abs(b) > 1 << 32:
        return ""
    return str({"+": a + b, "-": a - b, "*": a * b, "^": a ^ b}[sign])


def element(kind: str, value: str, index: str) -> str:
    """Return one character of a text, or one item of a list, or ``""``."""
    try:
        number = int(index)
    except ValueError:
        return ""
    items: Sequence[str] = unpack(value) if kind == LIST else value
    return items[number] if 0 <= number < len(items) else ""


def call(names: tuple[str, ...], receiver: Token | None, arguments: Sequence[Token]) -> Made | None:
    """Work out a call.

    Args:
        names: as written, lower case; ``new`` before a constructor.
        receiver: the constant that the first name is called on.
        arguments: constants.
    """
    last = names[-1]
    if receiver is not None:
        if len(names) != 1:
            return None
        method = _METHODS.get(last)
        return method(receiver, arguments) if method else None
    if names[0] == "new":
        return _constructed(names[1:], arguments)
    if last == "getencoding" and len(arguments) == 1:
        return NAME, f"encoding_{arguments[0].value.lower()}"
    if last == "getstring":
        return _get_string(names, arguments)
    if last in ("getbytes", "tochararray") and len(arguments) == 1:
        return TEXT, arguments[0].value
    function = _FUNCTIONS.get(last)
    if function is None or (last in _QUALIFIED and len(names) < 2):
        return None
    return function(arguments)


def _constructed(names: tuple[str, ...], arguments: Sequence[Token]) -> Made | None:
    if names[-1] == "string" and len(arguments) == 1:
        return TEXT, _as_text(arguments[0])
    if names[-1] in ("stringbuilder", "memorystream", "array") and len(arguments) == 1:
        return arguments[0].kind, arguments[0].value
    return None


def _as_text(token: Token) -> str:
    """Return a list of numbers or characters as the text they make."""
    if token.kind != LIST:
        return token.value
    items = unpack(token.value)
    if all(item.isdigit() for item in items) and any(len(item) > 1 for item in items):
        return "".join(character(item) or "\0" for item in items)
    return "".join(items)


def _get_string(names: tuple[str, ...], arguments: Sequence[Token]) -> Made | None:
    if not arguments:
        return None
    value = _as_text(arguments[0])
    wide = any(
        n in ("unicode", "encoding_utf-16", "encoding_1200", "encoding_unicode") for n in names
    )
    if wide and "\0" in value:
        return TEXT, value.encode("latin-1", "replace").decode("utf-16-le", "replace")
    return TEXT, utf8_or_latin(value)


def utf8_or_latin(value: str) -> str:
    """Return a text of bytes as text."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def from_base64(value: str) -> str | None:
    """Return the bytes as a text of characters up to 255; ``None`` where it is no base64."""
    value = _BLANK.sub("", value).replace("-", "+").replace("_", "/").rstrip("=")
    if len(value) < 2 or len(value) > _LIMIT * 2:
        return None
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode("latin-1")
    except (binascii.Error, ValueError):
        return None


def _base64(arguments: Sequence[Token]) -> Made | None:
    if not arguments or arguments[0].kind != TEXT:
        return None
    made = from_base64(arguments[0].value)
    return None if made is None else (TEXT, made)


def _characters(arguments: Sequence[Token]) -> Made | None:
    if any(a.kind != NUMBER for a in arguments):
        if len(arguments) == 1 and arguments[0].kind == TEXT and not arguments[0].value.isdigit():
            return TEXT, arguments[0].value
        return None
    made = "".join(character(a.value) for a in arguments)
    return (TEXT, made) if made else None


def _unescape(value: str) -> str:
    return _UNESCAPE.sub(lambda m: chr(int(m[1] or m[2], 16)), value)


def _joined(separator: str, items: Token) -> Made:
    return TEXT, separator.join(unpack(items.value))[:_LIMIT]


def _join(arguments: Sequence[Token]) -> Made | None:
    """``String.Join("", list)`` and VB's ``Join(list, "")``."""
    lists = [a for a in arguments if a.kind == LIST]
    if len(lists) == 1 and len(arguments) == 2:
        return _joined(next(a.value for a in arguments if a.kind != LIST), lists[0])
    if not lists and len(arguments) > 2:
        return TEXT, arguments[0].value.join(a.value for a in arguments[1:])
    return None


def _concat(arguments: Sequence[Token]) -> Made | None:
    if not arguments:
        return None
    return TEXT, "".join("".join(unpack(a.value)) for a in arguments)[:_LIMIT]


def _format(arguments: Sequence[Token]) -> Made | None:
    if len(arguments) < 2:
        return None
    values = [v for a in arguments[1:] for v in unpack(a.value)]

    def put(found: re.Match[str]) -> str:
        number = int(found[1])
        return values[number] if number < len(values) else ""

    longest = max(map(len, values))
    if len(arguments[0].value) * max(longest, 1) > _LIMIT:
        return None
    return TEXT, _HOLE.sub(put, arguments[0].value)


def _replaced(value: str, old: str, new: str) -> Made | None:
    if not old or (len(new) > len(old) and len(value) * (len(new) // len(old) + 1) > _LIMIT):
        return None
    return TEXT, value.replace(old, new)


def _replace(arguments: Sequence[Token]) -> Made | None:
    if len(arguments) < 3:
        return None
    return _replaced(*(a.value for a in arguments[:3]))


def _number(token: Token) -> int | None:
    try:
        return int(token.value)
    except ValueError:
        return None


def _middle(value: str, arguments: Sequence[Token], base: int, *, until: bool) -> Made | None:
    numbers = [_number(a) for a in arguments]
    if not numbers or any(n is None or n < 0 for n in numbers):
        return None
    start = max((numbers[0] or 0) - base, 0)
    if len(numbers) == 1:
        return TEXT, value[start:]
    second = numbers[1] or 0
    return TEXT, value[start : second if until else start + second]


def _vb_part(arguments: Sequence[Token], *, left: bool) -> Made | None:
    if len(arguments) != 2 or (count := _number(arguments[1])) is None or count < 0:
        return None
    value = arguments[0].value
    return TEXT, (value[:count] if left else value[max(len(value) - count, 0) :])


def _split(receiver: Token, arguments: Sequence[Token]) -> Made | None:
    if not arguments or receiver.kind != TEXT or not arguments[0].value:
        return None
    return LIST, pack(receiver.value.split(unpack(arguments[0].value)[0])[:10_000])


def turned(receiver: Token) -> Made:
    """Return a text or list, its end first."""
    if receiver.kind == LIST:
        return LIST, pack(reversed(unpack(receiver.value)))
    return TEXT, receiver.value[::-1]


def _removed(receiver: Token, arguments: Sequence[Token]) -> Made | None:
    numbers = [_number(a) for a in arguments]
    if not numbers or numbers[0] is None or numbers[0] < 0:
        return None
    count = numbers[1] if len(numbers) > 1 else None
    rest = receiver.value[numbers[0] + count :] if count is not None and count >= 0 else ""
    return TEXT, receiver.value[: numbers[0]] + rest


def _inserted(receiver: Token, arguments: Sequence[Token]) -> Made | None:
    if len(arguments) != 2 or (at := _number(arguments[0])) is None or at < 0:
        return None
    return TEXT, (receiver.value[:at] + arguments[1].value + receiver.value[at:])[:_LIMIT]


def _first_text(change: Callable[[str], str]) -> Callable[[Sequence[Token]], Made | None]:
    def worked(arguments: Sequence[Token]) -> Made | None:
        return (TEXT, change(_as_text(arguments[0]))[:_LIMIT]) if arguments else None

    return worked


def _plain(change: Callable[[str], str]) -> Callable[[Token, Sequence[Token]], Made | None]:
    def worked(receiver: Token, _arguments: Sequence[Token]) -> Made | None:
        return (TEXT, change(receiver.value)) if receiver.kind == TEXT else None

    return worked


def _hexadecimal(value: str) -> str:
    try:
        return bytes.fromhex(value).decode("latin-1")
    except ValueError:
        return value


_FUNCTIONS: dict[str, Callable[[Sequence[Token]], Made | None]] = {
    "chr": _characters,
    "chrw": _characters,
    "tochar": _characters,
    "fromcharcode": _characters,
    "convertfromutf32": _characters,
    "frombase64string": _base64,
    "atob": _base64,
    "strreverse": _first_text(lambda v: v[::-1]),
    "unescape": _first_text(_unescape),
    "decodeuri": _first_text(_unescape),
    "decodeuricomponent": _first_text(_unescape),
    "urldecode": _first_text(urllib.parse.unquote_plus),
    "unescapedatastring": _first_text(urllib.parse.unquote),
    "htmldecode": _first_text(html.unescape),
    "fromhexstring": _first_text(_hexadecimal),
    "lcase": _first_text(str.lower),
    "ucase": _first_text(str.upper),
    "trim": _first_text(str.strip),
    "cstr": _first_text(str),
    "copy": _first_text(str),
    "intern": _first_text(str),
    "join": _join,
    "concat": _concat,
    "format": _format,
    "replace": _replace,
    "mid": lambda a: _middle(a[0].value, a[1:], 1, until=False) if a else None,
    "left": lambda a: _vb_part(a, left=True),
    "right": lambda a: _vb_part(a, left=False),
    "split": lambda a: _split(a[0], a[1:]) if a else None,
    "array": lambda a: (LIST, pack(t.value for t in a)) if a else None,
}
_QUALIFIED = frozenset(("copy", "intern", "concat", "format"))
_METHODS: dict[str, Callable[[Token, Sequence[Token]], Made | None]] = {
    "replace": lambda r, a: _replaced(r.value, a[0].value, a[1].value) if len(a) == 2 else None,
    "tolower": _plain(str.lower),
    "tolowerinvariant": _plain(str.lower),
    "tolowercase": _plain(str.lower),
    "toupper": _plain(str.upper),
    "touppercase": _plain(str.upper),
    "trim": _plain(str.strip),
    "trimstart": _plain(str.lstrip),
    "trimend": _plain(str.rstrip),
    "tostring": lambda r, _a: (TEXT, _as_text(r)),
    "normalize": _plain(str),
    "substring": lambda r, a: _middle(r.value, a, 0, until=False),
    "substr": lambda r, a: _middle(r.value, a, 0, until=False),
    "slice": lambda r, a: _middle(r.value, a, 0, until=True),
    "charat": lambda r, a: (TEXT, element(r.kind, r.value, a[0].value)) if a else None,
    "elementat": lambda r, a: (TEXT, element(r.kind, r.value, a[0].value)) if a else None,
    "insert": _inserted,
    "remove": _removed,
    "split": _split,
    "tochararray": lambda r, _a: (TEXT, r.value),
    "toarray": lambda r, _a: (r.kind, r.value),
    "reverse": lambda r, _a: turned(r),
    "join": lambda r, a: _joined(a[0].value if a else ",", r) if r.kind == LIST else None,
    "concat": lambda r, a: (TEXT, (r.value + "".join(t.value for t in a))[:_LIMIT]),
}
