"""All content that a run needs, loaded once: rules, chains, mappings, facts, actions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from exopsy.core.content import CONTENT, content_sha256, read_lines, read_yaml
from exopsy.core.errors import ContentError
from exopsy.detection.events.innocent import InnocentSample, read_innocent
from exopsy.detection.load import LoadedRules, load_rules
from exopsy.detection.selection import Selection
from exopsy.evidence import registry
from exopsy.exposure.builds import Facts, load_facts
from exopsy.pipeline.activity import ActivityMapping, load_activity_mapping
from exopsy.pipeline.disk_places import DiskPlaces, load_disk_places
from exopsy.pipeline.hash_matching import load_published
from exopsy.schema.chain import ChainSpec
from exopsy.schema.columns import COLUMNS


class Innocent:
    """A sample of innocent records of one log (``sieve.literals.Reference``)."""

    def __init__(self, text: str, delimiter: str) -> None:
        self._lines = [delimiter + line + delimiter for line in text.lower().splitlines()]
        self._delimiter = delimiter
        self.records = max(1, len(self._lines))

    def holding(self, text: str, *, starts: bool, ends: bool, inner: bool = False) -> int:
        """Return a bit for every record that holds a literal."""
        wanted = self._delimiter * starts + text + self._delimiter * ends
        outside = self._delimiter + wanted if inner and self._delimiter == " " else ""
        held = 0
        for index, line in enumerate(self._lines):
            if wanted in line and not (outside and line.count(wanted) == line.count(outside)):
                held |= 1 << index
        return held


class Bundle(msgspec.Struct, frozen=True):
    """The content of one run."""

    loaded: LoadedRules
    chains: tuple[ChainSpec, ...]
    mapping: ActivityMapping
    facts: Facts
    web_roots: tuple[tuple[str, str], ...]
    ignored_tokens: tuple[str, ...]
    build_marks: dict[str, re.Pattern[bytes]]
    build_folders: re.Pattern[str]
    """Finds a build in the path of a collected file."""
    hot: frozenset[str]
    innocent: dict[str, Innocent]
    """Log -> innocent records, to choose rare literals by."""
    disk_places: DiskPlaces
    published: dict[str, str]
    """SHA-256 of samples that were published -> title of the list."""
    innocent_events: InnocentSample
    """Innocent events, for the same."""
    sha256: str
    """Of our own content."""
    identity: str
    """Of all rules and lists, the analyst's own among them."""


def load_bundle(
    folders: Sequence[Path],
    cache: Path | None,
    selection: Selection | None = None,
    workers: int = 1,
) -> Bundle:
    """Load the content; rule errors are in the result, anything else can't be done without.

    Args:
        folders: of content and of rules from outside; the first is ours.
        cache: for compiled rules.
        selection: which rules from outside are wanted.
        workers: processes that may read a large repository.

    Raises:
        ContentError: our own content is damaged.
    """
    own = CONTENT
    sha256 = content_sha256(own)
    mappings = own / "mappings"
    roots = read_yaml(mappings / "web_roots.yml")
    reading = read_yaml(mappings / "reading.yml")
    loaded = load_rules(
        folders,
        formats=registry.RULE_FORMATS,
        cache=cache,
        selection=selection,
        workers=workers,
    )
    return Bundle(
        loaded=loaded,
        chains=load_chains(own / "chains"),
        mapping=load_activity_mapping(mappings / "activity.yml"),
        facts=load_facts(own / "facts"),
        web_roots=tuple((str(disk), str(url)) for disk, url in roots["web_roots"]),
        ignored_tokens=tuple(reading["ignored_tokens"]),
        build_marks={
            log: re.compile(pattern.encode("ascii"), re.IGNORECASE)
            for log, pattern in reading["build_marks"].items()
        },
        build_folders=re.compile(reading["build_folders"], re.IGNORECASE | re.ASCII),
        hot=frozenset(read_lines(own / "lists" / "hot_stems.txt")),
        innocent=load_innocent(own / "reference"),
        published=load_published(own / "indicators" / "published"),
        disk_places=load_disk_places(mappings / "disk_places.yml"),
        innocent_events=read_innocent(),
        sha256=sha256,
        identity=f"{sha256} {loaded.key}",
    )


def load_chains(folder: Path) -> tuple[ChainSpec, ...]:
    """Read the chain specifications in path order.

    Raises:
        ContentError: one does not have the fields it must have.
    """
    chains = []
    for path in sorted(folder.glob("*.yml")):
        try:
            chains.append(msgspec.convert(read_yaml(path), ChainSpec, strict=False))
        except msgspec.ValidationError as error:
            raise ContentError(str(error), at=str(path), remedy="See schema/chain.py") from error
    return tuple(chains)


def load_innocent(folder: Path) -> dict[str, Innocent]:
    """Read the samples of innocent records, one file a log."""
    return {
        path.stem: Innocent(path.read_text("utf-8"), "," if COLUMNS[path.stem].csv else " ")
        for path in sorted(folder.glob("*.txt"))
    }
