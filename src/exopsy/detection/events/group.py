"""The rules that can match events of one channel and number, and one automaton for them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import hyperscan
import msgspec

from exopsy.detection.events.patterns import OPAQUE, pattern_of
from exopsy.detection.expression import Expression
from exopsy.detection.sieve import literals
from exopsy.detection.sieve.compiling import compile_patterns, keep_file
from exopsy.detection.sieve.pattern import Pattern
from exopsy.schema.columns import COLUMNS
from exopsy.schema.event import EVENT_LOG

_COLUMNS = COLUMNS[EVENT_LOG]
_CODE = ("events/group.py", "events/patterns.py", "sieve/literals.py")


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
        self._database = compile_patterns([Pattern(r) for r in plan.patterns], cache, once=True)
        if self._database is not None:
            self._scratch = hyperscan.Scratch(self._database)
            self._scan: Callable[..., None] = self._database.scan
        self._hits: list[int] = []

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
        if not hits:
            return self.unsievable
        found = set(self.unsievable)
        alone, paired = self._alone, self._paired
        for hit in hits:
            if hit in alone:
                found.update(alone[hit])
            if hit in paired:
                for other, rules in paired[hit]:
                    if other in hits:
                        found.update(rules)
        return sorted(found)


def _note(pattern: int, _start: int, _end: int, _flags: int, hits: list[int]) -> None:
    hits.append(pattern)


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
