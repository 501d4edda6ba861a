"""A rule's condition under Sigma's field names -> the same under the names of one kind of records.

What the records have no field for can't be asked. A test that then can't hold only costs matches,
and is false; but inside a filter (under a negation) it would make false matches, so the caller is
told to leave this kind of records out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from exopsy.detection.casefold import fold
from exopsy.detection.expression import (
    ANY,
    FALSE,
    ONE,
    TRUE,
    All,
    Expression,
    Missing,
    No,
    Regex,
    SameAs,
    Some,
    Text,
    TimePart,
)


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a field is asked for whose values are written another way."""

    field: str
    values: dict[str, str] = {}
    """Whole values -> how they are written here."""
    holds: str = ""
    """The value stands inside the field, behind this text."""
    replace: dict[str, str] = {}
    """Pieces of values -> how they are written here; ``?`` is any character."""
    lacks: tuple[str, ...] = ()
    """Pieces of values that can't be written here."""
    numbers: str = ""
    """Behind this text stands a hexadecimal number that is written decimally, alone."""


Renaming = str | tuple[str, ...] | Asked
"""Another name; several names, each of which will do; or another way to write values."""


class _CantAskError(Exception):
    """These records can't answer the test."""


class Translator:
    """Translates conditions for one kind of records, and remembers what could not be asked."""

    def __init__(
        self, rename: Mapping[str, Renaming], has: tuple[str, ...] | None, always: frozenset[str]
    ) -> None:
        self._rename = rename
        self._has = None if has is None else always | set(has)
        self.lacking: set[str] = set()
        """Fields that the records have not; tests on them are false."""
        self.spoiled: set[str] = set()
        """The same, where a test that is false would make a match."""

    def translate(self, node: Expression, *, positive: bool = True) -> Expression:
        """Translate an expression; ``positive`` says that its truth can only add matches."""
        match node:
            case All(items):
                return All(tuple(self.translate(i, positive=positive) for i in items))
            case Some(items):
                return Some(tuple(self.translate(i, positive=positive) for i in items))
            case No(item):
                return No(self.translate(item, positive=not positive))
            case TimePart():
                return node
        try:
            return self._leaf(node)
        except _CantAskError as error:
            field = str(error)
            self.lacking.add(field)
            is_absence = isinstance(node, Missing)
            if positive == is_absence:
                self.spoiled.add(field)
            return TRUE if is_absence else FALSE

    def _leaf(self, node: Expression) -> Expression:
        assert not isinstance(node, All | Some | No | TimePart)
        if isinstance(node, SameAs):
            return msgspec.structs.replace(
                node, field=self._plain_name(node.field), other=self._plain_name(node.other)
            )
        if node.field is None:
            return node
        asked = self._rename.get(node.field)
        if isinstance(asked, Asked):
            return self._asked(node, asked)
        if isinstance(asked, tuple):
            tests = tuple(msgspec.structs.replace(node, field=name) for name in asked)
            return All(tests) if isinstance(node, Missing) else Some(tests)
        return msgspec.structs.replace(node, field=self._plain_name(node.field))

    def _plain_name(self, field: str) -> str:
        asked = self._rename.get(field, field)
        if not isinstance(asked, str) or (self._has is not None and asked not in self._has):
            raise _CantAskError(field)
        return asked

    def _asked(self, node: Expression, asked: Asked) -> Expression:
        assert not isinstance(node, All | Some | No | TimePart | SameAs)
        if isinstance(node, Text):
            return self._text(node, asked)
        if asked.holds or (isinstance(node, Regex) and (asked.replace or asked.values)):
            raise _CantAskError(str(node.field))
        return msgspec.structs.replace(node, field=asked.field)

    def _text(self, node: Text, asked: Asked) -> Expression:
        parts = node.parts
        if asked.holds:
            start = fold(asked.holds) if not node.cased else asked.holds
            anywhere = parts[:1] == (ANY,)
            inner = (start, *parts) if anywhere else (start + str(parts[0]), *parts[1:])
            if parts and not anywhere and not isinstance(parts[0], str):
                inner = (start, *parts)
            if not parts:
                raise _CantAskError(str(node.field))
            tail = () if parts[-1] == ANY else (ANY,)
            return Text(asked.field, (ANY, *inner, *tail), node.cased)
        whole = parts[0] if len(parts) == 1 and isinstance(parts[0], str) else None
        if asked.values:
            if whole is None:
                raise _CantAskError(str(node.field))
            known = {fold(name): fold(value) for name, value in asked.values.items()}
            return Text(asked.field, (known.get(fold(whole), fold(whole)),))
        literals = [fold(part) for part in parts if isinstance(part, str)]
        if any(piece in literal for piece in asked.lacks for literal in literals):
            raise _CantAskError(str(node.field))
        if asked.numbers and any(asked.numbers in literal for literal in literals):
            number = _NUMBER.fullmatch(fold(whole)) if whole is not None else None
            if number is None:
                raise _CantAskError(str(node.field))
            return Text(asked.field, (str(int(number[1], 16)),))
        if not asked.replace:
            return Text(asked.field, parts, node.cased)
        made: list[str | int] = []
        for part in parts:
            pieces = _replaced(fold(part), asked.replace) if isinstance(part, str) else [part]
            for piece in pieces:
                if isinstance(piece, str) and made and isinstance(made[-1], str):
                    made[-1] += piece
                else:
                    made.append(piece)
        return Text(asked.field, tuple(made))


_NUMBER = re.compile(r"[a-z]*word \(0x([0-9a-f]{1,16})\)")


def _replaced(literal: str, replace: Mapping[str, str]) -> list[str | int]:
    for old, new in replace.items():
        literal = literal.replace(old, new.replace("?", "\0"))
    pieces: list[str | int] = []
    for index, piece in enumerate(literal.split("\0")):
        if index:
            pieces.append(ONE)
        if piece:
            pieces.append(piece)
    return pieces
