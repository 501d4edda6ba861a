"""What the artifacts name as the product's build -> the history of each server."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date

from exopsy.exposure.builds import Facts
from exopsy.exposure.history import BuildHistory, Sighting, Source, build_history
from exopsy.pipeline.hosts import hosts_of_neighbours
from exopsy.schema.artifact import ArtifactFacts
from exopsy.sources.layout import plain_path

_SOURCES: Mapping[str, Source] = {"exchange-binary": "binary", "exchange-setup": "setup-log"}


def build_histories(
    artifacts: Sequence[ArtifactFacts],
    hosts: Mapping[str, str],
    *,
    facts: Facts,
    asked_paths: Collection[str],
    folders: re.Pattern[str],
) -> dict[str, BuildHistory]:
    """Return host -> history; of a host that nothing speaks of, an empty one.

    Args:
        artifacts: all of the collection.
        hosts: artifact -> host, of those that are evidence.
        facts: builds.
        asked_paths: logs whose builds stand in paths that a client asked for.
        folders: finds a build in the path of a collected file: one group.
    """
    sightings: dict[str, set[Sighting]] = defaultdict(set)
    days: dict[str, date] = {}
    for artifact in artifacts:
        host = hosts.get(artifact.path)
        if host is None:
            continue
        source = _SOURCES.get(
            artifact.kind, "asked-path" if artifact.kind in asked_paths else "log"
        )
        sightings[host].update(
            Sighting(day=day, build=build, source=source) for day, build in artifact.builds.items()
        )
        for _, end in artifact.spans:
            days[host] = max(end.date(), days.get(host, end.date()))
    named: dict[str, set[str]] = defaultdict(set)
    for artifact in artifacts:
        if found := folders.search(plain_path(artifact.path).replace("!/", "/")):
            named[artifact.path[: artifact.path.rfind("/") + 1]].add(found[1])
    for folder, host in hosts_of_neighbours(sorted(named), hosts).items():
        sightings[host].update(Sighting(day="", build=b, source="folder") for b in named[folder])
    return {
        host: build_history(sightings[host], last=days.get(host), facts=facts)
        for host in sorted(set(hosts.values()))
    }
