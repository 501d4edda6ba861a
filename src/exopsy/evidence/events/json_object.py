"""One JSON text -> one object; numbers keep their spelling, names said twice keep all values.

Two ways that a property test holds equal: msgspec, and Python's decoder for what msgspec refuses
(halves of surrogate pairs, control characters, ``NaN``) or reads too narrowly (of a name that an
object says twice it keeps the last value only).
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from exopsy.core.text import decode_utf8
from exopsy.evidence.events.notes import NOT_JSON, TOO_DEEP

_decode = msgspec.json.Decoder(float_hook=str).decode
_encode = msgspec.json.Encoder().encode
_SPACED = re.compile(rb'"[ \t\r\n]+:')


def read_object(raw: bytes) -> tuple[dict[str, Any], bool] | str:
    """Decode one object.

    Args:
        raw: JSON in UTF-8.

    Returns:
        The object, and whether one of its objects says a name twice (its values are then a list);
        or the reason why there is none: ``json`` or ``depth``.
    """
    try:
        found = _decode(raw)
        if type(found) is not dict:
            return NOT_JSON
        # What comes out as it went in lost nothing: so it is with what libraries write.
        if _encode(found) != raw and _may_repeat(raw, found):
            return read_plainly(raw)
    except RecursionError:
        return TOO_DEEP
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return read_plainly(raw)
    return found, False


def read_plainly(raw: bytes) -> tuple[dict[str, Any], bool] | str:
    """Decode one object name by name: the definition."""
    repeated = False

    def merge(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        made: dict[str, Any] = dict(pairs)
        if len(made) != len(pairs):
            repeated = True
            values: dict[str, list[Any]] = {}
            for name, value in pairs:
                values.setdefault(name, []).append(value)
            made = {name: all_ if len(all_) > 1 else all_[0] for name, all_ in values.items()}
        return made

    try:
        # int() refuses thousands of digits; nobody calculates with them here
        found = json.loads(
            decode_utf8(raw).removeprefix("\ufeff"),
            object_pairs_hook=merge,
            parse_float=str,
            parse_int=_integer,
            parse_constant=str,
            strict=False,
        )
    except RecursionError:
        return TOO_DEEP
    except ValueError:
        return NOT_JSON
    return (found, repeated) if isinstance(found, dict) else NOT_JSON


def _integer(text: str) -> int | str:
    return int(text) if len(text) < 40 else text


def _may_repeat(raw: bytes, found: dict[str, Any]) -> bool:
    r"""Say whether the text may hold more names than the object: never wrongly no.

    Behind a name stands ``":``; inside a string it could only stand as ``\":``. Names that end in a
    backslash, and spaces before the colon, are left to the slow way.
    """
    if b'\\\\":' in raw or _SPACED.search(raw):
        return True
    count = 0
    stack: list[Any] = [found]
    while stack:
        value = stack.pop()
        if type(value) is dict:
            count += len(value)
            value = value.values()
        for item in value:
            kind = type(item)
            if kind is dict or kind is list:
                stack.append(item)
    return raw.count(b'":') - raw.count(b'\\":') != count
