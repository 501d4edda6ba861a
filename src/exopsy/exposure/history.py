"""Everything that names the server's build -> the build day by day, and who says so.

Sources are trusted in this order: the program on disk, the setup log, what the server wrote into
its own logs, version folders in paths. A source speaks of the days that it dates and of no others.
What lies on disk is of the day of the collection, which nobody states: it counts from the day
after the last evidence, so that it never speaks for a day on which the server may have been older.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

import msgspec

from exopsy.exposure.builds import Facts, build_name, parse_partial

Source = Literal["binary", "setup-log", "log", "asked-path", "folder"]
"""``log``: the server's own columns; ``asked-path``: folders in requests, which a client chose;
``folder``: folders among the collected files."""

_DATED: tuple[Source, ...] = ("setup-log", "log", "asked-path")
_UNDATED: tuple[Source, ...] = ("binary", "folder")
_DAY = timedelta(days=1)

SEEN: Mapping[Source, str] = {
    "binary": "was on disk when this was collected",
    "folder": "was on disk when this was collected",
    "setup-log": "was named by the setup log",
    "log": "was seen in the logs",
    "asked-path": "was seen in the logs",
}
"""How a sentence about a build goes on."""


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """A source names a build."""

    day: str
    """``2021-03-03``; ``""``: as it was when it was collected."""
    build: str
    source: Source


class BuildHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Which build a server had."""

    days: dict[str, str] = {}
    """Day -> build, in order; of three numbers where only the cumulative update is known."""
    sources: dict[str, Source] = {}
    """Day -> who says so."""
    build: str | None = None
    """The last that is known."""
    basis: str = ""
    """How that is known, as the end of a sentence."""
    conflicts: tuple[str, ...] = ()
    """Sentences on sources that contradict each other."""


def build_history(
    sightings: Iterable[Sighting], *, last: date | None, facts: Facts
) -> BuildHistory:
    """Put the sightings of one server together.

    Args:
        sightings: in any order; what is no build is passed over.
        last: the last day of its evidence.
        facts: for names.
    """
    known = sorted(
        (s for s in sightings if parse_partial(s.build) is not None),
        key=lambda s: (s.day, s.source, s.build),
    )
    days: dict[str, str] = {}
    sources: dict[str, Source] = {}
    by_day: dict[str, list[Sighting]] = {}
    for sighting in known:
        if sighting.source in _DATED and _is_day(sighting.day):
            by_day.setdefault(sighting.day, []).append(sighting)
    trusted = sorted(d for d, found in by_day.items() if any(_is_own(s) for s in found))
    for day in sorted(by_day):
        own = [s for s in by_day[day] if _is_own(s)]
        if not own and trusted and trusted[0] < day < trusted[-1]:
            continue  # a client's word between two of the server's own
        chosen = _best(own or by_day[day])
        days[day], sources[day] = chosen.build, chosen.source
    _drop_lone_words(days, sources)
    undated = [s for s in known if not s.day and s.source in _UNDATED]
    conflicts = [*_after_setup(by_day, facts), *_on_disk(undated, facts)]
    final = _best(undated) if undated else None
    newest = max(days, default="")
    if final is not None and not (newest and _says_the_same(final.build, days[newest])):
        if newest and final.source == "folder" and _key(final.build)[:3] <= _key(days[newest])[:3]:
            final = None  # folders of older builds remain
        else:
            conflicts += _older_on_disk(final, newest, days, facts)
            after = max(filter(None, (newest, last.isoformat() if last else "")), default="")
            if after:
                day = (date.fromisoformat(after) + _DAY).isoformat()
                days[day], sources[day] = final.build, final.source
    build, basis = _last(final, newest, days, sources)
    return BuildHistory(
        days=days, sources=sources, build=build, basis=basis, conflicts=tuple(conflicts)
    )


