"""What the scan learnt of a host's artifacts -> which log was there on which day.

The rule (``docs/decisions/0005-when-is-a-day-covered.md``): a day of a log is ``full`` when what
its files cover leaves no hole longer than the log's tolerance, and no artifact of that day was
read with losses; ``none`` without data; else ``part``. Tolerance: 90 minutes for daily logs; for
hourly logs any missing hour if the log has a file for three of four hours (a server's own probes
see to that), else 6 hours; 6 hours for logs without a rhythm. A log that is several series (one
folder per protocol) is full only if each series that matters is (``mappings/coverage.yml``).
The host's last day ends with the last record of any log: the question cannot reach past it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Literal

import msgspec

from exopsy.core.clock import format_utc
from exopsy.core.content import CONTENT, read_yaml
from exopsy.schema.artifact import ArtifactFacts, ByteClasses
from exopsy.schema.case import Coverage, CoverageGap
from exopsy.schema.format import FormatSpec
from exopsy.verdict.series import DAY, HOUR, Piece, Stretch, is_dense, piece_of, stretches

DayState = Literal["full", "part", "none"]
State = Literal["read", "partial", "failed", "absent"]

_MAX_DAYS = 3700
_MAX_GAPS = 200
_ANY_HOUR = HOUR / 2
_SHORT, _LONG = 1.5 * HOUR, 6 * HOUR


class SeriesRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which folders make a log several series, and which of them must be there."""

    known: tuple[str, ...]
    required: tuple[str, ...]


def cover(
    artifacts: Sequence[ArtifactFacts],
    specs: Mapping[str, FormatSpec],
    *,
    expected: Sequence[str] = (),
) -> list[Coverage]:
    """Say for each log of one host which days were read.

    Args:
        artifacts: of one host; those of no known format are left out.
        specs: the formats by name.
        expected: logs that a server like this has; the missing ones are listed as ``absent``.
    """
    by_log: dict[str, list[ArtifactFacts]] = {}
    for facts in artifacts:
        if facts.kind in specs and facts.state != "not-evidence":
            by_log.setdefault(facts.kind, []).append(facts)
    rules = _series_rules()
    pieces = {
        log: [piece_of(f, rules[log].known if log in rules else ()) for f in found]
        for log, found in by_log.items()
    }
    ends = [s[1] for found in pieces.values() for piece in found for s in piece.spans]
    end = max(ends, default=datetime.max.replace(tzinfo=UTC))
    made = [
        _cover_log(log, by_log[log], pieces[log], specs[log], rules.get(log), end)
        for log in sorted(by_log)
    ]
    made.extend(_absent(log) for log in sorted(set(expected) - set(by_log)))
    return made


def _cover_log(
    log: str,
    artifacts: Sequence[ArtifactFacts],
    pieces: Sequence[Piece],
    spec: FormatSpec,
    rule: SeriesRule | None,
    end: datetime,
) -> Coverage:
    classes, skipped = ByteClasses(), dict[str, int]()
    for facts in artifacts:
        classes.add(facts.classes)
        for reason, count in facts.skipped.items():
            skipped[reason] = skipped.get(reason, 0) + count
    spans = [span for piece in pieces for span in piece.spans]
    days, gaps = _days(pieces, spec, rule, end)
    return Coverage(
        log=log,
        from_=format_utc(min(a for a, _ in spans)) if spans else None,
        to=format_utc(max(b for _, b in spans)) if spans else None,
        bytes=sum(facts.size for facts in artifacts),
        classes=msgspec.structs.asdict(classes),
        lines=sum(facts.lines for facts in artifacts),
        artifacts=len(artifacts),
        days=days,
        state=_state(artifacts, pieces),
        gaps=gaps,
        skipped=dict(sorted(skipped.items())),
    )


