"""Every member of a collection, read once -> facts, matched rows, columns for aggregates.

Plain files are read by several threads (hashing, the automaton and the counting release the
interpreter's lock); members of archives one after the other, as they come.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

import msgspec

from exopsy.core.digests import Digests
from exopsy.core.limits import Limits
from exopsy.detection.matcher import RowView
from exopsy.evidence import registry
from exopsy.evidence.byte_classes import BlockClassifier
from exopsy.pipeline.blocks import BLOCK, Block, BlockReader
from exopsy.pipeline.column_table import ColumnCollector, ColumnTable
from exopsy.pipeline.event_reading import EventReading
from exopsy.pipeline.file_reading import FileReading
from exopsy.pipeline.matches import MatchTable
from exopsy.pipeline.progress import SharedProgress
from exopsy.pipeline.sieving import ArtifactMatcher, LogSieve, pieces
from exopsy.schema.artifact import ArtifactFacts
from exopsy.schema.columns import COLUMNS
from exopsy.schema.format import FormatSpec, Layout
from exopsy.schema.row import Origin, Row, Skipped
from exopsy.sources.collection import Collection
from exopsy.sources.layout import site_hint
from exopsy.sources.member import Member

if TYPE_CHECKING:
    from exopsy.pipeline.sweeping import LogSweep, Sweep

_Done = TypeVar("_Done")
HEAD = 1 << 16
FIRST_LOOK = 4 << 10
"""A header stands at the beginning; what has none is looked at longer."""
_VERSION_COLUMNS = ("MajorVersion", "MinorVersion", "BuildVersion", "RevisionVersion")


class Work(msgspec.Struct, frozen=True):
    """What is done with every artifact of a run."""

    sieves: Callable[[FormatSpec], LogSieve]
    matches: MatchTable
    tables: Mapping[str, ColumnTable]
    limits: Limits
    plain: bool
    build_marks: Mapping[str, re.Pattern[bytes]]
    """Log -> pattern with one group that finds a build in its records."""
    events: EventReading | None = None
    """None: event logs are left unread."""
    sweep: Sweep | None = None
    """Indicators, where there are any."""
    digests: tuple[str, ...] = ()
    """Computed beside SHA-256."""
    files: FileReading | None = None
    """None: files that are no logs are left unread."""


def for_each_member(
    collection: Collection, work: Callable[[Member], ArtifactFacts | None], workers: int
) -> list[ArtifactFacts]:
    """Run ``work`` over all members: archives in order, plain files in parallel, largest first."""
    local: list[Member] = []
    facts: list[ArtifactFacts | None] = []
    for member in collection.members():
        if member.local is None:
            facts.append(work(member))
        else:
            local.append(member)
    facts += by_threads(largest_first(local), work, workers)
    return sorted((f for f in facts if f is not None), key=lambda f: f.path)


def largest_first(members: Iterable[Member]) -> list[Member]:
    """Order members such that no large one is left to the end."""
    return sorted(members, key=lambda m: (-(m.size or 0), m.path))


def by_threads(
    members: Sequence[Member], work: Callable[[Member], _Done], workers: int
) -> list[_Done]:
    """Run ``work`` over members, several at the same time; results are in their order."""
    if workers <= 1:
        return list(map(work, members))
    with ThreadPoolExecutor(workers, thread_name_prefix="scan") as pool:
        return list(pool.map(work, members))


def scan_member(member: Member, work: Work, progress: SharedProgress) -> ArtifactFacts:
    """Read one artifact.

    Raises:
        OSError: it can't be opened.
    """
    facts = _scan(member, work, progress)
    facts.modified, facts.created = member.modified, member.created
    return facts


def _scan(member: Member, work: Work, progress: SharedProgress) -> ArtifactFacts:
    with member.open() as opened:
        stream = Begun(opened, FIRST_LOOK)
        if work.events is not None and stream.failure is None:
            spec = registry.recognise_events(stream.head, member.path)
            if spec is not None:
                return work.events.read(member, stream, spec, progress)
        if work.files is not None:
            spec = registry.recognise_file(stream.head, member.path)
            if spec is not None:
                return work.files.read(member, stream, spec, progress)
        scan = _PlainScan(member, work) if work.plain else _SievedScan(member, work)
        failure = scan.read(stream, progress)
    return scan.facts(failure)


class Begun(io.RawIOBase):
    """A raw stream whose first bytes have been looked at, and are given once more."""

    def __init__(self, stream: io.RawIOBase, size: int) -> None:
        """Read the first ``size`` bytes; a failure comes up again when they have been given."""
        self._stream = stream
        self.failure: OSError | None = None
        head = bytearray(size)
        filled = 0
        with memoryview(head) as view:
            while filled < size:
                try:
                    count = stream.readinto(view[filled:])
                except OSError as error:
                    self.failure = error
                    break
                if not count:
                    break
                filled += count
        self.head = bytes(head[:filled])
        self._given = 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Give what was looked at first, then go on."""
        view = memoryview(buffer)
        piece = self.head[self._given : self._given + len(view)]
        view[: len(piece)] = piece
        self._given += len(piece)
        if len(piece) == len(view):
            return len(piece)
        if self.failure is not None:
            if piece:
                return len(piece)
            raise self.failure
        try:
            return len(piece) + (self._stream.readinto(view[len(piece) :]) or 0)
        except OSError as error:
            if not piece:
                raise
            self.failure = error
            return len(piece)