def _last(
    final: Sighting | None, newest: str, days: Mapping[str, str], sources: Mapping[str, Source]
) -> tuple[str | None, str]:
    if final is not None and (final.source == "binary" or not newest):
        same = newest and _says_the_same(final.build, days[newest])
        also = f", and the logs of {newest} say the same" if same else ""
        if final.source == "binary":
            return final.build, f"the version of the setup program on disk{also}"
        return final.build, "the newest version folder among the collected files"
    if final is not None and not _says_the_same(final.build, days[newest]):
        return final.build, "the newest version folder among the collected files"
    if not newest:
        return None, ""
    if sources[newest] == "setup-log":
        return days[newest], f"named by the setup log on {newest}"
    return days[newest], f"named by the logs of {newest}"


def _drop_lone_words(days: dict[str, str], sources: dict[str, Source]) -> None:
    """Forget a base that clients asked for on one day only, between two days of another one."""
    order = sorted(days)
    lone = [
        day
        for before, day, after in zip(order, order[1:], order[2:], strict=False)
        if sources[day] == "asked-path"
        and _key(days[before])[:3] == _key(days[after])[:3] != _key(days[day])[:3]
    ]
    for day in lone:
        del days[day], sources[day]


def _is_own(sighting: Sighting) -> bool:
    return sighting.source != "asked-path"


def _best(sightings: Sequence[Sighting]) -> Sighting:
    """Return the most trusted; of those that name the same base, the fullest and newest."""
    order = (*_UNDATED[:1], *_DATED, *_UNDATED[1:])
    first = min(sightings, key=lambda s: (order.index(s.source), *_newest_first(s.build)))
    alike = [s for s in sightings if _key(s.build)[:3] == _key(first.build)[:3]]
    return min(
        alike,
        key=lambda s: (-len(_key(s.build)), *_newest_first(s.build), order.index(s.source)),
    )


def _key(build: str) -> tuple[int, ...]:
    return parse_partial(build) or ()


def _newest_first(build: str) -> tuple[int, ...]:
    return tuple(-number for number in (*_key(build), -1)[:4])


def _says_the_same(one: str, other: str) -> bool:
    a, b = _key(one), _key(other)
    return a == b or (min(len(a), len(b)) == 3 and a[:3] == b[:3])


def _after_setup(by_day: Mapping[str, Sequence[Sighting]], facts: Facts) -> list[str]:
    """Tell of logs that go on naming another base when the setup log says that one was installed."""
    told = []
    installed: Sighting | None = None
    for day in sorted(by_day):
        runs = [s for s in by_day[day] if s.source == "setup-log"]
        if runs:
            installed = _best(runs)
            continue
        others = [s for s in by_day[day] if s.source == "log"]
        if installed is None or not others:
            continue
        other = _best(others)
        later = (date.fromisoformat(day) - date.fromisoformat(installed.day)).days > 1
        if later and _key(other.build)[:3] < _key(installed.build)[:3]:
            told.append(
                f"The setup log names {build_name(installed.build, facts)} on {installed.day}, but "
                f"the logs of {day} still name {build_name(other.build, facts)}."
            )
            installed = None
    return told


def _on_disk(undated: Sequence[Sighting], facts: Facts) -> list[str]:
    """Tell of setup programs of several builds."""
    programs = sorted({s.build for s in undated if s.source == "binary"}, key=_key)
    if len(programs) < 2:
        return []
    names = ", ".join(build_name(build, facts) for build in programs[:5])
    return [
        f"Setup programs of several builds were collected ({names}); the newest is taken for the "
        "one that runs."
    ]


def _older_on_disk(
    final: Sighting, newest: str, days: Mapping[str, str], facts: Facts
) -> list[str]:
    if not newest or final.source != "binary" or _key(final.build) > _key(days[newest]):
        return []
    return [
        f"The setup program on disk is of {build_name(final.build, facts)}, but the logs of {newest} "
        f"name {build_name(days[newest], facts)}: one of them is not of this server, or an update was "
        "taken back."
    ]


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
