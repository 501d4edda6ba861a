"""Hits in the order of time -> matches of correlations, in one pass.

*The window.* A window is a stretch of time no longer than the timespan, both ends included: hits
at ``t`` and ``t + timespan`` share one. A window is *full* when no other hit of its group, before
or after it, would still fit in. The condition is asked of full windows, all of them, wherever they
begin; there is no grid of hours. So "fewer than 3 in an hour" (``lt``, ``lte``, ``eq``, ``neq``,
``not``) holds where an hour that can't be stretched over one more hit holds fewer than 3, and not
already at the first hit of a flood; windows without any hit don't exist. For conditions that only
ask for more (``gt``, ``gte``, no ``not``) it is the same as asking at every hit about the timespan
before it.

*The match.* Full windows of one group that hold the condition and overlap are one match: a burst is
reported once, from its first to its last hit.

*Hits of one time* enter together; where an order is asked for, they happened in whatever order
suits, for logs write whole seconds.

*Nesting.* A correlation is there for another that asks what came together (``temporal``,
``temporal_ordered``) at every time at which it holds, and is counted by another (``event_count``
and the rest) once for every match, at the time at which it began to hold. A condition that a further
hit could undo is known to hold when its window is over, ``timespan`` after its first hit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import islice, product

import msgspec

from exopsy.core.limits import Limits
from exopsy.detection.casefold import fold
from exopsy.detection.correlations.correlation import NUMERIC, TEMPORAL, Correlation
from exopsy.detection.correlations.hit import Hit, Place, microseconds, moment_of
from exopsy.detection.correlations.match import (
    Correlated,
    CorrelationLoss,
    CorrelationMatch,
    Sample,
)
from exopsy.detection.correlations.measure import Number, Values, make_measure, read_number
from exopsy.detection.correlations.needs import carried_fields, field_needs

Carried = tuple[Values, ...]


def correlate(
    correlations: Sequence[Correlation], hits: Iterable[Hit], limits: Limits | None = None
) -> Correlated:
    """Correlate sorted hits; see ``Correlator``."""
    correlator = Correlator(correlations, limits or Limits())
    for hit in hits:
        correlator.add(hit)
    return correlator.finish()


class Correlator:
    """Takes hits one by one, holds no more of them than the windows need, and says what matched.

    Args:
        correlations: linked, those referred to first.
        limits: what may be held; whatever is lost by them is counted.
    """

    def __init__(self, correlations: Sequence[Correlation], limits: Limits) -> None:
        self._limits = limits
        needs = field_needs(correlations)
        nodes = [_Node(n, c, carried_fields(c, needs), limits) for n, c in enumerate(correlations)]
        self._nodes = nodes
        self._readers: dict[str, list[_Node]] = {}
        for node in nodes:
            for rule in dict.fromkeys(node.correlation.rules):
                self._readers.setdefault(rule, []).append(node)
        for node in nodes:
            node.users = self._readers.get(node.correlation.id, [])
        self._timed = [n for n in nodes if n.users and not n.correlation.is_rising]
        self._now: int | None = None
        self._busy: set[int] = set()
        self._held = 0
        self._untimed = 0
        self._late = 0

    def add(self, hit: Hit) -> None:
        """Take the next hit: not earlier than the one before, sorted by ``Hit.order`` among equals.

        Hits of rules that no correlation refers to are ignored.
        """
        readers = self._readers.get(hit.rule)
        if readers is None:
            return
        if hit.timestamp is None:
            self._untimed += 1
            return
        time = microseconds(hit.timestamp)
        if self._now is not None and time < self._now:
            self._late += 1
            return
        if time != self._now:
            self._pass_to(time)
            self._now = time
        arrival = _Arrival(hit, hit.place(), time, time, time)
        for node in readers:
            self._held += node.take(arrival)
            self._busy.add(node.number)
            self._forget()

    def finish(self) -> Correlated:
        """Close all windows and return what was found."""
        self._pass_to(None)
        for node in self._nodes:
            node.close()
        matches = sorted(
            (match for node in self._nodes for match in node.matches),
            key=lambda m: (m.first_seen, m.rule_id, sorted(m.group.items()), m.last_seen),
        )
        return Correlated(
            matches=tuple(matches),
            losses={
                node.correlation.id: node.loss
                for node in self._nodes
                if node.loss != CorrelationLoss()
            },
            untimed=self._untimed,
            late=self._late,
        )

    def _pass_to(self, time: int | None) -> None:
        """Do all that is due before ``time``: the last batch of hits, then windows that end."""
        if self._now is not None and self._busy:
            self._settle(self._now)
        while True:
            due = min((d for n in self._timed if (d := n.due()) is not None), default=None)
            if due is None or (time is not None and due >= time):
                return
            self._settle(due)

    def _settle(self, time: int) -> None:
        """Judge everything that changed at one time; those referred to come first."""
        for node in self._timed:
            due = node.due()
            if due is not None and due <= time:
                self._busy.add(node.number)
        while self._busy:
            node = self._nodes[min(self._busy)]
            self._busy.discard(node.number)
            self._held += node.settle(time)
            self._busy.update(user.number for user in node.users if user.inbox)
            self._forget()

    def _forget(self) -> None:
        while self._held > self._limits.correlation_hits:
            most = max(self._nodes, key=lambda node: len(node.queue))
            most.forget()
            self._held -= 1


class _Arrival(msgspec.Struct):
    """A hit on its way into a window: a record's, or a match of another correlation."""

    hit: Hit
    place: Place
    time: int
    """At which it counts."""
    first: int
    """Times of its records."""
    last: int
    handed: bool = False
    """By another correlation."""

    def order(self) -> tuple[object, ...]:
        """Sort among those that were handed over at one time."""
        hit = self.hit
        return (self.place, hit.rule, sorted(hit.fields.items()), sorted(hit.many.items()))


