"""A build alone, without any evidence -> the holes that it has, and what decides the rest."""

from __future__ import annotations

from datetime import date

from exopsy.exposure.assess import fixed_in, state_by_build
from exopsy.exposure.builds import Base, Build, Facts, KnownCve, build_name, format_build, line_of
from exopsy.exposure.naming import find_build
from exopsy.schema.exposure import BuildExposure, Hole, HoleState

ORDER: tuple[HoleState, ...] = (
    "vulnerable", "presumed-vulnerable", "needs-config-check", "patched", "not-affected",
)  # fmt: skip


def expose(text: str, *, facts: Facts, day: date | None = None) -> BuildExposure:
    """Answer for one build.

    Args:
        text: the build, by number or name (``naming``).
        facts: the tables.
        day: of the question; None: any.

    Raises:
        ValueError: no build is named; a sentence for the analyst.
    """
    build = find_build(text, facts)
    known = facts.builds.get(build) if len(build) == 4 else None
    released = facts.base_released(build) if len(build) == 3 else None
    if known is not None:
        released = known.released
    remarks = [] if known else _nearest(build, facts)
    if day and released and day < released:
        remarks.append(
            f"It came out on {released}, after {day}: no server can have had it on that day."
        )
    holes = [_hole(cve, build, facts, day) for cve in facts.cves.values()]
    return BuildExposure(
        build=format_build(build),
        name=build_name(format_build(build), facts),
        is_listed=known is not None,
        released=None if released is None else released.isoformat(),
        date=None if day is None else day.isoformat(),
        remarks=remarks,
        holes=sorted(holes, key=lambda h: (ORDER.index(h.state), not h.exploited, h.cve)),
    )


def _hole(cve: KnownCve, build: Build | Base, facts: Facts, day: date | None) -> Hole:
    state, why = state_by_build(build, cve, facts)
    return Hole(
        cve=cve.cve,
        state=state,
        why=why,
        fixed_in=fixed_in(build, cve, facts),
        published=None if cve.published is None else cve.published.isoformat(),
        is_public=None if day is None or cve.published is None else cve.published <= day,
        exploited=cve.exploited,
        note=cve.note,
    )


def _nearest(build: Build | Base, facts: Facts) -> list[str]:
    """Say which listed builds are next to one that is not listed."""
    if len(build) == 3 and any(known[:3] == build for known in facts.builds):
        return ["Only the cumulative update is given: updates on it can close what is open here."]
    line = sorted(known for known in facts.builds if line_of(known) == line_of(build))
    older = [known for known in line if known < build]
    newer = [known for known in line if known > build]
    words = [
        f"the next older one is {facts.builds[older[-1]].title()}" if older else "",
        f"the next newer one is {facts.builds[newer[0]].title()}" if newer else "",
    ]
    told = f"{format_build(build)} is not in the list of builds; {', '.join(filter(None, words))}."
    return (
        [told]
        if newer
        else [told, "It may be newer than the list: holes since then are not in it."]
    )
