"""All rules for event logs; a batch of records -> hits.

Two ways with one answer. ``scan`` finds channel and number in the text, lets the automaton of the
rules for these say which of them can match, and decodes only what is left. ``scan_plain`` decodes
every record and evaluates every rule: the definition. Either way the matcher has the last word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from exopsy.detection.casefold import fold
from exopsy.detection.events.answers import Answer, Answers
from exopsy.detection.events.gate import Gate, Gates
from exopsy.detection.events.group import Group, planned
from exopsy.detection.events.innocent import InnocentSample
from exopsy.detection.events.settle import CHANNEL, EVENT, Reach, reach, settle
from exopsy.detection.expression import (
    FALSE,
    All,
    Expression,
    Missing,
    No,
    Present,
    SameAs,
    Some,
    Text,
    TimePart,
)
from exopsy.detection.matcher import Matcher
from exopsy.detection.row_view import RowView
from exopsy.detection.rule import Rule, ValueList
from exopsy.schema.case import Grade
from exopsy.schema.event import EVENT_LOG, EventBatch
from exopsy.schema.row import Row, Skipped

_MOST_GATES = 4_096
_UNNAMED = "\0"
"""Stands for every channel, and every number, that no rule names."""


class Flatten(Protocol):
    """Turns the text of one event into a row: ``evidence``'s function, bound to an artifact."""

    def __call__(
        self,
        text: str,
        *,
        offset: int,
        number: int,
        usual: Any = None,  # noqa: ANN401 - what ``Quick`` read
    ) -> Row | Skipped:
        """Decode one record; never raises."""


class Values(Protocol):
    """The values of one event, before anybody made fields of them."""

    def told(self, names: tuple[str, ...]) -> Hashable:
        """Return something that is equal only for events whose fields of these names are equal."""


class Quick(Protocol):
    """What ``evidence`` knows of the usual layout, so that not all events become rows."""

    def read(self, text: str) -> Values | None:
        """Return the values; None where the layout is another one."""

    def are_told(self, names: Iterable[str]) -> bool:
        """Say whether ``Values.told`` tells fields of these names."""


class EventHit(msgspec.Struct, frozen=True):
    """One rule that matched one record."""

    index: int
    """Of the record in its batch."""
    row: Row
    matcher: Matcher
    """Of the rule."""
    grade: Grade

    @property
    def rule(self) -> Rule:
        """Return the rule."""
        return self.matcher.rule


class Scanned(msgspec.Struct):
    """What a batch gave."""

    records: int
    decoded: int = 0
    """Records that were decoded to be sure."""
    hits: list[EventHit] = []
    """In the order of the records, then of the rules."""
    skipped: list[Skipped] = []
    """Of the decoded records those that can't be read; the plain way finds all of them."""


