"""What is measured in a window, kept up to date as hits enter at its end and leave at its start."""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Protocol

from exopsy.detection.correlations.correlation import (
    MOST_TERMS,
    Correlation,
    Sight,
    sight_holds,
    terms_of,
)

Number = int | Fraction
Values = tuple[str, ...]
_NUMBER = re.compile(r"\s*([+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,2})?)\s*")


def read_number(text: str) -> Fraction | None:
    """Read a decimal number exactly, so that sums depend neither on order nor on rounding."""
    found = _NUMBER.fullmatch(text) if text.isascii() else None
    return None if found is None else Fraction(found.group(1))


class Measure(Protocol):
    """One window's measure."""

    def add(self, time: int, rule: str, values: Values) -> None:
        """A hit enters at the window's end."""

    def remove(self, rule: str, values: Values) -> None:
        """The window's first hit leaves."""

    def judge(self, start: int) -> tuple[bool, Number]:
        """Say whether the condition holds in the window from ``start`` on, and what was measured."""


def make_measure(correlation: Correlation) -> Measure:
    """Return the measure of an empty window."""
    if correlation.kind == "temporal_ordered":
        if correlation.sight is not None:
            return _OrderedSight(correlation, correlation.sight)
        return _Steps(correlation)
    return _MEASURES[correlation.kind](correlation)


class _Bounded:
    """A measure whose number is compared."""

    def __init__(self, correlation: Correlation) -> None:
        self._bounds = correlation.bounds

    def _number(self) -> Number:
        raise NotImplementedError

    def judge(self, start: int) -> tuple[bool, Number]:
        del start
        number = self._number()
        return all(bound.holds(number) for bound in self._bounds), number


class _Events(_Bounded):
    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._count = 0

    def add(self, time: int, rule: str, values: Values) -> None:
        del time, rule, values
        self._count += 1

    def remove(self, rule: str, values: Values) -> None:
        del rule, values
        self._count -= 1

    def _number(self) -> Number:
        return self._count


class _Distinct(_Bounded):
    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._seen: Counter[str] = Counter()

    def add(self, time: int, rule: str, values: Values) -> None:
        del time, rule
        self._seen.update(values)

    def remove(self, rule: str, values: Values) -> None:
        del rule
        for value in values:
            _take(self._seen, value)

    def _number(self) -> Number:
        return len(self._seen)


class _Sum(_Bounded):
    """The sum, or the average."""

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._average = correlation.kind == "value_avg"
        self._sum = Fraction(0)
        self._count = 0

    def add(self, time: int, rule: str, values: Values) -> None:
        del time, rule
        self._sum += sum(map(Fraction, values))
        self._count += len(values)

    def remove(self, rule: str, values: Values) -> None:
        del rule
        self._sum -= sum(map(Fraction, values))
        self._count -= len(values)

    def _number(self) -> Number:
        return self._sum / self._count if self._average else self._sum


