"""A correlation rule as plain data: serialisable as JSON, so that it can be cached.

Made from a Sigma document by ``reading``; ``linking`` then replaces the names of rules by their ids.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from fractions import Fraction
from typing import Literal

import msgspec

from exopsy.schema.case import Level

Kind = Literal[
    "event_count",
    "value_count",
    "temporal",
    "temporal_ordered",
    "value_sum",
    "value_avg",
    "value_percentile",
    "value_median",
]
TEMPORAL: frozenset[Kind] = frozenset({"temporal", "temporal_ordered"})
NUMERIC: frozenset[Kind] = frozenset({"value_sum", "value_avg", "value_percentile", "value_median"})

MOST_TERMS = 64
"""Alternatives that an extended condition may be spelled as."""

Operator = Literal["gt", "gte", "lt", "lte", "eq", "neq"]


class Bound(msgspec.Struct, frozen=True):
    """One comparison of a condition."""

    op: Operator
    number: int | float

    def holds(self, measured: object) -> bool:
        """Compare; ``measured`` is an int or a Fraction, so that nothing is rounded.

        A fraction in the condition is what was written: 0.1 is a tenth.
        """
        number = self.number
        return _COMPARE[self.op](
            measured, number if isinstance(number, int) else Fraction(str(number))
        )


_COMPARE: dict[Operator, Callable[..., bool]] = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
    "eq": lambda a, b: a == b,
    "neq": lambda a, b: a != b,
}


class Seen(msgspec.Struct, frozen=True, tag="seen"):
    """A rule matched inside the window."""

    rule: str


class AllSeen(msgspec.Struct, frozen=True, tag="all"):
    """Every item holds."""

    items: tuple[Sight, ...]


class SomeSeen(msgspec.Struct, frozen=True, tag="some"):
    """At least one item holds."""

    items: tuple[Sight, ...]


class NotSeen(msgspec.Struct, frozen=True, tag="not"):
    """The item does not hold."""

    item: Sight


Sight = Seen | AllSeen | SomeSeen | NotSeen
"""The extended condition of a temporal correlation: which rules are seen in a window."""

Term = tuple[frozenset[str], frozenset[str]]
"""Rules that must be seen, and rules that must not."""


class Correlation(msgspec.Struct, frozen=True, kw_only=True):
    """One correlation rule."""

    id: str
    """The document's id, or its name, or its title where it has neither."""
    name: str = ""
    title: str
    description: str = ""
    level: Level
    status: str
    tags: tuple[str, ...] = ()
    innocent: tuple[str, ...] = ()
    """Sigma's false positives."""
    kind: Kind
    rules: tuple[str, ...]
    """As written (ids or names, other correlations too); ids once linked. The order is the order
    of steps of ``temporal_ordered``."""
    group_by: tuple[str, ...] = ()
    timespan_seconds: int
    aliases: dict[str, dict[str, str]] = {}
    """Alias -> rule -> the field that it stands for in that rule's records."""
    generate: bool = False
    """The referred rules make findings of their own too."""
    bounds: tuple[Bound, ...] = ()
    """All must hold. Empty only beside ``sight``."""
    fields: tuple[str, ...] = ()
    """Whose values are counted or reckoned; several (``value_count``): their combinations."""
    percentile: int | None = None
    sight: Sight | None = None
    at: str

    @property
    def is_rising(self) -> bool:
        """Once the condition holds in a window, no further hit in the window can undo it."""
        if self.sight is not None:
            return not _has_not(self.sight)
        return self.kind not in NUMERIC and all(b.op in ("gt", "gte") for b in self.bounds)

    def field_of(self, rule: str, name: str) -> str:
        """Return under which name a rule's records hold what the correlation calls ``name``."""
        return self.aliases.get(name, {}).get(rule, name)


def sight_holds(sight: Sight, seen: Collection[str]) -> bool:
    """Evaluate an extended condition over the rules that were seen."""
    match sight:
        case Seen(rule):
            return rule in seen
        case AllSeen(items):
            return all(sight_holds(item, seen) for item in items)
        case SomeSeen(items):
            return any(sight_holds(item, seen) for item in items)
        case NotSeen(item):
            return not sight_holds(item, seen)


def terms_of(sight: Sight, *, most: int) -> list[Term]:
    """Spell an extended condition as alternatives.

    Raises:
        ValueError: there would be more than ``most``.
    """
    return _terms(sight, negated=False, most=most)


def _terms(sight: Sight, *, negated: bool, most: int) -> list[Term]:
    if isinstance(sight, Seen):
        one, none = frozenset({sight.rule}), frozenset[str]()
        return [(none, one) if negated else (one, none)]
    if isinstance(sight, NotSeen):
        return _terms(sight.item, negated=not negated, most=most)
    parts = [_terms(item, negated=negated, most=most) for item in sight.items]
    found: list[Term] = []
    if isinstance(sight, SomeSeen) != negated:
        found = [term for part in parts for term in part]
    else:
        found = [(frozenset(), frozenset())]
        for part in parts:
            found = [
                (must | more, never | less)
                for must, never in found
                for more, less in part
                if not (must | more) & (never | less)
            ]
            if len(found) > most:
                break
    found = list(dict.fromkeys(found))
    if len(found) > most:
        raise ValueError(f"the condition has more than {most} alternatives")
    return found


def _has_not(sight: Sight) -> bool:
    if isinstance(sight, AllSeen | SomeSeen):
        return any(_has_not(item) for item in sight.items)
    return isinstance(sight, NotSeen)
