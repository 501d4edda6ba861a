"""What rules said of one event -> what they say of the next whose values are the same.

Servers write the same few logons and processes all day. A rule's answer follows from the fields that
it names, so for events that agree in these it is asked once. That holds for rules that name their
fields: not for keywords, which look at all values, nor for tests on the time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

from exopsy.detection.expression import All, Expression, No, Some, TimePart, fields_of
from exopsy.detection.rule import Rule
from exopsy.schema.case import Grade
from exopsy.schema.columns import COLUMNS
from exopsy.schema.event import EVENT_LOG

_JOINED = COLUMNS[EVENT_LOG].joined
_MOST = 20_000
"""Answers that are kept for the same rules; evidence can make up no end of values."""
_MOST_RULES = 4_096

Answer = tuple[tuple[int, Grade], ...]
"""Numbers of the rules that match, and with which grade."""
Names = tuple[str, ...]


class Answers:
    """Remembers answers; one for each process."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._asked: dict[tuple[int, ...], _Asked | None] = {}

    def of(
        self, numbers: Sequence[int], can_tell: Callable[[Iterable[str]], bool]
    ) -> _Asked | None:
        """Return what is known of the answers of some rules; None where every event must be asked.

        Args:
            numbers: of the rules.
            can_tell: whether fields of these names can be told apart without decoding.
        """
        key = tuple(numbers)
        if key in self._asked:
            return self._asked[key]
        names = names_of(test for number in key for test in self._tests(number))
        if names is not None and not can_tell(names):
            names = None
        if len(self._asked) >= _MOST_RULES:
            self._asked.clear()
        made = self._asked[key] = None if names is None else _Asked(tuple(sorted(names)))
        return made

    def _tests(self, number: int) -> list[Expression]:
        rule = self._rules[number]
        return [rule.condition, *(g.when for g in rule.grades if g.when is not None)]


class _Asked:
    """The answers of the same rules, by the values that they follow from."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.known: dict[Hashable, Answer] = {}

    def keep(self, told: Hashable, answer: Answer) -> None:
        """Remember an answer."""
        if len(self.known) >= _MOST:
            self.known.clear()
        self.known[told] = answer


def names_of(expressions: Iterable[Expression]) -> set[str] | None:
    """Return all fields from whose values the truth of expressions follows; None: from others too."""
    names: set[str] = set()
    for expression in expressions:
        if not _is_of_fields(expression):
            return None
        names |= fields_of(expression)
    for name in names & _JOINED.keys():
        names.update(_JOINED[name].fields)
    return names


def _is_of_fields(node: Expression) -> bool:
    match node:
        case All(items) | Some(items):
            return all(map(_is_of_fields, items))
        case No(item):
            return _is_of_fields(item)
        case TimePart():
            return False
    return node.field is not None
