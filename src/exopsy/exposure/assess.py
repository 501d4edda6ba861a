"""Builds seen in the logs, by day -> which hole was open on which day, and how that is known.

Only sightings speak. A build holds from the day it was first seen until another one is seen; a
change between two sightings is dated to the first day of the new build, because until then nothing
shows that the server was patched. Nothing is claimed of the days before the first sighting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

import msgspec

from exopsy.exposure.builds import (
    Base,
    Build,
    Facts,
    KnownCve,
    build_name,
    format_build,
    line_of,
    parse_partial,
)
from exopsy.schema.case import Exposure

State = Literal[
    "vulnerable", "patched", "presumed-vulnerable", "not-affected", "needs-config-check"
]
_DAY = timedelta(days=1)
_SEEN = "was seen in the logs"
_LAST_REVISION = 999_999


class _Spell(msgspec.Struct, kw_only=True):
    """Days with one build: from its first sighting to its last, and when the next one showed."""

    build: Build | Base
    """Of three numbers: which update of that base is not known."""
    first: date
    last: date
    seen: str = _SEEN
    """How its first sighting is told."""
    until: date | None = None
    """Last day before another build was seen."""
    before: date | None = None
    """Last day of the build before this one."""


def assess(
    history: Mapping[str, str],
    *,
    facts: Facts,
    cves: Sequence[str],
    since: date | None,
    until: date | None,
    seen: Mapping[str, str] | None = None,
    undated: str | None = None,
) -> list[Exposure]:
    """Say for each CVE in which state the server was, and when.

    Args:
        history: day (``2021-03-03``) -> build that is known of that day, or its first three
            numbers; entries that are no day or no build are left out.
        facts: the tables.
        cves: what to assess, in the order of the answer.
        since: first day of the question; None: from the first sighting.
        until: last day of the question; None: open end.
        seen: day -> how it is known, to go on after the build's name; ``was seen in the logs``.
        undated: a build that the server had at some time; said where there is no dated one.
    """
    spells = _spells(history, seen or {})
    if not spells:
        return [_unknown(cve, since, until, undated, facts) for cve in cves]
    return [e for cve in cves for e in _periods(cve, spells, facts, since, until)]


def state_of(build: Build, cve: KnownCve, facts: Facts) -> tuple[State, str]:
    """Return a build's state for a CVE, and why, as the end of a sentence.

    The rule of the field notes (1.4), with three cautions of ours. A base newer than the newest
    affected one is only trusted where the list names fixed builds of that line, or where the base
    came out after the hole was published (some lists name a product's first build and mean all).
    A product that is not listed counts as not affected only if it still got updates when the hole
    was published: lists leave out what was no longer supported. And a fix that needs configuration
    is not called patched.
    """
    base, line = build[:3], line_of(build)
    if base in cve.affected:
        return _listed(build, cve, facts)
    same_line = sorted(b for b in cve.affected if line_of(b) == line)
    if not same_line:
        return _unlisted_product(build, cve, facts)
    if base > same_line[-1]:
        return _newer_base(build, cve, facts)
    return "presumed-vulnerable", "this cumulative update got no fix and is older than one that did"


def _listed(build: Build, cve: KnownCve, facts: Facts) -> tuple[State, str]:
    first_fixed = cve.first_fixed.get(build[:3])
    if first_fixed is None:
        if cve.needs_configuration:
            return "needs-config-check", "no build closes it alone; the configuration decides"
        if any(line_of(fixed) == line_of(build) for fixed in cve.first_fixed.values()):
            return "vulnerable", "this cumulative update is affected and never got a fix of its own"
        return "presumed-vulnerable", "it is listed as affected and no fixed build is known"
    fixed = build_name(format_build(first_fixed), facts)
    if build < first_fixed:
        return "vulnerable", f"fixed from {fixed} on"
    if cve.needs_configuration:
        return "needs-config-check", f"{fixed} brings the fix, but the configuration decides"
    return "patched", f"fixed from {fixed} on"


def _newer_base(build: Build, cve: KnownCve, facts: Facts) -> tuple[State, str]:
    line = line_of(build)
    released = facts.base_released(build[:3])
    trusted = any(line_of(fixed) == line for fixed in cve.first_fixed.values())
    came_later = released is not None and cve.published is not None and released >= cve.published
    if not trusted and not came_later:
        return "presumed-vulnerable", "nothing shows that this update already carried the fix"
    if cve.needs_configuration and not cve.configured_by_default_later:
        return (
            "needs-config-check",
            "the code is newer than the hole, but the configuration decides",
        )
    return "not-affected", "this cumulative update is newer than the newest affected one"


def _unlisted_product(build: Build, cve: KnownCve, facts: Facts) -> tuple[State, str]:
    supported = facts.line_supported_until(line_of(build))
    newest = max((line_of(base) for base in cve.affected), default=None)
    if newest is not None and line_of(build) > newest:
        return "not-affected", "this product is newer than the affected ones"
    if supported is not None and cve.published is not None and supported >= cve.published:
        return "not-affected", "this product is not among the affected ones"
    return "presumed-vulnerable", (
        "this product got no more updates when the hole was published, and lists of affected"
        " products leave such out"
    )


def _spells(history: Mapping[str, str], seen: Mapping[str, str]) -> list[_Spell]:
    spells: list[_Spell] = []
    for day, build in sorted(_sightings(history)):
        # three numbers of the base that is there anyway say nothing new
        if spells and spells[-1].build[: len(build)] == build:
            spells[-1].last = day
            continue
        # three numbers, then all four of the same base: it was only not known before
        is_change = bool(spells) and spells[-1].build != build[: len(spells[-1].build)]
        before = spells[-1].last if is_change else None
        if spells:
            spells[-1].until = day - _DAY
        told = seen.get(day.isoformat(), _SEEN)
        spells.append(_Spell(build=build, first=day, last=day, before=before, seen=told))
    return spells


def _sightings(history: Mapping[str, str]) -> list[tuple[date, Build | Base]]:
    found = []
    for text, name in history.items():
        build = parse_partial(name)
        try:
            day = date.fromisoformat(text)
        except ValueError:
            continue
        if build is not None:
            found.append((day, build))
    return found


def _periods(
    name: str, spells: Sequence[_Spell], facts: Facts, since: date | None, until: date | None
) -> list[Exposure]:
    cve = facts.cves.get(name)
    runs: list[tuple[State, list[str], list[_Spell]]] = []
    for spell in spells:
        state, why = state_by_build(spell.build, cve, facts)
        text = f"{_sighted(spell, facts)}: {why}"
        if runs and runs[-1][0] == state:
            runs[-1][1].append(text)
            runs[-1][2].append(spell)
        else:
            runs.append((state, [text], [spell]))
    made = []
    for state, texts, run in runs:
        first, last = run[0].first, run[-1].until
        if (until and first > until) or (since and last and last < since):
            continue
        start = max(first, since) if since else first
        end = min((d for d in (last, until) if d), default=None)
        made.append(
            Exposure(
                cve=name,
                from_=start.isoformat(),
                to=None if end is None else end.isoformat(),
                state=state,
                basis="; then ".join(texts[:6]) + ".",
                fixed_in=fixed_in(run[-1].build, cve, facts),
            )
        )
    return made


def state_by_build(build: Build | Base, cve: KnownCve | None, facts: Facts) -> tuple[State, str]:
    """Return a build's state for a CVE and why; ``build`` may lack the update, ``cve`` be unknown."""
    if cve is None:
        return "needs-config-check", "no build number is known to decide this hole"
    if len(build) == 4:
        return state_of(build, cve, facts)
    oldest, why = state_of((*build, 0), cve, facts)
    newest, _ = state_of((*build, _LAST_REVISION), cve, facts)
    if oldest == newest:
        return oldest, why
    return "presumed-vulnerable", f"which update of it is installed is not known; {why}"


def _sighted(spell: _Spell, facts: Facts) -> str:
    name = build_name(format_build(spell.build), facts)
    when = (
        f"on {spell.first}" if spell.first == spell.last else f"from {spell.first} to {spell.last}"
    )
    changed = (
        "" if spell.before is None else f", installed between {spell.before} and {spell.first}"
    )
    return f"{name} {spell.seen} {when}{changed}"


def fixed_in(build: Build | Base, cve: KnownCve | None, facts: Facts) -> str:
    """Name the fix of this base, or else of the next newer base of the line that has one."""
    if cve is None:
        return ""
    line = line_of(build)
    later = sorted(
        b for base, b in cve.first_fixed.items() if line_of(base) == line and base >= build[:3]
    )
    return build_name(format_build(later[0]), facts) if later else ""


def _unknown(
    cve: str, since: date | None, until: date | None, undated: str | None, facts: Facts
) -> Exposure:
    basis = "The build is not known from this evidence, so the hole is taken as open."
    if undated is not None:
        _, why = state_by_build(parse_partial(undated) or (0, 0, 0), facts.cves.get(cve), facts)
        basis = (
            f"{build_name(undated, facts)} was on disk when this was collected ({why}), but no log "
            "says since when, so the hole is taken as open."
        )
    return Exposure(
        cve=cve,
        from_=since.isoformat() if since else None,
        to=until.isoformat() if until else None,
        state="presumed-vulnerable",
        basis=basis,
    )
