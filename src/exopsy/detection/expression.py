"""The condition of a rule as plain data: what the matcher evaluates and the sieve compiles.

Made from pySigma's parse of a rule; serialisable as JSON, so that compiled rules can be cached by
content hash without pickling anything. Two-valued: a field that is absent makes every test on it
false, except ``Missing``; a negation of a false test is true.
"""

from __future__ import annotations

import msgspec

ANY = 0
"""In ``Text.parts``: any number of characters (``*``)."""
ONE = 1
"""In ``Text.parts``: exactly one character (``?``)."""


class All(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="all"):
    """Every item holds. Empty: true."""

    items: tuple[Expression, ...]


class Some(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="some"):
    """At least one item holds. Empty: false."""

    items: tuple[Expression, ...]


class No(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="no"):
    """The item does not hold."""

    item: Expression


class Text(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="text"):
    """A value matches a pattern of literals and wildcards, whole value, ASCII case ignored."""

    field: str | None
    """None: a keyword, looked for anywhere in the raw record."""
    parts: tuple[str | int, ...]
    """Literals (case-folded unless ``cased``) and ``ANY``/``ONE``."""
    cased: bool = False


class Regex(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="regex"):
    """A regular expression is found somewhere in the value. Case matters unless ``i`` is a flag."""

    field: str | None
    pattern: str
    flags: str = ""
    """Of ``i``, ``m``, ``s``."""


class Network(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="network"):
    """The value is an address inside a network."""

    field: str
    cidr: str


class Missing(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="missing"):
    """The record does not carry the field."""

    field: str


class Present(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="present"):
    """The record carries the field."""

    field: str


class Compare(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="compare"):
    """The value is a number and compares so; a value that is no number makes it false."""

    field: str
    op: str
    """``lt``, ``lte``, ``gt``, ``gte``."""
    number: float


class TimePart(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="time"):
    """A part of the record's own time, in UTC, compares so; without a time it is false."""

    part: str
    """``minute``, ``hour``, ``day`` (of the month), ``week`` (ISO), ``month``, ``year``."""
    op: str
    """``eq``, ``lt``, ``lte``, ``gt``, ``gte``."""
    number: int


class InList(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="list"):
    """The value is in a named list of ``content/lists``."""

    field: str
    name: str


class SameAs(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="same"):
    """The value equals, starts with, ends with or contains another field's value."""

    field: str
    other: str
    how: str = "equals"
    """``equals``, ``startswith``, ``endswith``, ``contains``."""


Expression = (
    All
    | Some
    | No
    | Text
    | Regex
    | Network
    | Missing
    | Present
    | Compare
    | TimePart
    | InList
    | SameAs
)


def fields_of(expression: Expression) -> set[str]:
    """Return the names of all fields that the expression looks at."""
    if isinstance(expression, All | Some):
        return set().union(*(fields_of(item) for item in expression.items))
    if isinstance(expression, No):
        return fields_of(expression.item)
    if isinstance(expression, SameAs):
        return {expression.field, expression.other}
    if isinstance(expression, TimePart) or expression.field is None:
        return set()
    return {expression.field}


def lists_of(expression: Expression) -> set[str]:
    """Return the names of all lists that the expression needs."""
    if isinstance(expression, All | Some):
        return set().union(*(lists_of(item) for item in expression.items))
    if isinstance(expression, No):
        return lists_of(expression.item)
    return {expression.name} if isinstance(expression, InList) else set()


TRUE = All(())
FALSE = Some(())


def simplified(expression: Expression) -> Expression:
    """Return an equal expression without what is always true or false; ``TRUE``, ``FALSE`` last."""
    if isinstance(expression, No):
        inner = simplified(expression.item)
        if inner == TRUE:
            return FALSE
        if inner == FALSE:
            return TRUE
        return inner.item if isinstance(inner, No) else No(inner)
    if not isinstance(expression, All | Some):
        return expression
    kind, decides, idle = (All, FALSE, TRUE) if isinstance(expression, All) else (Some, TRUE, FALSE)
    items: list[Expression] = []
    for item in expression.items:
        inner = simplified(item)
        if inner == decides:
            return decides
        if isinstance(inner, kind):
            items += inner.items
        elif inner != idle:
            items.append(inner)
    return items[0] if len(items) == 1 else kind(tuple(items))