def _days(
    pieces: Sequence[Piece], spec: FormatSpec, rule: SeriesRule | None, end: datetime
) -> tuple[dict[str, DayState], list[CoverageGap]]:
    whole = stretches(pieces)
    if not whole:
        return {}, []
    first, last = whole[0][0], min(whole[-1][1], end)
    layers = [(whole, _tolerance(pieces, spec))]
    if rule is not None and any(piece.series for piece in pieces):
        for name in rule.required:
            own = [piece for piece in pieces if piece.series == name]
            layers.append((stretches(own), _tolerance(own, spec)))
    capped = _capped_days(pieces)
    days: dict[str, DayState] = {}
    # An hourly file that ends at midnight says nothing of the day that begins there.
    final = max(first, last - datetime.resolution)
    for day in _range(first.date(), final.date(), whole):
        worst = _worst([_day_state(day, covered, slack, end) for covered, slack in layers])
        has_data = _day_state(day, whole, DAY, end) != "none"
        if worst == "none" and has_data:
            worst = "part"
        if worst == "full" and (capped is None or day in capped):
            worst = "part"
        days[day.isoformat()] = worst
    holes = {
        hole
        for covered, slack in layers
        for hole in _holes(covered, first, last)
        if _length(hole) > slack
    }
    gaps = [
        CoverageGap(from_=format_utc(a), to=format_utc(b), why="unknown") for a, b in sorted(holes)
    ]
    return days, gaps[:_MAX_GAPS]


def _tolerance(pieces: Sequence[Piece], spec: FormatSpec) -> timedelta:
    if any(p.unit is not None and p.unit.length == HOUR for p in pieces):
        return _ANY_HOUR if is_dense(pieces) else _LONG
    return _LONG if spec.rhythm == "none" else _SHORT


def _day_state(day: date, covered: Sequence[Stretch], slack: timedelta, end: datetime) -> DayState:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    stop = min(start + DAY, end)
    inside = [(a, b) for a, b in covered if a < start + DAY and (b > start or a == start)]
    if not inside:
        return "none"
    longest = max((_length(hole) for hole in _holes(inside, start, stop)), default=timedelta())
    return "full" if longest <= slack else "part"


def _holes(covered: Sequence[Stretch], start: datetime, stop: datetime) -> Iterator[Stretch]:
    at = start
    for a, b in covered:
        if a > at:
            yield at, min(a, stop)
        at = max(at, b)
        if at >= stop:
            return
    yield at, stop


def _length(hole: Stretch) -> timedelta:
    return hole[1] - hole[0]


def _worst(states: Sequence[DayState]) -> DayState:
    return next(state for state in ("none", "part", "full") if state in states)


def _range(first: date, last: date, covered: Sequence[Stretch]) -> list[date]:
    """List the days of the log's range; of an absurd range (forged times) only those with data."""
    if (last - first).days <= _MAX_DAYS:
        return [first + timedelta(n) for n in range((last - first).days + 1)]
    touched = {moment.date() for stretch in covered for moment in stretch}
    return sorted(day for day in touched if first <= day <= last)[-_MAX_DAYS:]


def _capped_days(pieces: Sequence[Piece]) -> set[date] | None:
    """Return the days of artifacts read with losses; None: one can't be placed, so any day."""
    days: set[date] = set()
    for piece in pieces:
        if piece.is_sound:
            continue
        if piece.unit is not None:
            days.add(piece.unit.start.date())
        for start, stop in piece.spans:
            length = min((stop.date() - start.date()).days, _MAX_DAYS)
            days.update(start.date() + timedelta(n) for n in range(length + 1))
        if piece.unit is None and not piece.spans:
            return None
    return days


def _state(artifacts: Sequence[ArtifactFacts], pieces: Sequence[Piece]) -> State:
    if all(facts.state == "failed" for facts in artifacts):
        return "failed"
    return "read" if all(piece.is_sound for piece in pieces) else "partial"


def _absent(log: str) -> Coverage:
    classes = msgspec.structs.asdict(ByteClasses())
    return Coverage(log=log, from_=None, to=None, bytes=0, classes=classes, lines=0, state="absent")


@cache
def _series_rules() -> dict[str, SeriesRule]:
    path = CONTENT / "mappings" / "coverage.yml"
    return msgspec.convert(read_yaml(path), dict[str, SeriesRule])