class _ArtifactScan:
    """What both ways of reading an artifact share."""

    def __init__(self, member: Member, work: Work) -> None:
        self.member = member
        self.work = work
        self.digest = Digests(work.digests)
        self.spec: FormatSpec | None = None
        self.classifier: BlockClassifier | None = None
        self.site = site_hint(member.path)
        self.size = 0
        self.servers: list[str] = []
        self.builds: dict[str, str] = {}

    def begin(self, head: bytes) -> bool:
        """Recognise the artifact by its first bytes; say whether it is evidence."""
        self.spec = registry.recognise(head[:FIRST_LOOK], self.member.path)
        if self.spec is None and len(head) > FIRST_LOOK:
            self.spec = registry.recognise(head, self.member.path)
        if self.spec is None:
            return False
        self.classifier = BlockClassifier(self.spec, self.work.limits.record_bytes)
        return True

    def sample(self, data: bytes, layout: Layout) -> None:
        """Learn server and build from the first record that can be parsed in some bytes."""
        assert self.spec is not None
        parser = registry.load(self.spec)
        origin = Origin(artifact=self.member.path, offset=0, line=0)
        for line in data.split(b"\n", 64)[:64]:
            for _, piece in pieces(line):
                if parser.is_header(piece):
                    layout = parser.read_header(piece, layout)
                    continue
                row = parser.parse_record(piece, layout, origin, "")
                if isinstance(row, Row):
                    self._learn(row, data)
                    return

    def _learn(self, row: Row, data: bytes) -> None:
        assert self.spec is not None
        for column in (self.spec.server_column, "s-computername"):
            if column and (name := row.fields.get(column)):
                self.servers.append(name)
                break
        if row.timestamp is None:
            return
        day = f"{row.timestamp:%Y-%m-%d}"
        version = [row.fields.get(column, "") for column in _VERSION_COLUMNS]
        if all(v.isascii() and v.isdigit() and len(v) < 6 for v in version):
            self.builds.setdefault(day, ".".join(str(int(v)) for v in version))
        mark = self.work.build_marks.get(self.spec.name)
        if mark is not None and (found := mark.search(data)):
            self.builds.setdefault(day, found[1].decode("ascii", "replace"))

    def swept(self) -> LogSweep | None:
        """Return the sweep of this artifact; None where nothing is asked for."""
        assert self.spec is not None
        assert self.classifier is not None
        if self.work.sweep is None:
            return None
        from exopsy.pipeline.sweeping import LogSweep  # costs nothing where nobody asks

        return LogSweep(self.work.sweep, self.member.path, self.spec, self.classifier.tracker)

    def _lacks_columns(self) -> bool:
        """Say whether no header ever named the columns that its records need."""
        assert self.spec is not None
        assert self.classifier is not None
        known = COLUMNS[self.spec.name]
        return known.csv and known.separated and not self.classifier.tracker.latest.columns

    def facts(self, failure: OSError | None) -> ArtifactFacts:
        """Return what was learnt."""
        known = self.member.size
        missing = max(0, known - self.size) if failure is not None and known is not None else 0
        found = ArtifactFacts(
            path=self.member.path,
            kind="" if self.spec is None else self.spec.name,
            host="",
            size=self.size + missing,
            sha256=self.digest.hexdigest() if failure is None else None,
            state="not-evidence" if self.spec is None else "read",
            site=self.site,
            servers=self.servers,
            hashes=self.digest.more() if failure is None else {},
        )
        if self.classifier is not None:
            self.classifier.finish()
            found.classes = self.classifier.classes
            found.classes.unread += missing
            found.lines = self.classifier.lines
            found.spans = list(self.classifier.spans)
            found.builds = {**self.builds, **self.classifier.builds}
            if self._lacks_columns():
                found.skipped = {"no-columns": found.lines}
        if failure is not None:
            found.state = "partial" if self.size else "failed"
            found.why = f"Its reading stopped after {self.size} bytes: {failure}."
        return found


