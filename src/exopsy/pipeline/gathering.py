"""A collection -> all that reading it brings: one pass over everything, then the pivot's rounds."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from exopsy.core.errors import CollectionError
from exopsy.correlation.pivot import next_pivot
from exopsy.detection.correlations.needs import field_needs
from exopsy.detection.correlations.spool import HitSpool
from exopsy.exposure.history import BuildHistory
from exopsy.pipeline.aggregates import (
    AggregateError,
    add_hosts,
    add_log_table,
    needed_columns,
    run_aggregate,
)
from exopsy.pipeline.build_histories import build_histories
from exopsy.pipeline.correlating import (
    correlate_hits,
    correlation_findings,
)
from exopsy.pipeline.disk_state import DiskState
from exopsy.pipeline.event_pool import EventOrder, EventPool
from exopsy.pipeline.file_reading import FileRules
from exopsy.pipeline.findings import make_findings
from exopsy.pipeline.hosts import assign_hosts
from exopsy.pipeline.known_good import settle_waiting
from exopsy.pipeline.late_rows import judge_late
from exopsy.pipeline.losses import note_losses
from exopsy.pipeline.matches import MatchTable, activity_view, read_activities
from exopsy.pipeline.pivoting import PivotScan
from exopsy.pipeline.progress import SharedProgress
from exopsy.pipeline.reading import Reading
from exopsy.pipeline.rereading import fill_samples
from exopsy.pipeline.run import Run
from exopsy.pipeline.scan_collection import scan_collection
from exopsy.pipeline.scan_tools import ScanPlan, ScanResult
from exopsy.pipeline.sieves import Sieves
from exopsy.schema.artifact import ArtifactFacts
from exopsy.schema.case import UnusableRule
from exopsy.schema.pivot import PivotKey
from exopsy.schema.row import Row
from exopsy.sources.collection import Collection
from exopsy.sources.layout import host_hint


class Gathering:
    """Reads a collection for a run."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def read(self) -> Reading:
        """Scan once; then pivot until nothing new is asked for."""
        progress = SharedProgress(self._run.progress)
        settings, limits = self._run.settings, self._run.settings.limits
        self._run.progress.start(_known_size(settings.collection))
        self._run.progress.stage("reading the evidence")
        columns = needed_columns(self._run.rules.aggregates)
        plan = ScanPlan(
            settings=settings,
            bundle=self._run.bundle,
            correlations=self._run.correlations,
            columns={log: sorted(names) for log, names in sorted(columns.items())},
            sieves=Sieves(self._run.bundle, self._run.settings.cache),
            sweep=self._run.sweep,
            known=self._run.known,
            pages=self._run.pages,
            folder=self._run.work,
            digests=self._run.hashes.more,
        )
        with EventPool(self._order(), settings.workers) as pool:
            # One worker is this process: whoever asks for one wants no others.
            shared = pool if settings.workers > 1 else None
            scanned = scan_collection(self._run.collection, plan, shared, progress, self._get_ready)
        artifacts = scanned.facts
        if not artifacts:
            raise CollectionError(_empty(settings.collection, self._run.collection))
        note_losses(artifacts)
        hosts = assign_hosts(artifacts, _hints(artifacts))
        disk = DiskState(artifacts, hosts, self._run.bundle.web_roots, scanned.late)
        listed = self._run.hashes.findings(artifacts, disk.host_of, self._run.bundle.web_roots)
        # A file that a list names is evidence of its host, whatever its kind.
        hosts |= {e.artifact: finding.host for finding in listed for e in finding.evidence}
        builds = build_histories(
            artifacts,
            hosts,
            facts=self._run.bundle.facts,
            asked_paths=self._run.bundle.build_marks,
            folders=self._run.bundle.build_folders,
        )
        scanned.add(self._settle(scanned, artifacts, hosts, builds))
        self._run.progress.stage("correlating")
        spools = [Path(path) for path in scanned.hits]
        correlated = correlate_hits(self._run.correlations, spools, self._run.work, limits)
        kept = {table: [*map(Path, sorted(files))] for table, files in scanned.kept.items()}
        reading = Reading(
            artifacts, hosts, [], [], [], [], scanned.untimed, correlated, disk, kept, builds
        )
        reading.match_files += map(Path, scanned.matches)
        self._judge_late(reading, scanned.late)
        self._find(reading, {log: [*map(Path, fs)] for log, fs in sorted(scanned.tables.items())})
        if self._run.sweep is not None:
            reading.findings += self._run.sweep.findings(scanned.indicators, hosts)
        reading.findings += listed
        if reading.findings and reading.match_files:
            self._pivot(reading, progress)
        fill_samples(self._run.collection, reading.findings, limits.sample_bytes)
        return reading

    def _judge_late(self, reading: Reading, rows: Sequence[Row]) -> None:
        """Ask the rules about rows that are about other files."""
        with MatchTable(
            self._run.work,
            self._run.bundle.mapping,
            round_number=0,
            sample_bytes=self._run.settings.limits.sample_bytes,
            name="match-0-late",
        ) as matches:
            judge_late(rows, reading.disk, self._run.rules.rules, self._run.rules.lists, matches)
        if matches.rows:
            reading.match_files.append(matches.path)

    def _settle(
        self,
        scanned: ScanResult,
        artifacts: Sequence[ArtifactFacts],
        hosts: Mapping[str, str],
        builds: Mapping[str, BuildHistory],
    ) -> ScanResult:
        """Ask the rules about the rows that waited for the servers' builds."""
        if not scanned.waiting:
            return ScanResult()
        hits = HitSpool(
            self._run.work,
            "settled",
            field_needs(self._run.correlations),
            self._run.settings.limits,
        )
        table = MatchTable(
            self._run.work,
            self._run.bundle.mapping,
            round_number=0,
            sample_bytes=self._run.settings.limits.sample_bytes,
            name="match-0-settled",
            hits=hits,
        )
        with table:
            settle_waiting(
                [Path(path) for path in scanned.waiting],
                {path: builds[host].build for path, host in hosts.items()},
                self._run.known,
                FileRules(self._run.rules.rules, self._run.rules.lists),
                table.batch(),
                {facts.path: facts for facts in artifacts},
            )
        return ScanResult(
            matches=[str(table.path)] if table.rows else [], hits=[*map(str, hits.paths)]
        )

    def _get_ready(self) -> None:
        """Do what will be needed after the reading, while others read."""
        self._run.asked()
        for later in ("exopsy.reports.html", "exopsy.pipeline.telling"):
            importlib.import_module(later)

    def _order(self) -> EventOrder:
        settings = self._run.settings
        return EventOrder(
            content=tuple(str(folder) for folder in settings.content),
            cache=None if settings.cache is None else str(settings.cache),
            selection=settings.selection,
            indicators=tuple(str(path) for path in settings.indicators),
            work=str(self._run.work),
            limits=settings.limits,
            plain=settings.plain,
        )

    def _match_table(self, number: int) -> MatchTable:
        return MatchTable(
            self._run.work,
            self._run.bundle.mapping,
            round_number=number,
            sample_bytes=self._run.settings.limits.sample_bytes,
        )

    def _find(self, reading: Reading, tables: Mapping[str, Sequence[Path]]) -> None:
        """Make findings of the matched rows and of the aggregates' queries."""
        self._run.progress.stage("finding")
        if not reading.match_files and not tables:
            return
        working = self._run.asked()
        add_hosts(working, reading.hosts)
        if reading.match_files:
            activity_view(working, reading.match_files, reading.hub_names())
            silent = self._run.bundle.loaded.silent
            reading.findings += make_findings(
                working, self._run.infos, self._run.settings.limits, silent
            )
            reading.findings += correlation_findings(
                reading.correlated, self._run.infos, reading.hosts, working, silent=silent
            )
        for log, files in tables.items():
            add_log_table(working, log, files, reading.hosts)
        for aggregate in self._run.rules.aggregates:
            if aggregate.log is None and not reading.match_files:
                continue
            if aggregate.log is not None and aggregate.log not in tables:
                continue
            try:
                reading.findings += run_aggregate(aggregate, working)
            except AggregateError as error:
                info = aggregate.info
                reading.failed.append(UnusableRule(id=info.id, title=info.title, why=str(error)))

    def _pivot(self, reading: Reading, progress: SharedProgress) -> None:
        """Read again for what the findings name, until nothing new is asked for."""
        asked: set[PivotKey] = set()
        for number in range(1, self._run.settings.limits.pivot_rounds + 1):
            request = self._request(reading, asked)
            if not request:
                return
            asked.update(request)
            self._run.progress.stage(f"looking for {len(request)} addresses, pages and ids")
            with self._match_table(number) as matches:
                scan = PivotScan(
                    request,
                    reading.artifacts,
                    mapping=self._run.bundle.mapping,
                    matches=matches,
                    limits=self._run.settings.limits,
                    plain=self._run.settings.plain,
                )
                reading.hubs += scan.run(self._run.collection, progress, self._run.settings.workers)
            if matches.rows:
                reading.match_files.append(matches.path)

    def _request(self, reading: Reading, asked: set[PivotKey]) -> tuple[PivotKey, ...]:
        working = reading.activities(self._run.asked())
        return next_pivot(
            reading.findings,
            read_activities(working, of=self._run.told),
            self._run.infos,
            already=asked,
            limits=self._run.settings.limits,
            trusted=self._run.settings.trusted,
            web_roots=self._run.bundle.web_roots,
            ignored_tokens=self._run.bundle.ignored_tokens,
        ).keys


def _hints(artifacts: Iterable[ArtifactFacts]) -> dict[str, str]:
    return {a.path: hint for a in artifacts if (hint := host_hint(a.path))}


def _known_size(path: Path) -> int | None:
    """Return how many bytes will be read, where that is known beforehand: a single plain file."""
    return path.stat().st_size if path.is_file() and path.suffix.lower() == ".log" else None


def _empty(path: Path, collection: Collection) -> str:
    told = "".join(f" {p.path}: {p.text}." for p in collection.problems[:5])
    return (
        f"{path} holds nothing that can be read.{told} Give the folder or archive that was collected "
        "from the server."
    )
