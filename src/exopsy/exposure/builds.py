"""The tables of builds and CVEs -> facts that can be asked.

Builds are compared as numbers (15.1.2106.13 is newer than 15.1.2106.2) and logs write them padded
(``15.01.2106.002``). The first three numbers are a cumulative update's *base*; the fourth counts
the security updates on it. Up to product generation 14 the third number already counts update
rollups, and a new service pack moves the second: there the whole generation is one *line*; later
each ``major.minor`` is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import msgspec

from exopsy.core.content import read_csv

Build = tuple[int, int, int, int]
Base = tuple[int, int, int]
Line = tuple[int, ...]

_LAST_GENERATION_OF_SERVICE_PACKS = 14
_ANY_REVISION = 999_999
# Words of the facts table's `note` that mean: a build number alone does not decide.
_CONFIGURATION_WORDS = ("needs ", "configuration", "real fix", "override", "plus ")


class KnownBuild(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the build table."""

    build: Build
    product: str
    cu: str
    update: str
    released: date | None

    def title(self) -> str:
        """Return "Exchange 2016 CU18 Mar21SU (15.1.2106.13)"."""
        words = " ".join(word for word in (self.product, self.cu, self.update) if word)
        return f"{words} ({format_build(self.build)})"


class KnownCve(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the CVE table."""

    cve: str
    published: date | None
    affected: frozenset[Base]
    first_fixed: dict[Base, Build]
    note: str
    exploited: str = ""
    """Whether it is known to have been used, as the sources say."""

    @property
    def needs_configuration(self) -> bool:
        """Say whether an installed update alone does not close it."""
        return any(word in self.note for word in _CONFIGURATION_WORDS)

    @property
    def configured_by_default_later(self) -> bool:
        """Say whether later cumulative updates set the configuration by themselves."""
        return "default on from" in self.note


class Facts:
    """What is known of builds and CVEs.

    Args:
        builds: rows of ``exchange_builds.csv``.
        cves: rows of ``exchange_cves.csv``.
    """

    def __init__(
        self, builds: Iterable[Mapping[str, str]], cves: Iterable[Mapping[str, str]]
    ) -> None:
        self.builds: dict[Build, KnownBuild] = {}
        fixed_here: dict[str, list[Build]] = {}
        for row in builds:
            build = parse_build(row["build"])
            if build is None:
                continue
            self.builds[build] = KnownBuild(
                build=build,
                product=row["product"],
                cu=row["cu"],
                update=row["update"],
                released=_day(row["release_date"]),
            )
            for cve in (row.get("cves_first_fixed_here") or "").split():
                fixed_here.setdefault(cve, []).append(build)
        self._ordered = sorted(self.builds)
        self.cves = {row["cve"]: _known_cve(row, fixed_here.get(row["cve"], [])) for row in cves}

    def newest_at_or_before(self, build: Build) -> KnownBuild | None:
        """Return the listed build of the same base that is this one or the next older."""
        at = bisect_right(self._ordered, build)
        found = self.builds[self._ordered[at - 1]] if at else None
        return found if found is not None and found.build[:3] == build[:3] else None

    def base_released(self, base: Base) -> date | None:
        """Return the day on which a base first came out."""
        days = [b.released for b in self.builds.values() if b.build[:3] == base and b.released]
        return min(days, default=None)

    def line_supported_until(self, line: Line) -> date | None:
        """Return the day of the last update that a product line got."""
        days = [b.released for b in self.builds.values() if line_of(b.build) == line and b.released]
        return max(days, default=None)


def load_facts(folder: Path) -> Facts:
    """Read the tables from a folder (``content/facts``)."""
    return Facts(read_csv(folder / "exchange_builds.csv"), read_csv(folder / "exchange_cves.csv"))


def parse_build(text: str) -> Build | None:
    """Read ``15.1.2106.2`` or ``15.01.2106.002``; None if it is no build."""
    parts = text.strip().split(".")
    if len(parts) != 4 or not all(p.isascii() and p.isdigit() and len(p) <= 6 for p in parts):
        return None
    major, minor, build, revision = (int(part) for part in parts)
    return major, minor, build, revision


def parse_partial(text: str) -> Build | Base | None:
    """Read a build, or its first three numbers alone: ``15.1.2106``."""
    build = parse_build(text)
    return _base(text.strip()) if build is None else build


def format_build(build: Build | Base) -> str:
    """Write a build without padding."""
    return ".".join(str(part) for part in build)


def line_of(build: Build | Base) -> Line:
    """Return the product line that a build belongs to."""
    return build[:1] if build[0] <= _LAST_GENERATION_OF_SERVICE_PACKS else build[:2]


def build_name(build: str, facts: Facts) -> str:
    """Name a build for people: "Exchange 2016 CU18 Mar21SU (15.1.2106.13)".

    A revision that the table does not list is named after the next older one of its base; a base
    that it does not list is given as the number alone. Of three numbers the update is not known.
    """
    number = parse_build(build)
    if number is None:
        base = parse_partial(build)
        if base is None:
            return "an unreadable build number"
        of_base = facts.newest_at_or_before((*base[:3], _ANY_REVISION))
        if of_base is None:
            return f"build {format_build(base)}, update not known"
        return f"{of_base.product} {of_base.cu} ({format_build(base)}, update not known)"
    known = facts.newest_at_or_before(number)
    if known is None:
        return f"build {format_build(number)}"
    if known.build == number:
        return known.title()
    return f"{known.product} {known.cu} ({format_build(number)}, not a listed update)"


def _known_cve(row: Mapping[str, str], fixed_here: list[Build]) -> KnownCve:
    first_fixed: dict[Base, Build] = {}
    listed = [parse_build(text) for text in row["first_fixed_builds"].split()]
    # The build table fills in only where the CVE table names no fixed build of that base.
    bases = {build[:3] for build in listed if build}
    for build in [*listed, *(b for b in fixed_here if b[:3] not in bases)]:
        if build is not None:
            first_fixed[build[:3]] = min(build, first_fixed.get(build[:3], build))
    affected = {_base(text) for text in row["affected_builds_major.minor.build"].split()}
    return KnownCve(
        cve=row["cve"],
        published=_day(row["published"]),
        affected=frozenset(base for base in affected if base) | first_fixed.keys(),
        first_fixed=first_fixed,
        note=row["note"] or "",
        exploited=row.get("exploited_in_wild") or "",
    )


def _base(text: str) -> Base | None:
    build = parse_build(f"{text}.0")
    return None if build is None else build[:3]


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
