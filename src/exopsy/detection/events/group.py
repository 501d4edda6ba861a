"""The rules that can match events of one channel and number, and one automaton for them."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import hyperscan
import msgspec
import numpy as np

from exopsy.detection.events.patterns import BETWEEN, OPAQUE, UNDONE, joined, normal, pattern_of
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


class Wanted(msgspec.Struct, frozen=True, array_like=True):
    """Patterns that must all be there for some rules to match."""

    patterns: tuple[int, ...]
    """One or two."""
    rules: tuple[int, ...]


class Plan(msgspec.Struct, frozen=True):
    """What a group looks for, as it can be kept."""

    patterns: tuple[str, ...] = ()
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
        patterns = [Pattern(regex) for regex in plan.patterns]
        self._database = compile_patterns(patterns, cache, once=True)
        if self._database is not None:
            self._scratch = hyperscan.Scratch(self._database)
            self._scan: Callable[..., None] = self._database.scan
            # The last patterns of the automaton for many records: of texts that have to be decoded.
            self._undone = range(len(patterns), len(patterns) + len(UNDONE))
            patterns += map(Pattern, UNDONE)
            every = compile_patterns(patterns, cache)
            assert every is not None
            self._scratch_of_all = hyperscan.Scratch(every)
            self._scan_all: Callable[..., None] = every.scan
        self._hits: list[int] = []
        self._known: dict[frozenset[int], Sequence[int]] = {}

    def candidates(self, text: bytes) -> Sequence[int]:
        """Return the rules that a record can match, in ascending order.

        Args:
            text: of the record, as ``patterns.normal`` writes it.
        """
        if self._database is None:
            return self.unsievable
        hits = self._hits
        hits.clear()
        self._scan(text, _note, context=hits, scratch=self._scratch)
        return self._rules_of(frozenset(hits)) if hits else self.unsievable

    def candidates_of(self, texts: Sequence[str]) -> Iterator[tuple[int, Sequence[int]]]:
        """Yield the places of the records that can match a rule, in order, with what ``candidates``
        says of each.

        All are looked at in one go; those that may hold escapes of characters once more, alone.
        """
        if self._database is None:
            if self.unsievable:
                yield from ((place, self.unsievable) for place in range(len(texts)))
            return
        held = self._held(joined(texts), _LEAST + _MANY * len(texts))
        for place in range(len(texts)) if held is None or self.unsievable else sorted(held):
            found: Sequence[int] = self.unsievable
            if held is None:
                found = self.candidates(normal(texts[place]))
            elif (patterns := held.get(place)) is not None:
                if patterns.isdisjoint(self._undone):
                    found = self._rules_of(frozenset(patterns))
                else:
                    found = self.candidates(normal(texts[place]))
            if found:
                yield place, found

    def _held(self, block: bytes, most: int) -> dict[int, set[int]] | None:
        """Return the patterns that each record of a block holds; None where there are too many."""
        ends: list[tuple[int, int]] = []
        try:
            self._scan_all(
                block, _note_end, context=(ends, most), scratch=self._scratch_of_all
            )
        except hyperscan.ScanTerminated:
            return None
        if not ends:
            return {}
        places = np.flatnonzero(np.frombuffer(block, np.uint8) == BETWEEN[0]).tolist()
        held: dict[int, set[int]] = {}
        for pattern, end in ends:
            place = bisect_left(places, end - 1)
            if place in held:
                held[place].add(pattern)
            else:
                held[place] = {pattern}
        return held

    def _rules_of(self, patterns: frozenset[int]) -> Sequence[int]:
        known = self._known.get(patterns)
        if known is not None:
            return known
        found = set(self.unsievable)
        for pattern in patterns:
            found.update(self._alone.get(pattern, ()))
            for other, rules in self._paired.get(pattern, ()):
                if other in patterns:
                    found.update(rules)
        if len(self._known) >= _KEPT:
            self._known.clear()
        made = self._known[patterns] = tuple(sorted(found))
        return made


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
    needed: dict[tuple[str, ...], list[int]] = {}
    for index, condition in enumerate(conditions):
        need = literals.necessary(condition, lists, reference, json=True, opaque=OPAQUE)
        if need is None:
            unsievable.append(index)
            continue
        for item in need:
            both = (item.first, item.second) if isinstance(item, literals.Both) else (item,)
            regexes = tuple(dict.fromkeys(pattern_of(literal, _COLUMNS) for literal in both))
            needed.setdefault(regexes, []).append(index)
    numbers: dict[str, int] = {}
    for regexes in sorted(needed):
        for regex in regexes:
            numbers.setdefault(regex, len(numbers))
    wanted = tuple(
        Wanted(tuple(numbers[regex] for regex in regexes), tuple(dict.fromkeys(rules)))
        for regexes, rules in sorted(needed.items())
    )
    return Plan(tuple(numbers), wanted, tuple(unsievable))


def _plan_identity(conditions: Sequence[Expression], identity: str) -> str:
    digest = hashlib.sha256(identity.encode("utf-8"))
    here = Path(__file__).parent.parent
    for name in _CODE:
        digest.update((here / name).read_bytes())
    digest.update(msgspec.json.encode(conditions))
    return digest.hexdigest()[:32]