class _Entry(msgspec.Struct):
    """A hit inside a window."""

    arrival: _Arrival
    shown: Values
    """Values of the fields of ``group-by``, as spelled."""
    values: Values
    carried: list[Carried]
    """Values of further fields that others ask for; several where several hits are one event."""


class _Group:
    """The window of one group as it stands."""

    __slots__ = (
        "carried",
        "entries",
        "events",
        "grown",
        "left",
        "match",
        "measure",
        "place",
        "since",
    )

    def __init__(self, correlation: Correlation) -> None:
        self.entries: deque[_Entry] = deque()
        self.left = 0
        """Entries that were in the window once."""
        self.measure = make_measure(correlation)
        self.carried: dict[Carried, int] = {}
        self.place: Place | None = None
        self.since = 0
        """Record and time of the last entry; ``events`` has the entries of that record."""
        self.events: dict[tuple[object, ...], _Entry] = {}
        self.grown = False
        """A hit came in since the window was last judged."""
        self.match: _Burst | None = None


class _Burst:
    """A match in the making."""

    def __init__(self, opening: _Entry, samples: int) -> None:
        self._samples = samples
        self.shown = opening.shown
        self.end = opening.arrival.time
        """Time of its last hit, as it counts for the window."""
        self.read = 0
        """Number, counted from the group's first, of the entry after its last one."""
        self.measured: Number | None = None
        self._first = opening.arrival.first
        self._last = opening.arrival.last
        self._by_rule: dict[str, int] = {}
        self._leaders: dict[str, _Entry] = {}
        self._earliest: list[_Entry] = []

    def extend(self, entries: Iterable[_Entry], measured: Number) -> None:
        """Add a window's entries that it does not have yet, in their order."""
        for entry in entries:
            arrival = entry.arrival
            rule = arrival.hit.rule
            self.end = arrival.time
            self._first = min(self._first, arrival.first)
            self._last = max(self._last, arrival.last)
            self._by_rule[rule] = self._by_rule.get(rule, 0) + 1
            self._leaders.setdefault(rule, entry)
            if len(self._earliest) < self._samples:
                self._earliest.append(entry)
        if self.measured is None or measured > self.measured:
            self.measured = measured

    def match(self, correlation: Correlation) -> CorrelationMatch:
        """Return it as others see it."""
        # entries can't be hashed; they are compared by being the same one
        chosen = {id(e): e for e in (*self._leaders.values(), *self._earliest)}
        kept = sorted(
            islice(chosen.values(), self._samples),
            key=lambda e: (e.arrival.time, e.arrival.handed, e.arrival.hit.order()),
        )
        return CorrelationMatch(
            rule_id=correlation.id,
            title=correlation.title,
            level=correlation.level,
            tags=correlation.tags,
            group=dict(zip(correlation.group_by, self.shown, strict=True)),
            first_seen=moment_of(self._first),
            last_seen=moment_of(self._last),
            count=sum(self._by_rule.values()),
            by_rule=dict(sorted(self._by_rule.items())),
            measured=plain_number(self.measured or 0),
            samples=tuple(
                Sample(
                    rule=e.arrival.hit.rule,
                    timestamp=moment_of(e.arrival.last),
                    host=e.arrival.hit.host,
                    origin=e.arrival.hit.origin,
                )
                for e in kept
            ),
        )


