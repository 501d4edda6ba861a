"""Artifacts of one log -> the stretches of time they cover, by what their names and records say.

A file's name says which hour or day it was written for (``HttpProxy_2021030304-1.LOG``,
``u_ex210303.log``), its spans when its records were written. Names alone prove nothing (an empty
file has a name) and records alone too little (a quiet log has few): the docstring of ``stretches``
has the rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec

from exopsy.schema.artifact import ArtifactFacts

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Stretch = tuple[datetime, datetime]

# HttpProxy_2021030304-1.LOG, ECPServer20210303-1.LOG, ECPActivity_4711_20210303-2.LOG
_EXCHANGE = re.compile(r"(.*?)(\d{8})(\d\d)?-(\d{1,4})\.log(?:\.\w+)?", re.IGNORECASE)
# u_ex210303.log, hourly u_ex21030304.log, with custom fields u_ex210303_x.log
_IIS = re.compile(r"(u_ex)(\d{6})(\d\d)?(?:_x)?\.log(?:\.\w+)?", re.IGNORECASE)
_ONE_TORN_LINE = 4096
_FEW_SKIPPED = 10
# A daily log that rolls over at local midnight holds up to this much of the neighbouring UTC day.
_SLACK = {HOUR: HOUR, DAY: timedelta(hours=14)}
# Times outside are damage or forgery: no such log is older than the format.
_EARLIEST, _LATEST = datetime(1995, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class Unit(msgspec.Struct, frozen=True):
    """What a file's name says: the hour or day it is for, and which part of it."""

    stem: str
    start: datetime
    length: timedelta
    part: int


class Piece(msgspec.Struct, kw_only=True):
    """One artifact as far as time is concerned."""

    series: str
    unit: Unit | None
    spans: list[Stretch]
    is_sound: bool
    """Read to the end, with no more lost than one torn line."""


def piece_of(facts: ArtifactFacts, known: Iterable[str]) -> Piece:
    """Reduce an artifact to its time; records far from the hour or day it is for are not believed."""
    unit = unit_of(facts.path)
    low, high = _EARLIEST, _LATEST
    if unit is not None:
        low = unit.start - _SLACK[unit.length]
        high = unit.start + unit.length + _SLACK[unit.length]
    ordered = [(min(pair), max(pair)) for pair in facts.spans]
    spans = [(max(a, low), min(b, high)) for a, b in ordered if b >= low and a <= high]
    if unit is None and sum((b - a for a, b in spans), timedelta()) > facts.lines * HOUR:
        # Two lines a month apart are no record of the month.
        spans = [(moment, moment) for span in spans for moment in span]
    return Piece(
        series=_series(facts, known), unit=unit, spans=sorted(spans), is_sound=_is_sound(facts)
    )


def unit_of(path: str) -> Unit | None:
    """Read the hour or day in a file's name; None if it has none."""
    name = re.split(r"[/\\!]", path)[-1]
    found = _EXCHANGE.fullmatch(name)
    if found is not None:
        stem, day, hour, part = found.groups()
    elif (found := _IIS.fullmatch(name)) is not None:
        (stem, day, hour), part = found.groups(), "1"
        day = f"20{day}"
    else:
        return None
    try:
        start = datetime.strptime(day + (hour or "00"), "%Y%m%d%H").replace(tzinfo=UTC)
    except ValueError:
        return None
    if not _EARLIEST < start < _LATEST - DAY:
        return None
    return Unit(stem.lower(), start, HOUR if hour else DAY, int(part))


def stretches(pieces: Sequence[Piece]) -> list[Stretch]:
    """Return what the pieces cover, merged and in order.

    The time between an artifact's first and last record (piece by piece) is covered. Beyond that
    a file speaks for more only if it was read whole and none of its parts before it is missing
    (``-1`` to ``-N``): an hourly file for its whole hour; a daily file for the time to the next
    part, to the day's begin if the series has a file of the day before, to the day's end if it has
    one of the day after, because the server kept writing in between.
    """
    series = {piece.series for piece in pieces}
    found = [s for name in series for s in _of_one([p for p in pieces if p.series == name])]
    return _merge(found)


def _of_one(pieces: Sequence[Piece]) -> list[Stretch]:
    covered = [span for piece in pieces for span in piece.spans]
    units = {p.unit.start for p in pieces if p.unit is not None and p.spans}
    for unit, group in _by_unit(pieces):
        whole = _from_the_first(group)
        if unit.length == HOUR:
            if len(whole) == len(group):
                covered.append((unit.start, unit.start + HOUR))
            continue
        covered.extend((a.spans[-1][1], b.spans[0][0]) for a, b in pairwise(whole))
        if whole and unit.start - DAY in units:
            covered.append((unit.start, whole[0].spans[0][0]))
        if len(whole) == len(group) and unit.start + DAY in units:
            covered.append((whole[-1].spans[-1][1], unit.start + DAY))
    return covered


def is_dense(pieces: Sequence[Piece]) -> bool:
    """Say whether an hourly log has a file for at least three of four hours of its time."""
    hours = {p.unit.start for p in pieces if p.unit is not None and p.unit.length == HOUR}
    return bool(hours) and 4 * len(hours) >= 3 * ((max(hours) - min(hours)) / HOUR + 1)


def _by_unit(pieces: Sequence[Piece]) -> list[tuple[Unit, dict[int, Piece]]]:
    """Group the parts of each hour's or day's file by their number."""
    groups: dict[Unit, dict[int, Piece]] = {}
    for piece in pieces:
        if piece.unit is None:
            continue
        group = groups.setdefault(msgspec.structs.replace(piece.unit, part=1), {})
        known = group.get(piece.unit.part)
        # Of two copies of a file the better one speaks.
        if known is None or not (known.is_sound and known.spans):
            group[piece.unit.part] = piece
    return list(groups.items())


def _from_the_first(group: Mapping[int, Piece]) -> list[Piece]:
    whole: list[Piece] = []
    while (piece := group.get(len(whole) + 1)) is not None and piece.is_sound and piece.spans:
        whole.append(piece)
    return whole


def _merge(found: Iterable[Stretch]) -> list[Stretch]:
    merged: list[Stretch] = []
    for start, end in sorted(pair for pair in found if pair[0] <= pair[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _series(facts: ArtifactFacts, known: Iterable[str]) -> str:
    names = set(known)
    for part in (facts.site.lower(), *reversed(re.split(r"[/\\!]", facts.path.lower())[:-1])):
        if part in names:
            return part
    return ""


def _is_sound(facts: ArtifactFacts) -> bool:
    lost = facts.classes
    return (
        facts.state == "read"
        and not lost.unread
        and max(lost.cut, lost.nul) <= _ONE_TORN_LINE
        and sum(facts.skipped.values()) <= max(_FEW_SKIPPED, facts.lines // 100)
    )
