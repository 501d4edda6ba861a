"""The slow definition of what a correlation matches, for tests to compare ``correlator`` with.

It holds all hits, looks at every stretch between two of them anew, and measures each from nothing.
Nothing is bounded here, and nothing is remembered from one window to the next. What windows,
matches and nesting mean is said in ``correlator``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import msgspec

from exopsy.detection.casefold import fold
from exopsy.detection.correlations.correlation import (
    NUMERIC,
    TEMPORAL,
    AllSeen,
    Correlation,
    NotSeen,
    Seen,
    Sight,
    SomeSeen,
    sight_holds,
)
from exopsy.detection.correlations.hit import Hit, microseconds, moment_of
from exopsy.detection.correlations.match import CorrelationMatch, Sample
from exopsy.detection.correlations.measure import read_number
from exopsy.detection.correlations.needs import field_needs

_SAMPLES = 5


class _Event(msgspec.Struct, kw_only=True):
    """A hit in a group, or a match of another correlation."""

    time: int
    handed: bool
    place: tuple[Any, ...]
    rule: str
    first: int
    last: int
    hit: Hit
    shown: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()
    pieces: list[_Event] = []
    """Hits that are one event with this one, itself first."""

    def order(self) -> tuple[Any, ...]:
        named = sorted(self.hit.fields.items()) if self.handed else []
        more = sorted(self.hit.many.items()) if self.handed else []
        return (self.time, self.handed, self.place, self.rule, named, more)


def correlate_plainly(
    correlations: Sequence[Correlation], hits: Iterable[Hit]
) -> tuple[CorrelationMatch, ...]:
    """Return all matches, by time, correlation and group; the hits may come in any order."""
    events: dict[str, list[_Event]] = {}
    for hit in hits:
        if hit.timestamp is not None:
            time = microseconds(hit.timestamp)
            origin = hit.origin
            place = (hit.host, origin.artifact, origin.offset, origin.line)
            event = _Event(
                time=time, handed=False, place=place, rule=hit.rule, first=time, last=time, hit=hit
            )
            events.setdefault(hit.rule, []).append(event)
    beginnings: dict[str, list[_Event]] = {}
    matches: list[CorrelationMatch] = []
    needs = field_needs(correlations)
    for correlation in correlations:
        found: list[_Event] = []
        for rule in set(correlation.rules):
            counts = rule in beginnings and correlation.kind not in TEMPORAL
            found += beginnings[rule] if counts else events.get(rule, [])
        there: list[_Event] = []
        begun: list[_Event] = []
        for group in _groups(correlation, found):
            needed = needs.get(correlation.id, frozenset())
            for match, times, begin in _matches(correlation, group, needed):
                matches.append(match)
                there += times
                begun += begin
        events[correlation.id] = there
        beginnings[correlation.id] = begun
    return tuple(
        sorted(
            matches, key=lambda m: (m.first_seen, m.rule_id, sorted(m.group.items()), m.last_seen)
        )
    )


def _groups(correlation: Correlation, events: list[_Event]) -> list[list[_Event]]:
    """Divide into groups, each sorted; leave out what lacks a group or a value; join same events."""
    groups: dict[tuple[str, ...], dict[Any, _Event]] = {}
    for event in sorted(events, key=_Event.order):
        values = _values(correlation, event.hit)
        if values is None:
            continue
        fields = [correlation.field_of(event.rule, name) for name in correlation.group_by]
        for shown in product(*(_all_values(event.hit, field) for field in fields)):
            group = groups.setdefault(tuple(map(fold, shown)), {})
            made = msgspec.structs.replace(event, shown=shown, values=values, pieces=[])
            group.setdefault(_identity(correlation, made), made).pieces.append(made)
    return [sorted(group.values(), key=_Event.order) for group in groups.values()]


def _identity(correlation: Correlation, event: _Event) -> tuple[Any, ...]:
    if event.handed:
        return (event.time, event.place, event.rule, event.values)
    if correlation.kind == "event_count" or correlation.kind in NUMERIC:
        return (event.time, event.place, "")
    return (event.time, event.place, event.rule)


def _values(correlation: Correlation, hit: Hit) -> tuple[Any, ...] | None:
    if not correlation.fields:
        return ()
    fields = [correlation.field_of(hit.rule, name) for name in correlation.fields]
    found: list[Any] = list(product(*(_all_values(hit, field) for field in fields)))
    if correlation.kind in NUMERIC:
        found = [n for (text,) in found if (n := read_number(text)) is not None]
    else:
        found = [tuple(map(fold, one)) for one in found]
    return tuple(found) or None


def _all_values(hit: Hit, field: str) -> list[str]:
    if field in hit.many:
        return list(dict.fromkeys(hit.many[field]))
    return [hit.fields[field]] if field in hit.fields else []


def _matches(
    correlation: Correlation, group: list[_Event], needed: frozenset[str]
) -> list[tuple[CorrelationMatch, list[_Event], list[_Event]]]:
    """Return each match with the times at which others see it: all of them, and the first."""
    span = correlation.timespan_seconds * 1_000_000
    times = sorted({event.time for event in group})
    holding = []
    for start, end in product(times, times):
        fits = start <= end <= start + span
        full = not any(
            (t < start and end - t <= span) or (t > end and t - start <= span) for t in times
        )
        if fits and full:
            window = [e for e in group if start <= e.time <= end]
            if _holds(correlation, window):
                holding.append(window)
    bursts: list[list[list[_Event]]] = []
    for window in sorted(holding, key=lambda w: w[0].time):
        if bursts and window[0].time <= bursts[-1][-1][-1].time:
            bursts[-1].append(window)
        else:
            bursts.append([window])
    return [
        (_match(correlation, group, burst), *_seen_by_others(correlation, group, burst, needed))
        for burst in bursts
    ]


def _seen_by_others(
    correlation: Correlation,
    group: list[_Event],
    burst: list[list[_Event]],
    needed: frozenset[str],
) -> tuple[list[_Event], list[_Event]]:
    span = correlation.timespan_seconds * 1_000_000
    known: list[tuple[int, list[_Event]]] = []
    if correlation.is_rising:
        for time in sorted({event.time for window in burst for event in window}):
            before = [e for e in group if time - span <= e.time <= time]
            if _holds(correlation, before):
                known.append((time, before))
    else:
        known = [(window[0].time + span, window) for window in burst]
    made = [
        [
            _handed(correlation, window, time, piece, needed)
            for event in window
            for piece in event.pieces
        ]
        for time, window in known
    ]
    return [event for events in made for event in events], made[0]


def _handed(
    correlation: Correlation,
    window: list[_Event],
    time: int,
    piece: _Event,
    needed: frozenset[str],
) -> _Event:
    """Return a match as a hit: it has its group's values, and the needed fields of one hit."""
    newest = window[-1]
    group = dict(zip(correlation.group_by, newest.shown, strict=True))
    many = {
        name: tuple(values)
        for name in needed - group.keys()
        if (values := _all_values(piece.hit, correlation.field_of(piece.rule, name)))
    }
    hit = msgspec.structs.replace(
        newest.hit, rule=correlation.id, timestamp=None, fields=group, many=many
    )
    return _Event(
        time=time,
        handed=True,
        place=newest.place,
        rule=correlation.id,
        first=window[0].first,
        last=newest.last,
        hit=hit,
    )


