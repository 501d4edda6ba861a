"""Large event logs -> read by worker processes, range by range.

The library that reads them and the matcher hold the interpreter's lock, so threads would gain
nothing. A worker is told where things are, as JSON; it writes the matched rows into a table of its
own and answers with what it read. A worker that dies takes one range with it, not the run.
"""

from __future__ import annotations

import io
import multiprocessing
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from exopsy.core.limits import Limits
from exopsy.detection.correlations.needs import field_needs
from exopsy.detection.correlations.spool import HitSpool
from exopsy.detection.events.event_rules import EventRules
from exopsy.detection.selection import Selection
from exopsy.evidence.events.evtx_log import ranges
from exopsy.pipeline.bundle import Bundle, load_bundle
from exopsy.pipeline.event_scan import EventPart, scan_events
from exopsy.pipeline.kept_records import KeptTables
from exopsy.pipeline.matches import MatchTable
from exopsy.pipeline.script_parts import PartSpool
from exopsy.schema.event import EventLogFacts
from exopsy.schema.indicator import IndicatorSummary

if TYPE_CHECKING:
    from exopsy.pipeline.sweeping import Sweep

WORTH = 8 << 20
"""Bytes of an event log below which the start of processes costs more than it brings."""
_RANGE_CHUNKS = 256
"""16 MiB of an ``.evtx``."""


class EventOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What every worker needs to know."""

    content: tuple[str, ...]
    cache: str | None
    selection: Selection
    indicators: tuple[str, ...]
    work: str
    limits: Limits
    plain: bool


class EventTask(msgspec.Struct, frozen=True, kw_only=True):
    """One range for one worker."""

    part: EventPart
    local: str
    name: str
    """Of the table that it writes."""


class EventAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says of a range."""

    facts: EventLogFacts
    table: str = ""
    """"": nothing matched."""
    rows: int = 0
    untimed: int = 0
    failure: str = ""
    hits: list[str] = []
    """Files of hits for the correlations."""
    indicators: list[IndicatorSummary] = []
    parts: list[str] = []
    """Files of parts of scripts."""
    kept: dict[str, list[str]] = {}
    """Files of records that are kept, by table."""


def rules_of(bundle: Bundle, cache: Path | None) -> EventRules:
    """Return the rules for event logs of some content, ready to run."""
    loaded = bundle.loaded.rules
    return EventRules(
        loaded.rules,
        loaded.lists,
        innocent=bundle.innocent_events,
        cache=cache,
        identity=bundle.identity,
    )


Waiting = tuple[EventTask, "Future[bytes] | None", "ProcessPoolExecutor | None"]
Reading = list[Waiting]