class _SievedScan(_ArtifactScan):
    """The fast path."""

    def read(self, stream: io.RawIOBase, progress: SharedProgress) -> OSError | None:
        """Read the stream to its end; return the error that ended it, if one did."""

        def seen(view: memoryview) -> None:
            self.digest.update(view)
            progress.advance(view)

        reader = BlockReader(stream, seen, record_bytes=self.work.limits.record_bytes + 2)  # type: ignore[arg-type]
        failure: OSError | None = None
        blocks = reader.blocks()
        try:
            first = next(blocks, None)
            if first is not None and self.begin(bytes(first.data[: min(first.size, HEAD)])):
                self._evidence(first, blocks)
            else:
                for _ in blocks:
                    pass
        except OSError as error:
            failure = error
        self.size = reader.size
        return failure

    def _evidence(self, first: Block, blocks: Iterator[Block]) -> None:
        assert self.spec is not None
        assert self.classifier is not None
        log = self.work.sieves(self.spec)
        matcher = ArtifactMatcher(log, artifact=self.member.path, limits=self.work.limits)
        batch = self.work.matches.batch()
        table = self.work.tables.get(self.spec.name)
        collector = (
            None
            if table is None
            else ColumnCollector(table, self.member.path, self.work.limits.record_bytes)
        )
        self.sample(bytes(first.data[: min(first.size, BLOCK)]), Layout())
        sweep = self.swept()
        try:
            for block in _chain(first, blocks):
                starts = self.classifier.feed_buffer(block.data, block.size, block.base)
                for match in matcher.feed(block, starts):
                    batch.add(match.row, match.view, self.site, match.matched)
                if collector is not None:
                    collector.feed(block)
                if sweep is not None:
                    sweep.feed(block.data, block.size, block.base, starts.lines)
        finally:
            batch.flush()
            if sweep is not None:
                sweep.finish()
            if collector is not None:
                collector.flush()


class _PlainScan(_ArtifactScan):
    """The definition: every record parsed, every rule evaluated."""

    def read(self, stream: io.RawIOBase, progress: SharedProgress) -> OSError | None:
        """Read the stream to its end; return the error that ended it, if one did."""
        observed = _Observed(stream, self, progress)
        buffered = io.BufferedReader(observed, buffer_size=BLOCK)
        try:
            if self.begin(buffered.peek(HEAD)[:HEAD]):
                assert self.classifier is not None
                self.sample(buffered.peek(BLOCK), Layout())
                observed.classify()
                self._evidence(cast("BinaryIO", buffered))
            while buffered.read(BLOCK):
                pass
            if self.spec is not None and (sweep := self.swept()) is not None:
                self._sweep(sweep)
        except OSError as error:
            return error
        return None

    def _sweep(self, sweep: LogSweep) -> None:
        """Read once more, for every indicator in every line."""
        try:
            with self.member.open() as stream:
                most = self.work.limits.record_bytes + 2
                reader = BlockReader(cast("BinaryIO", stream), len, record_bytes=most)
                for block in reader.blocks():
                    lines = block.data.count(b"\n", 0, block.size)
                    sweep.feed(block.data, block.size, block.base, lines)
        finally:
            sweep.finish()

    def _evidence(self, stream: BinaryIO) -> None:
        assert self.spec is not None
        log = self.work.sieves(self.spec)
        batch = self.work.matches.batch()
        table = self.work.tables.get(self.spec.name)
        collector = (
            None
            if table is None
            else ColumnCollector(table, self.member.path, self.work.limits.record_bytes)
        )
        try:
            items = log.parser.parse(
                stream,
                artifact=self.member.path,
                host="",
                record_bytes=self.work.limits.record_bytes,
            )
            for item in items:
                if isinstance(item, Skipped):
                    continue
                view = RowView(item)
                matched = [(m, grade) for m in log.matchers if (grade := m.match(view)) is not None]
                if matched:
                    batch.add(item, view, self.site, matched)
                if collector is not None:
                    collector.add(item)
        finally:
            batch.flush()
            if collector is not None:
                collector.flush()


class _Observed(io.RawIOBase):
    """A raw stream whose bytes are hashed and classified as they are read."""

    def __init__(self, stream: io.RawIOBase, scan: _ArtifactScan, progress: SharedProgress) -> None:
        self._stream = stream
        self._scan = scan
        self._progress = progress
        self._held: list[bytes] | None = []

    def readable(self) -> bool:
        """It can be read."""
        return True

    def classify(self) -> None:
        """Classify from now on, and what was read before."""
        held, self._held = self._held or [], None
        base = 0
        for piece in held:
            self._feed(piece, base)
            base += len(piece)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read, hash, count."""
        count = self._stream.readinto(buffer) or 0
        view = memoryview(buffer)[:count]
        self._scan.digest.update(view)
        self._progress.advance(view)
        if self._scan.classifier is not None and self._held is None:
            self._feed(bytes(view), self._scan.size)
        elif self._held is not None and self._scan.size < BLOCK:
            self._held.append(bytes(view))
        self._scan.size += count
        return count

    def _feed(self, data: bytes, base: int) -> None:
        assert self._scan.classifier is not None
        if data:
            self._scan.classifier.feed(data, base)


def _chain(first: Block, rest: Iterable[Block]) -> Iterator[Block]:
    yield first
    yield from rest
