"""A rule's condition -> literals of which every matching record must hold at least one.

A rule is sievable when every way to satisfy it needs some literal of at least ``SHORTEST``
characters. A negation, an absent field, a comparison, a network and a field reference need none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any

import msgspec

from exopsy.detection.expression import All, Expression, InList, No, Regex, Some, Text

SHORTEST = 3
LONGEST = 48
_LIST_MOST = 64
"""A positive test against a list is sieved by its values up to so many."""


class Literal(msgspec.Struct, frozen=True, order=True):
    """One necessary literal: the field it stands in, and its text, case-folded ASCII."""

    field: str
    """"" for a keyword: anywhere in the record."""
    text: str
    suffix: bool = False
    """The field's value ends with it."""
    unless: str = ""
    """Name of a list: a record whose whole field is in it can't match through this literal."""


Need = frozenset[Literal]


def necessary(
    expression: Expression,
    lists: Mapping[str, frozenset[str]],
    cost: Mapping[str, float] | None = None,
) -> Need | None:
    """Return the literals of which one must be there, or None when nothing must.

    Args:
        expression: the rule's condition.
        lists: values of the lists it may name.
        cost: how common a literal is in innocent records (higher: avoid); missing ones cost 1.
    """
    return _Deriver(lists, cost or {}).need(expression, positive=True)


class _Deriver:
    def __init__(self, lists: Mapping[str, frozenset[str]], cost: Mapping[str, float]) -> None:
        self._lists = lists
        self._cost = cost

    def need(self, node: Expression, *, positive: bool) -> Need | None:
        match node:
            case No(item):
                return self.need(item, positive=not positive)
            case All(items) | Some(items):
                together = isinstance(node, All) == positive  # De Morgan under a negation
                needs = [self.need(item, positive=positive) for item in items]
                if not together:
                    return _union(needs)
                best = self._best(needs)
                return self._with_exclusion(best, items) if positive and best else best
            case Text(field, parts, _) if positive:
                return self._text(field or "", parts)
            case Regex(pattern_field, pattern, flags) if positive:
                return self._regex(pattern_field or "", pattern, flags)
            case InList(list_field, name) if positive:
                values = self._lists.get(name, frozenset())
                if 0 < len(values) <= _LIST_MOST:
                    return _union([self._text(list_field, (value,)) for value in values])
        return None

    def _text(self, field: str, parts: tuple[str | int, ...]) -> Need | None:
        choices = []
        for index, part in enumerate(parts):
            if isinstance(part, str):
                last = index == len(parts) - 1
                choices += [
                    Literal(field, run, suffix=last and part.endswith(run)) for run in _runs(part)
                ]
        if not choices:
            return None
        return frozenset({min(choices, key=lambda c: (self._price(c), c))})

    def _regex(self, field: str, pattern: str, flags: str) -> Need | None:
        try:
            tree = sre_parser.parse(pattern)
        except re.error:
            return None
        if "x" in flags or tree.state.flags & re.VERBOSE:
            return None
        return self._best(
            [
                frozenset(Literal(field, run) for run in alternative)
                for alternative in regex_literals(tree)
            ]
        )

    def _best(self, needs: Iterable[Need | None]) -> Need | None:
        some = [n for n in needs if n is not None]
        return min(some, key=lambda n: (self._total(n), sorted(n)), default=None)

    def _total(self, need: Need) -> float:
        return sum(self._price(literal) for literal in need)

    def _price(self, literal: Literal) -> float:
        """Guess how often a literal stands in innocent records: common ones and short ones cost."""
        for common, weight in self._cost.items():
            if literal.text in common:
                return weight
        return 1.0 / len(literal.text)

    def _with_exclusion(self, need: Need, items: tuple[Expression, ...]) -> Need:
        """Note on suffix literals that a sibling ``not field in list`` excludes whole values."""
        excluded = {
            inner.field: inner.name
            for item in _flat(items)
            if isinstance(item, No)
            for inner in _alternatives(item.item)
            if isinstance(inner, InList)
        }
        return frozenset(
            msgspec.structs.replace(literal, unless=excluded[literal.field])
            if literal.suffix and literal.field in excluded
            else literal
            for literal in need
        )


def _flat(items: Iterable[Expression]) -> Iterable[Expression]:
    for item in items:
        if isinstance(item, All):
            yield from _flat(item.items)
        else:
            yield item


def _alternatives(item: Expression) -> tuple[Expression, ...]:
    """What a negated item rules out: itself, or each of its alternatives."""
    return item.items if isinstance(item, Some) else (item,)


def _union(needs: list[Need | None]) -> Need | None:
    """One of these holds: each must need something, and any one of it may be there."""
    if not needs or any(n is None for n in needs):
        return None
    return frozenset().union(*(n for n in needs if n is not None))


def _runs(text: str) -> list[str]:
    """Return the ASCII pieces of a literal that are long enough, bounded in length."""
    pieces = re.findall(r"[\x20-\x7e]+", text.lower() if text.isascii() else text)
    return [piece[-LONGEST:].lower() for piece in pieces if len(piece) >= SHORTEST]


def regex_literals(tree: Any) -> list[set[str]]:  # noqa: ANN401 - CPython's parse tree
    """Return sets of literals; of each set, at least one must stand in any text that matches."""
    found: list[set[str]] = []
    run = ""
    for op, argument in [*tree, (None, None)]:
        if op is sre.LITERAL and 0x20 <= argument <= 0x7E:
            run += chr(argument).lower()
            continue
        if len(run) >= SHORTEST:
            found.append({run[:LONGEST]})
        run = ""
        if op is sre.SUBPATTERN:
            found += regex_literals(argument[3])
        elif op is sre.MAX_REPEAT or op is sre.MIN_REPEAT:
            if argument[0] >= 1:
                found += regex_literals(argument[2])
        elif op is sre.BRANCH:
            branches = [regex_literals(branch) for branch in argument[1]]
            if all(branches):
                best = [max(b, key=lambda s: min(len(t) for t in s)) for b in branches]
                found.append(set().union(*best))
    return found
