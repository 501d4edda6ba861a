"""The rules that can match events of one channel and number, and one automaton for them."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import hyperscan
import msgspec
import numpy as np

from exopsy.detection.events.patterns import (
    BETWEEN,
    ESCAPES,
    OPAQUE,
    Sought,
    block_of,
    normal,
    sought,
)
from exopsy.detection.expression import Expression
from exopsy.detection.sieve import literals
from exopsy.detection.sieve.compiling import compile_patterns, keep_file
from exopsy.detection.sieve.pattern import Pattern
from exopsy.schema.columns import COLUMNS
from exopsy.schema.event import EVENT_LOG

_COLUMNS = COLUMNS[EVENT_LOG]
_CODE = ("events/group.py", "events/patterns.py", "sieve/literals.py")
_MANY = 8
"""Hits a record above which records are looked at one by one: then a pattern is told once only."""
_LEAST = 256
_KEPT = 4_096
_ESCAPED: tuple[int, ...] = (-1,)
"""In place of rules: the text holds escapes, so what it can match is not known yet."""

_Look = Literal["normal", "as it is", "many"]
"""At a text as ``normal`` writes it, at one as it is, at many as they are."""
_Automaton = tuple[Callable[..., None], hyperscan.Scratch]


class Wanted(msgspec.Struct, frozen=True, array_like=True):
    """Patterns that must all be there for some rules to match."""

    patterns: tuple[int, ...]
    """One or two."""
    rules: tuple[int, ...]


class Plan(msgspec.Struct, frozen=True):
    """What a group looks for, as it can be kept."""

    patterns: tuple[Sought, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    unsievable: tuple[int, ...] = ()


class Group:
    """Rules by their numbers in the whole set, and the automaton over texts of events."""

    def __init__(self, rules: Sequence[int], plan: Plan, cache: Path | None) -> None:
        """Compile.

        Args:
            rules: numbers of the rules, in the order in which the plan counts them.
            plan: what ``planned`` made of them.
            cache: folder for compiled automata.
        """
        self.rules = tuple(rules)
        self.unsievable = tuple(rules[i] for i in plan.unsievable)
        self._alone: dict[int, tuple[int, ...]] = {}
        self._paired: dict[int, list[tuple[int, tuple[int, ...]]]] = {}
        for wanted in plan.wanted:
            numbers = tuple(rules[i] for i in wanted.rules)
            first, *others = wanted.patterns
            if others:
                self._paired.setdefault(first, []).append((others[0], numbers))
            else:
                self._alone[first] = numbers
        self._patterns = plan.patterns
        self._cache = cache
        self._automata: dict[_Look, _Automaton] = {}
        self._is_busy = False
        """Most of its records hold many patterns: they are looked at one by one."""
        self._known: dict[frozenset[int], Sequence[int]] = {}

    def candidates(self, text: str) -> Sequence[int]:
        """Return the rules that a record can match, in ascending order, whoever wrote its text."""
        return self._alone_in(normal(text), "normal") if self._patterns else self.unsievable

    def candidates_of(self, texts: Sequence[str]) -> Iterator[tuple[int, Sequence[int]]]:
        """Yield the places of the records that can match a rule, in order, with those rules.

        Args:
            texts: the events' own XML as JSON (texts of which ``gate_of`` knows from where they
                are). They are looked at in one go; those that hold escapes of characters once more.
        """
        if not self._patterns:
            if self.unsievable:
                yield from ((place, self.unsievable) for place in range(len(texts)))
            return
        held = None if self._is_busy else self._held(texts)
        if held is None:
            self._is_busy = True
            for place, text in enumerate(texts):
                data = text.encode("utf-8", "backslashreplace")
                if found := self._alone_in(data, "as it is"):
                    yield place, self.candidates(text) if found is _ESCAPED else found
            return
        for place in range(len(texts)) if self.unsievable else sorted(held):
            found = self.unsievable
            if (patterns := held.get(place)) is not None:
                found = self._rules_of(frozenset(patterns))
                if found is _ESCAPED:
                    found = self.candidates(texts[place])
            if found:
                yield place, found

    def _alone_in(self, data: bytes, look: _Look) -> Sequence[int]:
        hits: list[int] = []
        scan, scratch = self._automaton(look)
        scan(data, _note, context=hits, scratch=scratch)
        return self._rules_of(frozenset(hits)) if hits else self.unsievable

    def _held(self, texts: Sequence[str]) -> dict[int, set[int]] | None:
        """Return the patterns that each record holds; None where there are too many."""
        block = block_of(texts)
        ends: list[tuple[int, int]] = []
        scan, scratch = self._automaton("many")
        most = _LEAST + _MANY * len(texts)
        try:
            scan(block, _note_end, context=(ends, most), scratch=scratch)
        except hyperscan.ScanTerminated:
            return None
        held: dict[int, set[int]] = {}
        if ends:
            places = np.flatnonzero(np.frombuffer(block, np.uint8) == BETWEEN[0]).tolist()
            for pattern, end in ends:
                place = bisect_left(places, end - 1)
                if place in held:
                    held[place].add(pattern)
                else:
                    held[place] = {pattern}
        return held

    def _automaton(self, look: _Look) -> _Automaton:
        """Compile when it is needed first: of most groups one way to look is enough."""
        made = self._automata.get(look)
        if made is None:
            regexes = (
                [pattern.normal for pattern in self._patterns]
                if look == "normal"
                else [*(pattern.as_is for pattern in self._patterns), *ESCAPES]
            )
            found = compile_patterns(
                [Pattern(regex) for regex in regexes], self._cache, once=look != "many"
            )
            assert found is not None
            made = self._automata[look] = (found.scan, hyperscan.Scratch(found))
        return made

    def _rules_of(self, patterns: frozenset[int]) -> Sequence[int]:
        known = self._known.get(patterns)
        if known is not None:
            return known
        made: Sequence[int] = _ESCAPED
        if not any(pattern >= len(self._patterns) for pattern in patterns):
            made = self._counted(patterns)
        if len(self._known) >= _KEPT:  # evidence can make up no end of them
            self._known.clear()
        self._known[patterns] = made
        return made

    def _counted(self, patterns: frozenset[int]) -> Sequence[int]:
        found = set(self.unsievable)
        for pattern in patterns:
            found.update(self._alone.get(pattern, ()))
            for other, rules in self._paired.get(pattern, ()):
                if other in patterns:
                    found.update(rules)
        return tuple(sorted(found))


def _note(pattern: int, _start: int, _end: int, _flags: int, hits: list[int]) -> None:
    hits.append(pattern)


def _note_end(
    pattern: int, _start: int, end: int, _flags: int, told: tuple[list[tuple[int, int]], int]
) -> bool:
    ends, most = told
    ends.append((pattern, end))
    return len(ends) > most


def planned(
    conditions: Sequence[Expression],
    lists: Mapping[str, frozenset[str]],
    reference: literals.Reference | None,
    cache: Path | None,
    identity: str,
) -> Plan:
    """Choose what to look for, or take what was chosen before.

    Args:
        conditions: of the rules, settled for the group.
        lists: values of the lists they may name.
        reference: innocent records, to choose rare literals by.
        cache: folder for plans.
        identity: of the lists and the reference; "": plans are not kept.
    """
    kept = None
    if cache is not None and identity:
        kept = cache / f"events-{_plan_identity(conditions, identity)}.json"
        try:
            return msgspec.json.decode(kept.read_bytes(), type=Plan)
        except (OSError, msgspec.MsgspecError):
            pass
    plan = _plan(conditions, lists, reference)
    if kept is not None:
        keep_file(kept, msgspec.json.encode(plan))
    return plan


def _plan(
    conditions: Sequence[Expression],
    lists: Mapping[str, frozenset[str]],
    reference: literals.Reference | None,
) -> Plan:
    unsievable = []
    needed: dict[tuple[Sought, ...], list[int]] = {}
    for index, condition in enumerate(conditions):
        need = literals.necessary(condition, lists, reference, json=True, opaque=OPAQUE)
        if need is None:
            unsievable.append(index)
            continue
        for item in need:
            both = (item.first, item.second) if isinstance(item, literals.Both) else (item,)
            patterns = tuple(dict.fromkeys(sought(literal, _COLUMNS) for literal in both))
            needed.setdefault(patterns, []).append(index)
    numbers: dict[Sought, int] = {}
    for patterns in sorted(needed):
        for pattern in patterns:
            numbers.setdefault(pattern, len(numbers))
    wanted = tuple(
        Wanted(tuple(numbers[pattern] for pattern in patterns), tuple(dict.fromkeys(rules)))
        for patterns, rules in sorted(needed.items())
    )
    return Plan(tuple(numbers), wanted, tuple(unsievable))


def _plan_identity(conditions: Sequence[Expression], identity: str) -> str:
    digest = hashlib.sha256(identity.encode("utf-8"))
    here = Path(__file__).parent.parent
    for name in _CODE:
        digest.update((here / name).read_bytes())
    digest.update(msgspec.json.encode(conditions))
    return digest.hexdigest()[:32]