class _Node:
    """One correlation at work."""

    def __init__(
        self, number: int, correlation: Correlation, carried: tuple[str, ...], limits: Limits
    ) -> None:
        self.number = number
        self.correlation = correlation
        self.users: list[_Node] = []
        """Correlations that refer to this one."""
        self.matches: list[CorrelationMatch] = []
        self.loss = CorrelationLoss()
        self.inbox: list[_Arrival] = []
        self.queue: deque[tuple[int, Values]] = deque()
        """Time and group of all entries in all windows, in the order in which they came."""
        self._groups: dict[Values, _Group] = {}
        self._touched: dict[Values, _Group] = {}
        self._limits = limits
        self._span = correlation.timespan_seconds * 1_000_000
        self._rising = correlation.is_rising
        self._carried = carried
        self._forgotten_at: int | None = None
        rules = dict.fromkeys(correlation.rules)
        self._group_fields = _fields(correlation, rules, correlation.group_by)
        self._value_fields = _fields(correlation, rules, correlation.fields)
        self._carried_fields = _fields(correlation, rules, carried)

    def due(self) -> int | None:
        """Return the time at which the earliest window ends, None if there is none."""
        return self.queue[0][0] + self._span if self.queue else None

    def take(self, arrival: _Arrival) -> int:
        """Put a hit into the window of its group; return by how many more hits are held."""
        held = -self._expire(arrival.time - self._span)
        hit, most = arrival.hit, self._limits.correlation_values
        values = self._values(hit)
        if values is None:
            return held
        shown, cut = _combinations(hit, self._group_fields[hit.rule], most)
        if not shown:
            self.loss.ungrouped += 1
            return held
        self.loss.unfolded += cut
        carried = (
            [tuple(hit.values(field, most) for field in self._carried_fields[hit.rule])]
            if self._carried
            else []
        )
        groups: dict[Values, Values] = {}
        for one in shown:
            groups.setdefault(tuple([fold(value) for value in one]), one)
        for key, one in groups.items():
            held += self._enter(key, _Entry(arrival, one, values, [*carried]))
        return held

    def settle(self, time: int) -> int:
        """Judge what is known once all hits of ``time`` are in; return the change of hits held."""
        held = 0
        arrivals, self.inbox = sorted(self.inbox, key=_Arrival.order), []
        for arrival in arrivals:
            held += self.take(arrival)
        if self._rising:
            touched, self._touched = self._touched, {}
            for group in touched.values():
                self._judge(group, time)
        elif self.users:
            # a hit at the very end of a window still belongs to it; all of this time are in
            held -= self._expire(time - self._span + 1)
        return held

    def close(self) -> None:
        """End all windows; nobody refers to what is found now."""
        self._expire(None)

    def forget(self) -> None:
        """Give up the oldest hit that is held, before its time."""
        time, key = self.queue.popleft()
        self._forgotten_at = time
        self.loss.forgotten += 1
        self._leave(key)

    def _values(self, hit: Hit) -> Values | None:
        """Return the values that count, or None where the hit is of no use."""
        if not self.correlation.fields:
            return ()
        found, cut = _combinations(
            hit, self._value_fields[hit.rule], self._limits.correlation_values
        )
        if not found:
            self.loss.valueless += 1
            return None
        self.loss.unfolded += cut
        if self.correlation.kind not in NUMERIC:
            return tuple(dict.fromkeys("\0".join(map(fold, one)) for one in found))
        numbers = tuple(str(n) for (one,) in found if (n := read_number(one)) is not None)
        if not numbers:
            self.loss.not_numbers += 1
            return None
        return numbers

    def _enter(self, key: Values, entry: _Entry) -> int:
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(self.correlation)
        arrival = entry.arrival
        if group.place != arrival.place or group.since != arrival.time:
            group.place, group.since = arrival.place, arrival.time
            group.events = {}
        same = group.events.setdefault(self._identity(entry), entry)
        if same is not entry:
            for one in entry.carried:
                if one not in same.carried:
                    same.carried.append(one)
                    group.carried[one] = group.carried.get(one, 0) + 1
            return 0
        group.entries.append(entry)
        group.measure.add(arrival.time, arrival.hit.rule, entry.values)
        for one in entry.carried:
            group.carried[one] = group.carried.get(one, 0) + 1
        group.grown = True
        if self._rising:
            self._touched[key] = group
        self.queue.append((arrival.time, key))
        return 1

    def _identity(self, entry: _Entry) -> tuple[object, ...]:
        """Return what tells events of one place and time apart.

        A record that several rules matched is one event. Where rules are what is asked for, or
        values, which each rule may take from another field, it is one for each rule. What another
        correlation hands over in pieces is one, unless their values are asked for.
        """
        kind, rule = self.correlation.kind, entry.arrival.hit.rule
        if entry.arrival.handed:
            return (rule, True, entry.values)
        return () if kind == "event_count" or kind in NUMERIC else (rule,)

    def _expire(self, before: int | None) -> int:
        """Let all entries go that are older; return how many. None: all there are."""
        if not self.queue or (before is not None and self.queue[0][0] >= before):
            return 0
        gone = 0
        while self.queue and (before is None or self.queue[0][0] < before):
            _, key = self.queue.popleft()
            group = self._groups[key]
            if group.grown and not self._rising:
                # what came since fits in with the first: the window is full, and now it ends
                self._judge(group, group.entries[0].arrival.time + self._span)
            self._leave(key)
            gone += 1
        return gone

    def _leave(self, key: Values) -> None:
        group = self._groups[key]
        entry = group.entries.popleft()
        group.left += 1
        group.measure.remove(entry.arrival.hit.rule, entry.values)
        for one in entry.carried:
            group.carried[one] -= 1
            if not group.carried[one]:
                del group.carried[one]
        if not group.entries:
            self._end(group)
            del self._groups[key]
            self._touched.pop(key, None)

    def _judge(self, group: _Group, time: int) -> None:
        """Ask the condition of the window as it stands; ``time`` is when the answer is known."""
        group.grown = False
        start, end = group.entries[0].arrival.time, group.entries[-1].arrival.time
        lost = self._forgotten_at
        if not self._rising and lost is not None and lost >= end - self._span:
            self.loss.unjudged += 1
            return
        holds, measured = group.measure.judge(start)
        if not holds:
            return
        opens = group.match is None or start > group.match.end
        if opens:
            self._end(group)
            group.match = _Burst(group.entries[0], self._limits.samples_per_finding)
        assert group.match is not None
        new = group.left + len(group.entries) - max(group.match.read, group.left)
        group.match.extend(reversed([*islice(reversed(group.entries), new)]), measured)
        group.match.read = group.left + len(group.entries)
        self._hand_on(group, time, opens=opens)

    def _end(self, group: _Group) -> None:
        if group.match is None:
            return
        if len(self.matches) < self._limits.correlation_matches:
            self.matches.append(group.match.match(self.correlation))
        else:
            self.loss.folded += 1
        group.match = None

    def _hand_on(self, group: _Group, time: int, *, opens: bool) -> None:
        """Tell those that refer to this correlation that it holds."""
        users = [u for u in self.users if opens or u.correlation.kind in TEMPORAL]
        if not users:
            return
        newest = group.entries[-1]
        most = self._limits.correlation_values
        carried = [*islice(group.carried, most)] if self._carried else [()]
        self.loss.uncarried += len(group.carried) > most
        fields = dict(zip(self.correlation.group_by, newest.shown, strict=True))
        for one in carried:
            hit = Hit(
                rule=self.correlation.id,
                timestamp=None,
                fields=fields,
                many={
                    name: values for name, values in zip(self._carried, one, strict=True) if values
                },
                host=newest.arrival.hit.host,
                origin=newest.arrival.hit.origin,
            )
            arrival = _Arrival(
                hit,
                newest.arrival.place,
                time,
                group.entries[0].arrival.first,
                newest.arrival.last,
                handed=True,
            )
            for user in users:
                user.inbox.append(arrival)


def plain_number(number: Number) -> int | float:
    """Return an exact number as JSON can say it."""
    if isinstance(number, Fraction) and number.denominator != 1:
        return float(number)
    return int(number)


def _fields(
    correlation: Correlation, rules: Iterable[str], names: Sequence[str]
) -> Mapping[str, tuple[str, ...]]:
    return {rule: tuple(correlation.field_of(rule, name) for name in names) for rule in rules}


def _combinations(hit: Hit, fields: Sequence[str], most: int) -> tuple[list[Values], int]:
    """Return the combinations of the fields' values, none if one is missing; 1 if some are cut."""
    values = [hit.values(field, most + 1) for field in fields]
    if all(len(several) == 1 for several in values):
        return [tuple([one for (one,) in values])], 0
    found = [*islice(product(*values), most + 1)]
    return found[:most], int(len(found) > most)