def _match(
    correlation: Correlation, group: list[_Event], burst: list[list[_Event]]
) -> CorrelationMatch:
    start, end = burst[0][0].time, burst[-1][-1].time
    events = [e for e in group if start <= e.time <= end]
    leaders = [next(e for e in events if e.rule == rule) for rule in {e.rule for e in events}]
    leaders.sort(key=_Event.order)
    chosen = leaders + [e for e in events if not any(e is leader for leader in leaders)]
    by_rule = {rule: sum(e.rule == rule for e in events) for rule in {e.rule for e in events}}
    measured = max(_measure(correlation, window) for window in burst)
    return CorrelationMatch(
        rule_id=correlation.id,
        title=correlation.title,
        level=correlation.level,
        tags=correlation.tags,
        group=dict(zip(correlation.group_by, events[0].shown, strict=True)),
        first_seen=moment_of(min(e.first for e in events)),
        last_seen=moment_of(max(e.last for e in events)),
        count=len(events),
        by_rule=by_rule,
        measured=int(measured) if measured == int(measured) else float(measured),
        samples=tuple(
            Sample(rule=e.rule, timestamp=moment_of(e.last), host=e.hit.host, origin=e.hit.origin)
            for e in sorted(chosen[:_SAMPLES], key=_Event.order)
        ),
    )


def _holds(correlation: Correlation, window: list[_Event]) -> bool:
    if correlation.sight is None:
        measured = _measure(correlation, window)
        return all(bound.holds(measured) for bound in correlation.bounds)
    seen = {event.rule for event in window}
    if correlation.kind == "temporal":
        return sight_holds(correlation.sight, seen)
    steps = list(dict.fromkeys(correlation.rules))
    return any(
        _in_order(chosen, window) and _sight_with(correlation.sight, set(chosen), seen)
        for length in range(len(steps) + 1)
        for chosen in combinations(steps, length)
    )


def _sight_with(sight: Sight, chosen: set[str], seen: set[str], *, negated: bool = False) -> bool:
    """Ask for the chosen rules where a rule must be seen, and for all where it must not."""
    match sight:
        case Seen(rule):
            return rule not in seen if negated else rule in chosen
        case NotSeen(item):
            return _sight_with(item, chosen, seen, negated=not negated)
        case AllSeen(items) | SomeSeen(items):
            every = isinstance(sight, AllSeen) != negated
            parts = [_sight_with(item, chosen, seen, negated=negated) for item in items]
            return all(parts) if every else any(parts)


def _measure(correlation: Correlation, window: list[_Event]) -> Fraction | int:
    values = [value for event in window for value in event.values]
    match correlation.kind:
        case "event_count":
            return len(window)
        case "value_count":
            return len(set(values))
        case "value_sum":
            return sum(values, Fraction(0))
        case "value_avg":
            return sum(values, Fraction(0)) / len(values)
        case "value_median":
            return _median(sorted(values))
        case "value_percentile":
            assert correlation.percentile is not None
            enough = [
                value
                for value in values
                if 100 * sum(other <= value for other in values)
                >= correlation.percentile * len(values)
            ]
            return Fraction(min(enough))
        case "temporal_ordered" if correlation.sight is None:
            steps = correlation.rules
            return max(
                length
                for length in range(len(steps) + 1)
                for chosen in combinations(steps, length)
                if _in_order(chosen, window)
            )
    return len({event.rule for event in window})


def _median(values: list[Fraction]) -> Fraction:
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def _in_order(steps: Sequence[str], window: list[_Event]) -> bool:
    """Say whether the steps happened one after the other, or at one time."""
    time = window[0].time
    for step in steps:
        later = [event.time for event in window if event.rule == step and event.time >= time]
        if not later:
            return False
        time = min(later)
    return True