class EventRules:
    """The rules of event logs, ready to run. One for each process: not for several threads."""

    def __init__(
        self,
        rules: Iterable[Rule],
        lists: Mapping[str, ValueList],
        *,
        innocent: InnocentSample | None = None,
        cache: Path | None = None,
        identity: str = "",
    ) -> None:
        """Index; rules are compiled when a record first needs them.

        Args:
            rules: those of other logs are passed over.
            lists: the lists they may name.
            innocent: innocent events, to choose rare literals by.
            cache: folder for compiled automata and for what they were made of.
            identity: hash of the content; without one only automata are kept.
        """
        self.rules = tuple(rule for rule in rules if rule.log == EVENT_LOG)
        self._lists = lists
        self._innocent = innocent
        self._cache = cache
        self._values = {name: found.values for name, found in lists.items()}
        known = identity.encode() + msgspec.json.encode(lists, order="deterministic")
        self._identity = hashlib.sha256(known).hexdigest() if identity else ""
        self._matchers: list[Matcher | None] = [None] * len(self.rules)
        self._reaches = [reach(rule.condition) for rule in self.rules]
        self._by_channel: dict[str | None, list[int]] = {}
        for number, (channels, _) in enumerate(self._reaches):
            for channel in (None,) if channels is None else sorted(channels):
                self._by_channel.setdefault(channel, []).append(number)
        self._gates = Gates()
        self._answers = Answers(self.rules)
        self._named = _Named(rule.condition for rule in self.rules)
        self._groups: dict[Gate, Group] = {}
        self._near: dict[Gate, Group] = {}
        self._same: dict[bytes, Group] = {}

    def scan(self, batch: EventBatch, flatten: Flatten, quick: Quick | None = None) -> Scanned:
        """Return the hits of a batch, decoding as few records as can be.

        Args:
            batch: the records.
            flatten: makes rows of them.
            quick: knows more of the usual layout; without it every candidate becomes a row.
        """
        texts = batch.texts
        result = Scanned(records=len(texts))
        rows: dict[int, Row] = {}
        found: dict[int, Sequence[int]] = {}
        places: dict[Gate, list[int]] = {}
        for index, gate in enumerate(self._gates.of(texts)):
            if gate is None:
                row = self._decoded(batch, index, flatten, result)
                if row is not None:
                    rows[index] = row
                    group = self.group(Gate(row.value(CHANNEL), row.value(EVENT)))
                    if group.rules and (rules := group.candidates(texts[index])):
                        found[index] = rules
            elif gate in places:
                places[gate].append(index)
            else:
                places[gate] = [index]
        for group, indices in self._by_group(places):
            for place, rules in group.candidates_of([texts[index] for index in indices]):
                found[indices[place]] = rules
        for index in sorted(found):
            row = rows.get(index)
            if row is not None:
                self._match(index, row, found[index], result)
            elif quick is None:
                row = self._decoded(batch, index, flatten, result)
                if row is not None:
                    self._match(index, row, found[index], result)
            else:
                self._ask(batch, index, found[index], flatten, quick, result)
        return result

    def _ask(
        self,
        batch: EventBatch,
        index: int,
        numbers: Sequence[int],
        flatten: Flatten,
        quick: Quick,
        result: Scanned,
    ) -> None:
        """Match a record, unless the answer is known from another with the same values."""
        usual = quick.read(batch.texts[index])
        asked = None if usual is None else self._answers.of(numbers, quick.are_told)
        if usual is None or asked is None:
            row = self._decoded(batch, index, flatten, result, usual)
            if row is not None:
                self._match(index, row, numbers, result)
            return
        told = usual.told(asked.names)
        answer = asked.known.get(told)
        if answer is not None and not answer:
            result.decoded += 1
            return
        row = self._decoded(batch, index, flatten, result, usual)
        if row is None:
            return
        if answer is None:
            asked.keep(told, self._match(index, row, numbers, result))
            return
        for number, grade in answer:
            result.hits.append(EventHit(index, row, self._matcher(number), grade))

    def _by_group(self, places: Mapping[Gate, list[int]]) -> Iterator[tuple[Group, list[int]]]:
        """Yield the groups that have rules, with the records that are theirs."""
        joined: dict[Group, list[int]] = {}
        for gate, indices in places.items():
            group = self.group(gate)
            if group.rules:
                joined.setdefault(group, []).extend(indices)
        yield from joined.items()

    def scan_plain(self, batch: EventBatch, flatten: Flatten) -> Scanned:
        """Return the hits of a batch: every record is decoded, every rule evaluated."""
        result = Scanned(records=len(batch.texts))
        every = range(len(self.rules))
        for index in range(len(batch.texts)):
            row = self._decoded(batch, index, flatten, result)
            if row is not None:
                self._match(index, row, every, result)
        return result

    def match(self, row: Row, *, plain: bool) -> list[tuple[Matcher, Grade]]:
        """Return the rules that one decoded record matches, with their grades.

        Args:
            row: the record.
            plain: evaluate every rule, not only those for its channel and number.
        """
        gate = Gate(row.value(CHANNEL), row.value(EVENT))
        result = Scanned(records=1)
        self._match(0, row, range(len(self.rules)) if plain else self.group(gate).rules, result)
        return [(hit.matcher, hit.grade) for hit in result.hits]

    def group(self, gate: Gate) -> Group:
        """Return the rules that can match records from there."""
        near = self._near.get(gate)
        if near is None:
            reduced = self._named.reduced(gate)
            near = self._groups.get(reduced)
            if near is None:
                near = self._groups[reduced] = self._grouped(reduced)
            if len(self._near) >= _MOST_GATES:  # evidence can make up no end of them
                self._near.clear()
            self._near[gate] = near
        return near

    def unsievable(self, gates: Iterable[Gate]) -> list[str]:
        """Return the ids of rules for which every record from there has to be decoded."""
        numbers = {number for gate in gates for number in self.group(gate).unsievable}
        return sorted(self.rules[number].info.id for number in numbers)

    def _grouped(self, gate: Gate) -> Group:
        channel = None if gate.channel is None else fold(gate.channel)
        near = sorted({*self._by_channel.get(channel, ()), *self._by_channel.get(None, ())})
        numbers: list[int] = []
        conditions: list[Expression] = []
        for number in near:
            if not _within(gate.event, self._reaches[number]):
                continue
            left = settle(self.rules[number].condition, gate, self._lists)
            if left != FALSE:
                numbers.append(number)
                conditions.append(left)
        key = hashlib.sha256(msgspec.json.encode((numbers, conditions))).digest()
        found = self._same.get(key)
        if found is None:
            innocent = None if self._innocent is None else self._innocent.of(gate)
            identity = self._identity and f"{self._identity} {gate}"
            plan = planned(conditions, self._values, innocent, self._cache, identity)
            found = self._same[key] = Group(numbers, plan, self._cache)
        return found

    def _decoded(
        self,
        batch: EventBatch,
        index: int,
        flatten: Flatten,
        result: Scanned,
        usual: Values | None = None,
    ) -> Row | None:
        result.decoded += 1
        made = flatten(
            batch.texts[index],
            offset=batch.offsets[index],
            number=batch.numbers[index],
            usual=usual,
        )
        if isinstance(made, Skipped):
            result.skipped.append(made)
            return None
        return made

    def _match(self, index: int, row: Row, numbers: Sequence[int], result: Scanned) -> Answer:
        view = RowView(row)
        answer = []
        for number in numbers:
            matcher = self._matchers[number] or self._matcher(number)
            grade = matcher.match(view)
            if grade is not None:
                answer.append((number, grade))
                result.hits.append(EventHit(index, row, matcher, grade))
        return tuple(answer)

    def _matcher(self, number: int) -> Matcher:
        matcher = self._matchers[number]
        if matcher is None:
            matcher = self._matchers[number] = Matcher(self.rules[number], self._lists)
        return matcher