class _Rank(_Bounded):
    """The median (of an even number the middle of the two), or a percentile by nearest rank."""

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._percentile = (
            correlation.percentile if correlation.kind == "value_percentile" else None
        )
        self._sorted: list[Fraction] = []

    def add(self, time: int, rule: str, values: Values) -> None:
        del time, rule
        for value in values:
            insort(self._sorted, Fraction(value))

    def remove(self, rule: str, values: Values) -> None:
        del rule
        for value in values:
            del self._sorted[bisect_left(self._sorted, Fraction(value))]

    def _number(self) -> Number:
        count = len(self._sorted)
        if self._percentile is None:
            return (self._sorted[(count - 1) // 2] + self._sorted[count // 2]) / 2
        rank = -(-self._percentile * count // 100)  # rounded up
        return self._sorted[max(rank, 1) - 1]


class _Rules(_Bounded):
    """Which rules are there, in whatever order."""

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._sight = correlation.sight
        self._seen: Counter[str] = Counter()

    def add(self, time: int, rule: str, values: Values) -> None:
        del time, values
        self._seen[rule] += 1

    def remove(self, rule: str, values: Values) -> None:
        del values
        _take(self._seen, rule)

    def _number(self) -> Number:
        return len(self._seen)

    def judge(self, start: int) -> tuple[bool, Number]:
        if self._sight is None:
            return super().judge(start)
        return sight_holds(self._sight, self._seen), len(self._seen)


class _Ladder:
    """How many of the steps happened in their order, left out ones allowed.

    For every step and length it keeps the latest time at which a sequence of that length, ending
    with that step, could begin. A sequence lies in the window if it begins in it. Hits of one time
    happened in whatever order suits.
    """

    def __init__(self, steps: Sequence[str]) -> None:
        self._steps = steps
        self._begins: list[list[int | None]] = [[None] * len(steps) for _ in steps]
        self._best: list[int | None] = [None] * len(steps)
        self._time: int | None = None
        self._now: set[str] = set()

    def add(self, time: int, rule: str) -> None:
        if time != self._time:
            self._climb()
            self._time = time
        self._now.add(rule)

    def reached(self, start: int) -> int:
        """Return the length of the longest sequence that begins at ``start`` or later."""
        self._climb()
        for length in range(len(self._steps), 0, -1):
            begin = self._best[length - 1]
            if begin is not None and begin >= start:
                return length
        return 0

    def _climb(self) -> None:
        if not self._now or self._time is None:
            return
        best: list[int | None] = [None] * len(self._steps)
        for step, begins in zip(self._steps, self._begins, strict=True):
            if step in self._now:
                begins[0] = self._time
                for length in range(1, len(begins)):
                    begins[length] = _later(begins[length], best[length - 1])
            best = [_later(a, b) for a, b in zip(best, begins, strict=True)]
        self._best = best
        self._now.clear()


class _Steps(_Bounded):
    """How many steps happened in order."""

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._ladder = _Ladder(correlation.rules)

    def add(self, time: int, rule: str, values: Values) -> None:
        del values
        self._ladder.add(time, rule)

    def remove(self, rule: str, values: Values) -> None:
        """Nothing: what begins before the window is not asked for."""

    def judge(self, start: int) -> tuple[bool, Number]:
        number = self._ladder.reached(start)
        return all(bound.holds(number) for bound in self._bounds), number


class _OrderedSight:
    """An extended condition; those rules that it needs must come in the order of ``rules``."""

    def __init__(self, correlation: Correlation, sight: Sight) -> None:
        order = tuple(dict.fromkeys(correlation.rules))
        self._seen: Counter[str] = Counter()
        self._terms = [
            (_Ladder(steps), len(steps), never)
            for must, never in terms_of(sight, most=MOST_TERMS)
            for steps in [tuple(rule for rule in order if rule in must)]
        ]

    def add(self, time: int, rule: str, values: Values) -> None:
        del values
        self._seen[rule] += 1
        for ladder, _, _ in self._terms:
            ladder.add(time, rule)

    def remove(self, rule: str, values: Values) -> None:
        del values
        _take(self._seen, rule)

    def judge(self, start: int) -> tuple[bool, Number]:
        held = any(
            not never & self._seen.keys() and ladder.reached(start) == length
            for ladder, length, never in self._terms
        )
        return held, len(self._seen)


_MEASURES: dict[str, Callable[[Correlation], Measure]] = {
    "event_count": _Events,
    "value_count": _Distinct,
    "value_sum": _Sum,
    "value_avg": _Sum,
    "value_median": _Rank,
    "value_percentile": _Rank,
    "temporal": _Rules,
}


def _take(seen: Counter[str], key: str) -> None:
    seen[key] -= 1
    if not seen[key]:
        del seen[key]


def _later(one: int | None, other: int | None) -> int | None:
    if one is None:
        return other
    return one if other is None else max(one, other)
