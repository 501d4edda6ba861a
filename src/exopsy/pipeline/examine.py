"""A collection -> a case: the only place that knows all stages, and hands their documents round."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from exopsy import __version__
from exopsy.core.errors import CollectionError
from exopsy.correlation.pivot import next_pivot
from exopsy.correlation.story import correlate
from exopsy.detection.correlations.match import Correlated
from exopsy.detection.correlations.needs import field_needs
from exopsy.detection.correlations.spool import HitSpool
from exopsy.detection.rule import RuleSet
from exopsy.evidence import registry
from exopsy.exposure.assess import assess
from exopsy.exposure.history import SEEN, BuildHistory
from exopsy.pipeline.aggregates import (
    AggregateError,
    add_hosts,
    add_log_table,
    needed_columns,
    run_aggregate,
)
from exopsy.pipeline.assemble import collection_info, host_names, number_case_wide, unusable
from exopsy.pipeline.build_histories import build_histories
from exopsy.pipeline.bundle import Bundle, load_bundle
from exopsy.pipeline.cmdlet_table import write_cmdlets
from exopsy.pipeline.correlating import (
    correlate_hits,
    correlation_findings,
    correlation_infos,
    tell_correlation_losses,
)
from exopsy.pipeline.disk_state import DiskState
from exopsy.pipeline.event_pool import EventOrder, EventPool
from exopsy.pipeline.file_reading import FileRules
from exopsy.pipeline.findings import make_findings, number_findings
from exopsy.pipeline.hash_matching import HashLists, hash_infos, tell_lists
from exopsy.pipeline.hosts import assign_hosts
from exopsy.pipeline.known_good import KnownGood, settle_waiting
from exopsy.pipeline.late_rows import judge_late
from exopsy.pipeline.losses import note_losses, tell_losses
from exopsy.pipeline.matches import MatchTable, activity_batches, activity_view, read_activities
from exopsy.pipeline.page_weighing import PageWeighing
from exopsy.pipeline.pivot import name_of
from exopsy.pipeline.pivoting import PivotScan
from exopsy.pipeline.process_tree import ProcessTree
from exopsy.pipeline.progress import Progress, SharedProgress
from exopsy.pipeline.reading_notes import tell_notes
from exopsy.pipeline.rereading import fill_samples
from exopsy.pipeline.scan_collection import scan_collection
from exopsy.pipeline.scan_tools import ScanPlan, ScanResult
from exopsy.pipeline.settings import RunSettings
from exopsy.pipeline.sieving import LogSieve
from exopsy.schema.artifact import ArtifactFacts
from exopsy.schema.case import (
    ArtifactEntry,
    CaseDocument,
    Coverage,
    Finding,
    Host,
    RulesInfo,
    Tool,
    UnusableRule,
    encode_case,
)
from exopsy.schema.format import FormatSpec
from exopsy.schema.pivot import Hub, PivotKey
from exopsy.schema.row import Row
from exopsy.schema.story import Story
from exopsy.sources.collection import Collection, open_collection
from exopsy.sources.layout import host_hint
from exopsy.store.case_folder import CASE_FILE, REPORT_FILE
from exopsy.store.tables import FOLDER, TABLES, TableWriter, write_case_tables
from exopsy.store.working import WorkingTables
from exopsy.verdict.actions import load_actions, recommend
from exopsy.verdict.coverage import cover
from exopsy.verdict.event_coverage import cover_events
from exopsy.verdict.file_coverage import cover_files
from exopsy.verdict.judge import judge, strongest

if TYPE_CHECKING:
    from exopsy.detection.indicators.indicator_set import IndicatorSet
    from exopsy.pipeline.sweeping import Sweep


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


def examine(settings: RunSettings, progress: Progress) -> CaseDocument:
    """Examine a collection and write the case folder.

    Raises:
        CollectionError: the collection can't be opened, or holds nothing at all.
        ContentError: our own content is damaged.
    """
    progress.stage("loading rules")
    bundle = load_bundle(settings.content, settings.cache, settings.selection, settings.workers)
    work = settings.case / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        collection = open_collection(
            settings.collection,
            passwords=settings.passwords,
            limits=settings.limits,
            spool=work / "spool",
            gives=bundle.disk_places.gives,
        )
        with collection:
            run = _Run(settings, bundle, collection, progress, work)
            try:
                case = run.case()
            finally:
                run.close()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    progress.stage("writing the case")
    _write(case, settings.case, settings.cache)
    return case


class _Run:
    """One examination: its settings, content and working folder."""

    def __init__(
        self,
        settings: RunSettings,
        bundle: Bundle,
        collection: Collection,
        progress: Progress,
        work: Path,
    ) -> None:
        self.settings = settings
        self.bundle = bundle
        self.collection = collection
        self.progress = progress
        self.work = work
        self.rules: RuleSet = bundle.loaded.rules
        self.correlations = bundle.loaded.correlations
        self.infos = self.rules.infos() | correlation_infos(self.correlations, self.rules.rules)
        # The story is told by rules that say what they mean; those of others only make findings.
        self.told = frozenset(rule.info.id for rule in self.rules.rules if not rule.is_foreign)
        self._working: WorkingTables | None = None
        self.known = KnownGood(settings.baselines)
        self.pages = PageWeighing(settings.yara, settings.cache, settings.limits.file_bytes)
        self.yara_errors = self.pages.errors if settings.yara else ()
        self.sweep: Sweep | None = None
        if settings.indicators:
            from exopsy.detection.indicators.load import load_indicators
            from exopsy.pipeline.sweeping import Sweep, indicator_infos

            progress.stage("loading indicators")
            indicators = load_indicators(settings.indicators, cache=settings.cache)
            self.sweep = Sweep(indicators, plain=settings.plain)
            self.infos |= indicator_infos()
        self.given: list[IndicatorSet] = []
        if settings.hashes:
            from exopsy.detection.indicators.load import load_indicators

            self.given = [load_indicators(settings.hashes, cache=settings.cache)]
        swept = [] if self.sweep is None else [self.sweep.indicators]
        self.hashes = HashLists(bundle.published, [*self.given, *swept])
        self.infos |= hash_infos()

    def asked(self) -> WorkingTables:
        """Return the connection that asks the run's tables; one query at a time."""
        if self._working is None:
            self._working = WorkingTables(self.work)
        return self._working

    def close(self) -> None:
        """Close that connection."""
        if self._working is not None:
            self._working.__exit__()

    def case(self) -> CaseDocument:
        """Read, then tell, then judge."""
        reading = self.read()
        hashes = {a.path: a.sha256 for a in reading.artifacts}
        findings = number_findings(reading.findings, hashes)
        names = host_names(reading.hosts)
        self.progress.findings(len(findings))
        self.progress.stage("telling the story")
        tree = self._tree(reading, findings)
        coverage = {name: self._coverage(name, reading) for name in names}
        stories = self._stories(names, reading, findings, coverage, tree)
        number_case_wide([stories[name] for name in names])
        for name in names:
            reading.disk.fill(name, stories[name].backdoors)
        hosts = [
            self._host(name, reading, findings, stories[name], coverage[name]) for name in names
        ]
        self._final_tables(reading, tree)
        return CaseDocument(
            tool=Tool(
                version=__version__,
                content_version=__version__,
                content_sha256=self.bundle.sha256,
                options=self._options(),
            ),
            verdict=strongest([(host.name, host.verdict) for host in hosts]),
            collection=collection_info(self.collection.name, reading.artifacts),
            artifacts=[
                ArtifactEntry(
                    path=a.path,
                    kind=a.kind,
                    host=reading.hosts.get(a.path, ""),
                    size=a.size,
                    sha256=a.sha256,
                    state=a.state,
                    why=a.why,
                )
                for a in reading.artifacts
            ],
            rules=RulesInfo(
                loaded=len(self.rules.rules) + len(self.rules.aggregates) + len(self.correlations),
                unmapped=[
                    UnusableRule(id=rule.id, title=rule.title, why=rule.why)
                    for rule in self.bundle.loaded.unmapped
                ],
                failed=[
                    *unusable(self.bundle.loaded.errors),
                    *unusable(self.yara_errors),
                    *reading.failed,
                ],
            ),
            hosts=hosts,
            findings=findings,
            problems=self._problems(reading),
        )

    def _options(self) -> dict[str, object]:
        """Return what the case states of the settings: all that can change its content."""
        options = self.settings.options()
        if self.sweep is not None:
            options["indicators"] = [source.sha256 for source in self.sweep.indicators.sources]
        if self.given:
            options["hashes"] = [s.sha256 for found in self.given for s in found.sources]
        if self.known.sha256:
            options["baselines"] = self.known.sha256
        if self.settings.yara:
            options["yara"] = self.pages.sha256
        return options

    def read(self) -> Reading:
        """Scan once; then pivot until nothing new is asked for."""
        progress = SharedProgress(self.progress)
        settings, limits = self.settings, self.settings.limits
        self.progress.start(_known_size(settings.collection))
        self.progress.stage("reading the evidence")
        columns = needed_columns(self.rules.aggregates)
        plan = ScanPlan(
            settings=settings,
            bundle=self.bundle,
            correlations=self.correlations,
            columns={log: sorted(names) for log, names in sorted(columns.items())},
            sieves=self._sieves(),
            sweep=self.sweep,
            known=self.known,
            pages=self.pages,
            folder=self.work,
            digests=self.hashes.more,
        )
        with EventPool(self._order(), settings.workers) as pool:
            scanned = scan_collection(self.collection, plan, pool, progress, self._get_ready)
        artifacts = scanned.facts
        if not artifacts:
            raise CollectionError(_empty(settings.collection, self.collection))
        note_losses(artifacts)
        hosts = assign_hosts(artifacts, _hints(artifacts))
        disk = DiskState(artifacts, hosts, self.bundle.web_roots, scanned.late)
        listed = self.hashes.findings(artifacts, disk.host_of, self.bundle.web_roots)
        # A file that a list names is evidence of its host, whatever its kind.
        hosts |= {e.artifact: finding.host for finding in listed for e in finding.evidence}
        builds = build_histories(
            artifacts,
            hosts,
            facts=self.bundle.facts,
            asked_paths=self.bundle.build_marks,
            folders=self.bundle.build_folders,
        )
        scanned.add(self._settle(scanned, artifacts, hosts, builds))
        self.progress.stage("correlating")
        spools = [Path(path) for path in scanned.hits]
        correlated = correlate_hits(self.correlations, spools, self.work, limits)
        kept = {table: [*map(Path, sorted(files))] for table, files in scanned.kept.items()}
        reading = Reading(
            artifacts, hosts, [], [], [], [], scanned.untimed, correlated, disk, kept, builds
        )
        reading.match_files += map(Path, scanned.matches)
        self._judge_late(reading, scanned.late)
        self._find(reading, {log: [*map(Path, fs)] for log, fs in sorted(scanned.tables.items())})
        if self.sweep is not None:
            reading.findings += self.sweep.findings(scanned.indicators, hosts)
        reading.findings += listed
        if reading.findings and reading.match_files:
            self._pivot(reading, progress)
        fill_samples(self.collection, reading.findings, limits.sample_bytes)
        return reading

    def _judge_late(self, reading: Reading, rows: Sequence[Row]) -> None:
        """Ask the rules about rows that are about other files."""
        with MatchTable(
            self.work,
            self.bundle.mapping,
            round_number=0,
            sample_bytes=self.settings.limits.sample_bytes,
            name="match-0-late",
        ) as matches:
            judge_late(rows, reading.disk, self.rules.rules, self.rules.lists, matches)
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
        hits = HitSpool(self.work, "settled", field_needs(self.correlations), self.settings.limits)
        table = MatchTable(
            self.work,
            self.bundle.mapping,
            round_number=0,
            sample_bytes=self.settings.limits.sample_bytes,
            name="match-0-settled",
            hits=hits,
        )
        with table:
            settle_waiting(
                [Path(path) for path in scanned.waiting],
                {path: builds[host].build for path, host in hosts.items()},
                self.known,
                FileRules(self.rules.rules, self.rules.lists),
                table.batch(),
                {facts.path: facts for facts in artifacts},
            )
        return ScanResult(
            matches=[str(table.path)] if table.rows else [], hits=[*map(str, hits.paths)]
        )

    def _get_ready(self) -> None:
        """Do what will be needed after the reading, while others read."""
        self.asked()
        importlib.import_module("exopsy.reports.html")

    def _order(self) -> EventOrder:
        settings = self.settings
        return EventOrder(
            content=tuple(str(folder) for folder in settings.content),
            cache=None if settings.cache is None else str(settings.cache),
            selection=settings.selection,
            indicators=tuple(str(path) for path in settings.indicators),
            work=str(self.work),
            limits=settings.limits,
            plain=settings.plain,
        )

    def _match_table(self, number: int) -> MatchTable:
        return MatchTable(
            self.work,
            self.bundle.mapping,
            round_number=number,
            sample_bytes=self.settings.limits.sample_bytes,
        )

    def _sieves(self) -> _Sieves:
        return _Sieves(self.bundle, self.settings.cache)

    def _find(self, reading: Reading, tables: Mapping[str, Sequence[Path]]) -> None:
        """Make findings of the matched rows and of the aggregates' queries."""
        self.progress.stage("finding")
        if not reading.match_files and not tables:
            return
        working = self.asked()
        add_hosts(working, reading.hosts)
        if reading.match_files:
            activity_view(working, reading.match_files, reading.hub_names())
            silent = self.bundle.loaded.silent
            reading.findings += make_findings(working, self.infos, self.settings.limits, silent)
            reading.findings += correlation_findings(
                reading.correlated, self.infos, reading.hosts, working, silent=silent
            )
        for log, files in tables.items():
            add_log_table(working, log, files, reading.hosts)
        for aggregate in self.rules.aggregates:
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
        for number in range(1, self.settings.limits.pivot_rounds + 1):
            request = self._request(reading, asked)
            if not request:
                return
            asked.update(request)
            self.progress.stage(f"looking for {len(request)} addresses, pages and ids")
            with self._match_table(number) as matches:
                scan = PivotScan(
                    request,
                    reading.artifacts,
                    mapping=self.bundle.mapping,
                    matches=matches,
                    limits=self.settings.limits,
                    plain=self.settings.plain,
                )
                reading.hubs += scan.run(self.collection, progress, self.settings.workers)
            if matches.rows:
                reading.match_files.append(matches.path)

    def _request(self, reading: Reading, asked: set[PivotKey]) -> tuple[PivotKey, ...]:
        working = self._activities(reading)
        return next_pivot(
            reading.findings,
            read_activities(working, of=self.told),
            self.infos,
            already=asked,
            limits=self.settings.limits,
            trusted=self.settings.trusted,
            web_roots=self.bundle.web_roots,
            ignored_tokens=self.bundle.ignored_tokens,
        ).keys

    def _coverage(self, name: str, reading: Reading) -> list[Coverage]:
        own = [a for a in reading.artifacts if a.kind and reading.hosts[a.path] == name]
        specs = {spec.name: spec for spec in registry.FORMATS}
        expected = {log for c in self.bundle.chains for group in c.success_logs for log in group}
        kinds = {spec.name for spec in registry.EVENT_FORMATS}
        return [
            *cover(own, specs, expected=sorted(expected)),
            *cover_events([a for a in own if a.kind in kinds]),
            *cover_files([a for a in own if a.kind in registry.FILE_NAMES]),
        ]

    def _tree(self, reading: Reading, findings: Sequence[Finding]) -> ProcessTree | None:
        """Link the processes, and tell each finding where its process comes from."""
        if not reading.kept:
            return None
        working = self._activities(reading)
        tree = ProcessTree(working, reading.kept)
        tree.tie(self.infos, self.told)
        tree.tell(findings)
        return tree

    def _activities(self, reading: Reading) -> WorkingTables:
        """Make the rows of all rounds readable as ``activity``."""
        working = self.asked()
        add_hosts(working, reading.hosts)
        activity_view(working, reading.match_files, reading.hub_names())
        return working

    def _stories(
        self,
        names: Sequence[str],
        reading: Reading,
        findings: Sequence[Finding],
        coverage: Mapping[str, Sequence[Coverage]],
        tree: ProcessTree | None,
    ) -> dict[str, Story]:
        stories = {}
        for name in names:
            rows = ()
            if reading.match_files:
                working = self._activities(reading)
                rows = read_activities(working, host=name, of=self.told)  # type: ignore[assignment]
            ties = [] if tree is None else tree.ties(name)
            stories[name] = correlate(
                name,
                findings=findings,
                activities=rows,
                ties=ties,
                rules=self.infos,
                chains=self.bundle.chains,
                hubs=reading.hubs,
                trusted=self.settings.trusted,
                covered_logs=[c.log for c in coverage[name] if c.state != "absent"],
                web_roots=self.bundle.web_roots,
                ignored_tokens=self.bundle.ignored_tokens,
            )
        return stories

    def _host(
        self,
        name: str,
        reading: Reading,
        findings: Sequence[Finding],
        story: Story,
        coverage: list[Coverage],
    ) -> Host:
        settings, chains = self.settings, self.bundle.chains
        own = [f for f in findings if f.host == name]
        history = reading.builds[name]
        cves = sorted({cve for chain in chains for cve in chain.cves})
        exposure = assess(
            history.days,
            facts=self.bundle.facts,
            cves=cves,
            since=settings.since,
            until=settings.until,
            seen={day: SEEN[source] for day, source in history.sources.items()},
            undated=history.build,
        )
        verdict = judge(
            host=name,
            story=story,
            findings=own,
            rules=self.infos,
            coverage=coverage,
            exposure=exposure,
            chains=chains,
            since=settings.since,
            until=settings.until,
        )
        actions = recommend(
            host=name,
            verdict=verdict,
            story=story,
            findings=own,
            exposure=exposure,
            chains=chains,
            actions=load_actions(settings.content[0] / "actions"),
        )
        return Host(
            name=name,
            exchange_build=history.build,
            build_basis=history.basis,
            verdict=verdict,
            chains=story.chains,
            backdoors=story.backdoors,
            operators=story.operators,
            sessions=story.sessions,
            joins=story.joins,
            impact=story.impact,
            exposure=exposure,
            coverage=coverage,
            actions=actions,
        )

    def _problems(self, reading: Reading) -> list[str]:
        told = [f"{p.path}: {p.text}" for p in self.collection.problems]
        told += tell_losses(reading.artifacts)
        told += tell_notes(reading.artifacts)
        told += [
            f"{name}: {text}" for name, h in sorted(reading.builds.items()) for text in h.conflicts
        ]
        told += self.sweep.tell() if self.sweep is not None else []
        told += tell_lists(self.given)
        told += tell_correlation_losses(reading.correlated, self.infos)
        told += [
            f"{hub.key.kind} {hub.key.value} stands in more than {self.settings.limits.hub_rows} "
            "records; only so many of them were read for the story."
            for hub in reading.hubs
        ]
        if reading.untimed:
            told.append(
                f"{reading.untimed} suspicious records carry no readable time and are in no finding."
            )
        if self.collection.spooled_bytes:
            told.append(
                f"Up to {self.collection.spooled_bytes} bytes of archives inside archives were "
                "copied to the case folder while they were read, and deleted."
            )
        return sorted(set(told))

    def _final_tables(self, reading: Reading, tree: ProcessTree | None) -> None:
        """Write the tables of records: what rules matched or the pivot brought, and what is kept."""
        folder = self.settings.case / FOLDER
        with TableWriter(folder, "activity", TABLES["activity"]) as table:
            if reading.match_files:
                table.append_batches(activity_batches(self._activities(reading)))
        add_hosts(self.asked(), reading.hosts)
        write_cmdlets(self.asked(), reading.kept, folder)
        (tree or ProcessTree(self.asked(), {})).write(folder)


class _Sieves:
    """Compiles a log's sieve when the first artifact of it is met; shared by all threads."""

    def __init__(self, bundle: Bundle, cache: Path | None) -> None:
        self._bundle = bundle
        self._cache = cache
        self._make = lru_cache(maxsize=None)(self._compile)
        import threading

        self._lock = threading.Lock()

    def __call__(self, spec: FormatSpec) -> LogSieve:
        """Return the log's rules, compiled."""
        with self._lock:
            return self._make(spec.name)

    def _compile(self, log: str) -> LogSieve:
        rules = self._bundle.loaded.rules
        return LogSieve(
            registry.spec_of(log),
            [rule for rule in rules.rules if rule.log == log],
            rules.lists,
            hot=self._bundle.hot,
            reference=self._bundle.innocent.get(log),
            cache=self._cache,
            identity=self._bundle.identity,
        )


def _write(case: CaseDocument, folder: Path, cache: Path | None) -> None:
    from exopsy.reports.html import render_html  # while others read, where others do

    write_case_tables(case, folder / FOLDER)
    (folder / REPORT_FILE).write_text(render_html(case, cache), encoding="utf-8", newline="\n")
    (folder / CASE_FILE).write_bytes(encode_case(case))


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