class EventPool:
    """Worker processes, started when the first large event log is met; a context manager."""

    def __init__(self, order: EventOrder, workers: int) -> None:
        self.takes_small = False
        """It reads small logs too, since there are large ones."""
        self._order = order
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Nothing is started yet."""
        return self

    def __exit__(self, *stop: object) -> None:
        """Let the workers go."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def begin(self, local: Path, artifact: str, kind: str, name: str) -> Reading:
        """Begin to read a file on disk, whole or in ranges.

        Args:
            local: the file.
            artifact: its path inside the collection.
            kind: of event log.
            name: for the tables that the workers write; no other artifact's.

        Raises:
            OSError: it can't be opened.
        """
        parts = [EventPart(artifact=artifact, kind=kind)]
        size = local.stat().st_size
        if kind == "evtx" and size > WORTH:
            with local.open("rb") as stream:
                parts = [
                    EventPart(artifact=artifact, kind=kind, start=start, stop=stop)
                    for start, stop in ranges(stream, size, chunks=_RANGE_CHUNKS)
                ]
        tasks = [
            EventTask(part=part, local=str(local), name=f"{name}-{number}")
            for number, part in enumerate(parts)
        ]
        return [self._submit(task) for task in tasks]

    def finish(self, reading: Reading) -> list[EventAnswer]:
        """Wait for the answers, in order; of a range that killed its worker twice nothing is read."""
        return [self._answer(*waiting) for waiting in reading]

    def _submit(self, task: EventTask) -> Waiting:
        encoded = msgspec.json.encode(task)
        with self._lock:
            for _ in range(2):
                if self._pool is None:
                    self._pool = self._start(self._workers)
                try:
                    return (task, self._pool.submit(_work, encoded), self._pool)
                except BrokenProcessPool:
                    self._pool = None
        return (task, None, None)

    def _answer(
        self, task: EventTask, future: Future[bytes] | None, pool: ProcessPoolExecutor | None
    ) -> EventAnswer:
        try:
            if future is not None:
                return msgspec.json.decode(future.result(), type=EventAnswer)
        except BrokenProcessPool:
            pass
        # Some range killed a worker, and all that waited there are lost with it: alone, once more.
        with self._lock:
            if self._pool is pool:  # another thread may have a new one by now
                self._pool = None
        try:
            with self._start(1) as alone:
                encoded = alone.submit(_work, msgspec.json.encode(task)).result()
        except BrokenProcessPool:
            start, stop = task.part.start, task.part.stop
            return EventAnswer(
                facts=EventLogFacts(),
                failure=f"the process that read bytes {start} to {stop or 'the end'} died",
            )
        return msgspec.json.decode(encoded, type=EventAnswer)

    def _start(self, workers: int) -> ProcessPoolExecutor:
        # fork would copy locks that other threads may hold
        return ProcessPoolExecutor(
            workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(msgspec.json.encode(self._order),),
        )


_here: tuple[EventOrder, Bundle, EventRules, Sweep | None] | None = None


def _begin(order: bytes) -> None:
    global _here
    told = msgspec.json.decode(order, type=EventOrder)
    cache = None if told.cache is None else Path(told.cache)
    bundle = load_bundle([Path(folder) for folder in told.content], cache, told.selection)
    sweep = None
    if told.indicators:
        from exopsy.detection.indicators.load import load_indicators
        from exopsy.pipeline.sweeping import Sweep

        files = [Path(path) for path in told.indicators]
        sweep = Sweep(load_indicators(files, cache=cache), plain=told.plain)
    _here = (told, bundle, rules_of(bundle, cache), sweep)


def _work(encoded: bytes) -> bytes:
    assert _here is not None
    order, bundle, rules, sweep = _here
    task = msgspec.json.decode(encoded, type=EventTask)
    folder = Path(order.work)
    hits = HitSpool(folder, task.name, field_needs(bundle.loaded.correlations), order.limits)
    kept = KeptTables(folder, task.name)
    matches = MatchTable(
        folder,
        bundle.mapping,
        round_number=0,
        sample_bytes=order.limits.sample_bytes,
        name=task.name,
        hits=hits,
        kept=kept,
    )
    facts, failure = EventLogFacts(), ""
    swept = None
    if sweep is not None:
        from exopsy.pipeline.sweeping import EventSweep

        swept = EventSweep(sweep, task.part.artifact)
    parts = PartSpool(folder / f"parts-{task.name}.jsonl")
    with matches, parts:
        try:
            with io.FileIO(task.local) as stream:
                stream.seek(task.part.start)
                scan_events(
                    stream,
                    task.part,
                    facts,
                    rules,
                    matches,
                    parts,
                    plain=order.plain,
                    sweep=swept,
                    kept=kept,
                )
        except OSError as error:
            failure = str(error)
    answer = EventAnswer(
        facts=facts,
        table=str(matches.path) if matches.rows else "",
        rows=matches.rows,
        untimed=matches.untimed,
        failure=failure,
        hits=[str(path) for path in hits.paths],
        indicators=[] if swept is None else swept.finish(),
        parts=[str(path) for path in parts.paths],
        kept=kept.files,
    )
    return msgspec.json.encode(answer)