def _within(event: str | None, reached: Reach) -> bool:
    return reached[1] is None or (event is not None and fold(event) in reached[1])


class _Named:
    """What rules ask of channels and numbers: evidence can make up no end of others."""

    def __init__(self, conditions: Iterable[Expression]) -> None:
        self._known: dict[str, set[str] | None] = {CHANNEL: set(), EVENT: set()}
        for condition in conditions:
            self._note(condition)

    def reduced(self, gate: Gate) -> Gate:
        """Return the gate with the case folded, and with one name for all that no rule names."""
        channel, event = gate
        return Gate(self._one(CHANNEL, channel), self._one(EVENT, event))

    def _one(self, field: str, value: str | None) -> str | None:
        known = self._known[field]
        if value is None or known is None:
            return value
        folded = fold(value)
        return folded if folded in known else _UNNAMED

    def _note(self, node: Expression) -> None:
        match node:
            case All(items) | Some(items):
                for item in items:
                    self._note(item)
            case No(item):
                self._note(item)
            case SameAs() | TimePart() | Missing() | Present():
                pass
            case Text(str(field), (str(whole),), False) if field in self._known:
                known = self._known[field]
                if known is not None:
                    known.add(whole)
            case _ if node.field in self._known:
                self._known[node.field] = None  # a test that any value may pass
