"""What reading a collection brought, before anything is made of it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from exopsy.detection.correlations.match import Correlated
from exopsy.exposure.history import BuildHistory
from exopsy.pipeline.aggregates import add_hosts
from exopsy.pipeline.disk_state import DiskState
from exopsy.pipeline.matches import activity_view
from exopsy.pipeline.pivot import name_of
from exopsy.schema.artifact import ArtifactFacts
from exopsy.schema.case import Finding, UnusableRule
from exopsy.schema.pivot import Hub
from exopsy.store.working import WorkingTables


class Reading(msgspec.Struct):
    """What reading the collection brought."""

    artifacts: list[ArtifactFacts]
    hosts: dict[str, str]
    """Artifact -> host."""
    findings: list[Finding]
    hubs: list[Hub]
    failed: list[UnusableRule]
    """Aggregates whose query failed."""
    match_files: list[Path]
    untimed: int
    correlated: Correlated
    disk: DiskState
    kept: dict[str, list[Path]]
    """Files of records that are kept whatever the rules say, by table."""
    builds: dict[str, BuildHistory]
    """Host -> which build it had when."""

    def hub_names(self) -> list[str]:
        """Return the names of the keys that are hubs."""
        return [name_of(hub.key) for hub in self.hubs]

    def activities(self, tables: WorkingTables) -> WorkingTables:
        """Make the rows of all rounds readable as ``activity``."""
        add_hosts(tables, self.hosts)
        activity_view(tables, self.match_files, self.hub_names())
        return tables
