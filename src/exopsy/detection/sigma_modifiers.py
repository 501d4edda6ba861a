"""Sigma's modifiers where pySigma's own are missing or stop short of the specification.

``utf16le`` is unknown to pySigma, the wide encodings refuse text beyond ASCII even in front of a
base64, and ``neq`` is true of a record that lacks the field. Ours take the place of these in
pySigma's table; :func:`prepared` brings a rule's keys into the order that they need.
"""

from __future__ import annotations

import base64
from typing import Any

from sigma.conditions import ConditionAND
from sigma.exceptions import SigmaValueError
from sigma.modifiers import (
    SigmaListModifier,
    SigmaModifier,
    SigmaValueModifier,
    modifier_mapping,
)
from sigma.types import SigmaExpansion, SigmaString, SigmaType


class Differs(SigmaType):  # type: ignore[misc]
    """Values from which the field's value differs."""

    def __init__(self, values: list[SigmaType], *, from_all: bool) -> None:
        self.values = values
        self.from_all = from_all
        """The values were linked by AND: it differs when it differs from one of them."""


class _Wide(SigmaValueModifier[SigmaString, SigmaString]):  # type: ignore[misc]
    """Bytes of another encoding; those that are no UTF-8 stand as halves of surrogate pairs."""

    encoding = "utf-16-le"
    mark = b""

    def modify(self, val: SigmaString) -> SigmaString:
        wide = SigmaString()
        wide.s = [
            _text(part.encode(self.encoding)) if isinstance(part, str) else part for part in val.s
        ]
        if self.mark:
            wide.s.insert(0, _text(self.mark))
        return wide


class _WideBigEndian(_Wide):
    encoding = "utf-16-be"


class _WideWithMark(_Wide):
    mark = b"\xff\xfe"


class _Base64(SigmaValueModifier[SigmaString, SigmaString]):  # type: ignore[misc]
    def modify(self, val: SigmaString) -> SigmaString:
        return _literal(base64.b64encode(_bytes(val, self.source)))


class _Base64Offset(SigmaValueModifier[SigmaString, SigmaExpansion]):  # type: ignore[misc]
    """The part of each of the three encodings that does not depend on what stands around it."""

    def modify(self, val: SigmaString) -> SigmaExpansion:
        data = _bytes(val, self.source)
        forms: list[SigmaType] = []
        for shift in range(3):
            encoded = base64.b64encode(bytes(shift) + data)
            start = (0, 2, 3)[shift]
            end = (None, -3, -2)[(len(data) + shift) % 3]
            forms.append(_literal(encoded[start:end]))
        return SigmaExpansion(forms)


class _NotEqual(SigmaListModifier[Any, Any]):  # type: ignore[misc]
    def modify(self, val: Any) -> Any:  # noqa: ANN401 - pySigma's signature
        return [Differs(val, from_all=self.detection_item.value_linking is ConditionAND)]


_OURS: dict[str, type[SigmaModifier[Any, Any]]] = {
    "wide": _Wide,
    "utf16le": _Wide,
    "utf16be": _WideBigEndian,
    "utf16": _WideWithMark,
    "base64": _Base64,
    "base64offset": _Base64Offset,
    "neq": _NotEqual,
}
modifier_mapping.update(_OURS)


def prepared(detection: Any) -> Any:  # noqa: ANN401 - any shape that YAML can give
    """Return a detection whose keys name their modifiers in the order that they must be applied.

    ``neq`` and ``all`` are about the list as a whole, ``expand`` and the encodings about the text
    before it is looked for, wherever the author put them. Numbers under a modifier of texts
    (``contains: 443``) are texts.
    """
    if isinstance(detection, list):
        return [prepared(item) for item in detection]
    if not isinstance(detection, dict):
        return detection
    made: dict[Any, Any] = {}
    for key, value in detection.items():
        field, *names = str(key).split("|")
        ordered = sorted(names, key=lambda name: _RANK.get(name, 1))
        inner = _as_text(value) if _OF_TEXT & {*names} else value
        name = "|".join([field, *ordered])
        made[str(key) if name in made else name] = inner
    return made


_RANK = {"re": 0, "cidr": 0, "fieldref": 0, "expand": 0, "all": 3, "neq": 4}
_OF_TEXT = {
    "contains", "startswith", "endswith", "re", "cased", "windash", "wide", "utf16", "utf16le",
    "utf16be", "base64", "base64offset", "expand", "fieldref",
}  # fmt: skip


def _as_text(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _literal(data: bytes) -> SigmaString:
    text = SigmaString()
    text.s = [data.decode("ascii")]
    return text


def _bytes(value: SigmaString, source: Any) -> bytes:  # noqa: ANN401
    parts = []
    for part in value.s:
        if not isinstance(part, str):
            raise SigmaValueError("base64 of a text with wildcards or placeholders", source=source)
        parts.append(part.encode("utf-8", "surrogateescape"))
    return b"".join(parts)
