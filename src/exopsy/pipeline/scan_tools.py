"""What one process needs to read members of a collection, and what it brings back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from exopsy.detection.correlations.correlation import Correlation
from exopsy.detection.correlations.needs import field_needs
from exopsy.detection.correlations.spool import HitSpool
from exopsy.evidence import registry
from exopsy.pipeline.bundle import Bundle
from exopsy.pipeline.column_table import ColumnTable
from exopsy.pipeline.event_pool import EventPool
from exopsy.pipeline.event_reading import EventReading
from exopsy.pipeline.file_reading import FileReading
from exopsy.pipeline.kept_records import KeptTables
from exopsy.pipeline.known_good import KnownGood, WaitingRows
from exopsy.pipeline.matches import MatchTable
from exopsy.pipeline.page_weighing import PageWeighing
from exopsy.pipeline.scan import Work
from exopsy.pipeline.settings import RunSettings
from exopsy.pipeline.sieving import LogSieve
from exopsy.schema.artifact import ArtifactFacts
from exopsy.schema.format import FormatSpec
from exopsy.schema.indicator import IndicatorSummary
from exopsy.schema.row import Row

if TYPE_CHECKING:
    from exopsy.pipeline.sweeping import Sweep


class ScanResult(msgspec.Struct, kw_only=True):
    """What reading some members brought: facts, and where the rows lie."""

    facts: list[ArtifactFacts] = []
    matches: list[str] = []
    """Files of matched rows."""
    tables: dict[str, list[str]] = {}
    """Log -> files of its columns for aggregates."""
    hits: list[str] = []
    """Files of hits for correlations."""
    untimed: int = 0
    indicators: list[tuple[str, IndicatorSummary]] = []
    late: list[Row] = []
    """Rows of files that are judged when the whole collection is known."""
    kept: dict[str, list[str]] = {}
    """Files of records that are kept whatever the rules say, by table."""
    waiting: list[str] = []
    """Files of rows that wait for what is known at the end."""

    def add(self, other: ScanResult) -> None:
        """Take in what another process brought."""
        self.facts += other.facts
        self.matches += other.matches
        for log, files in other.tables.items():
            self.tables.setdefault(log, []).extend(files)
        self.hits += other.hits
        self.untimed += other.untimed
        self.indicators += other.indicators
        self.late += other.late
        for table, files in other.kept.items():
            self.kept.setdefault(table, []).extend(files)
        self.waiting += other.waiting


class ScanPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the processes of one run have in common."""

    settings: RunSettings
    bundle: Bundle
    correlations: tuple[Correlation, ...]
    columns: Mapping[str, Sequence[str]]
    """Log -> columns that aggregates need."""
    sieves: Callable[[FormatSpec], LogSieve]
    sweep: Sweep | None
    known: KnownGood
    pages: PageWeighing
    folder: Path
    """Of the run."""
    digests: tuple[str, ...] = ()
    """Computed beside SHA-256."""


class ScanTools:
    """The tables and readers of one process; a context manager around its files.

    Args:
        plan: of the run.
        name: tells the files of processes apart.
        pool: reads large event logs; None: they are read here.
    """

    def __init__(self, plan: ScanPlan, name: str, pool: EventPool | None) -> None:
        settings, folder = plan.settings, plan.folder
        self._sweep = None if plan.sweep is None else plan.sweep.fresh()
        self._hits = HitSpool(folder, name, field_needs(plan.correlations), settings.limits)
        self._kept = KeptTables(folder, name)
        self._matches = MatchTable(
            folder,
            plan.bundle.mapping,
            round_number=0,
            sample_bytes=settings.limits.sample_bytes,
            name=f"match-0-{name}",
            hits=self._hits,
            kept=self._kept,
        )
        self._tables = {
            log: ColumnTable(folder, registry.spec_of(log), names, name=name)
            for log, names in plan.columns.items()
        }
        self._events = EventReading(
            plan.bundle,
            pool,
            self._matches,
            cache=settings.cache,
            folder=folder,
            plain=settings.plain,
            sweep=self._sweep,
            kept=self._kept,
        )
        self._waiting = WaitingRows(folder, name)
        self._stack = ExitStack()
        self.work = Work(
            sieves=plan.sieves,
            matches=self._matches,
            tables=self._tables,
            limits=settings.limits,
            plain=settings.plain,
            build_marks=plan.bundle.build_marks,
            events=self._events,
            sweep=self._sweep,
            files=FileReading(
                plan.bundle.loaded.rules.rules,
                plan.bundle.loaded.rules.lists,
                self._matches,
                settings.limits,
                enrich={
                    "web-page": [plan.known.known_good_fields, plan.pages.page_fields],
                },
                waiting=self._waiting,
                interest=plan.bundle.disk_places.interest,
                digests=plan.digests,
            ),
            digests=plan.digests,
        )

    def __enter__(self) -> Self:
        """Nothing is written before the first row."""
        self._stack.enter_context(self._matches)
        self._stack.callback(self._waiting.close)
        for table in self._tables.values():
            self._stack.enter_context(table)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the files, or take away what was begun."""
        self._stack.__exit__(kind, error, trace)

    def result(self, facts: list[ArtifactFacts]) -> ScanResult:
        """Say what was brought; once the context is left."""
        events, sweep = self._events, self._sweep
        kept: dict[str, list[str]] = {}
        for files in (self._kept.files, *events.kept):
            for table, paths in files.items():
                kept.setdefault(table, []).extend(paths)
        return ScanResult(
            facts=facts,
            matches=[
                *([str(self._matches.path)] if self._matches.rows else []),
                *map(str, events.tables),
            ],
            tables={log: [str(t.path)] for log, t in self._tables.items() if t.rows},
            hits=[*map(str, self._hits.paths), *map(str, events.hits)],
            untimed=self._matches.untimed + events.untimed,
            indicators=[] if sweep is None else sweep.taken(),
            late=[] if self.work.files is None else self.work.files.late,
            kept=kept,
            waiting=[str(self._waiting.path)] if self._waiting.rows else [],
        )
