"""One log's rules over an artifact's blocks -> the rows that match: the fast path.

Candidates come from the automaton, header lines among them; each is parsed with the layout in force
at its place, and the matcher decides. Framing here is its own code: tests hold it against
``evidence.framing``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np

from exopsy.core.limits import Limits
from exopsy.detection.matcher import Matcher, RowView, normalise
from exopsy.detection.rule import Rule, ValueList
from exopsy.detection.sieve.database import Sieve
from exopsy.detection.sieve.literals import Reference
from exopsy.detection.sieve.scanner import Automaton, Candidate, scanner_of
from exopsy.evidence import registry
from exopsy.evidence.byte_classes import BlockClassifier, LineStarts
from exopsy.pipeline.blocks import BLOCK, Block, BlockReader
from exopsy.schema.case import Grade
from exopsy.schema.columns import COLUMNS
from exopsy.schema.format import FormatSpec, Layout
from exopsy.schema.row import Origin, Row

_RUN = re.compile(rb"\0{8,}")
_NEWLINE = 10
_LONG = 4_096
_LEAD = re.compile(rb"(?:\xef\xbb\xbf|\0)*")


class Match(msgspec.Struct):
    """A row with the rules that it matched."""

    row: Row
    view: RowView | None
    matched: list[tuple[Matcher, Grade]]


class LogSieve:
    """The rules of one log, compiled; shared by all threads."""

    def __init__(
        self,
        spec: FormatSpec,
        rules: Sequence[Rule],
        lists: Mapping[str, ValueList],
        *,
        hot: frozenset[str] = frozenset(),
        reference: Reference | None = None,
        cache: Path | None = None,
        identity: str = "",
    ) -> None:
        self.spec = spec
        self.parser = registry.load(spec)
        self.lists = lists
        self.matchers = [Matcher(rule, lists) for rule in rules]
        self.sieve = Sieve(
            spec.name,
            rules,
            lists,
            hot=hot,
            reference=reference,
            cache=cache,
            identity=identity,
        )


class RecordFinder:
    """Follows one artifact's blocks: finds candidate records and the layout each is read with."""

    def __init__(
        self, parser: registry.Parser, automaton: Automaton, *, artifact: str, record_bytes: int
    ) -> None:
        """Prepare; of a record longer than ``record_bytes`` only so much is given."""
        self._parser = parser
        self._most = record_bytes
        self._scanner = scanner_of(automaton)
        self._automaton = automaton
        self._artifact = artifact
        self.layout = Layout()
        self._line = 1  # number of the line at which the next block starts
        self._block: Block | None = None
        self._at, self._number = 0, 1  # a place in that block, and the number of its line

    def records(
        self, block: Block, starts: LineStarts | None = None
    ) -> Iterator[tuple[Candidate, bytes, int]]:
        """Yield candidate records (headers are taken in, not yielded) in order, and where they are.

        The place is an offset in the block; ``origin`` makes more of it, which costs more.

        Args:
            block: the next block of the artifact.
            starts: what somebody has seen of its lines already; without it, headers are looked for
                with all patterns.
        """
        data, size, most = block.data, block.size, self._most
        self._block, self._at, self._number = block, 0, self._line
        skip_until = data.find(b"\n", 0, size) + 1 if block.is_rest else 0
        if block.is_rest and not skip_until:
            skip_until = size
        odd = self._odd(starts)
        for candidate in self._all(data, size, odd, first_is_record=not block.is_rest):
            if candidate.start < skip_until:
                continue
            line = bytes(data[candidate.start : min(candidate.end, candidate.start + most + 2)])
            for shift, whole in pieces(line):
                piece = whole[:most]
                if self._parser.is_header(piece):
                    self.layout = self._parser.read_header(piece, self.layout)
                    continue
                yield candidate, piece, candidate.start + shift
        self._line += _line_ends(data, 0, size) if starts is None else starts.lines

    def origin(self, candidate: Candidate, place: int) -> Origin:
        """Say where the candidate that was yielded last lies."""
        assert self._block is not None
        self._number += _line_ends(self._block.data, self._at, candidate.start)
        self._at = candidate.start
        return Origin(artifact=self._artifact, offset=self._block.base + place, line=self._number)

    def _odd(self, starts: LineStarts | None) -> AbstractSet[int] | None:
        """Return the lines that may be headers, if triggers are enough for the others."""
        if starts is None or starts.odd is None:
            return None
        neighbours = self._automaton.neighbours
        if not neighbours:
            return frozenset(starts.odd)
        # A header inside the block may bring another order of columns.
        if starts.odd or not neighbours <= {*pairwise(self.layout.columns)}:
            return None
        return frozenset()

    def _all(
        self, data: bytearray, size: int, odd: AbstractSet[int] | None, *, first_is_record: bool
    ) -> Iterator[Candidate]:
        """Yield candidates, and the first line where it may be a header (no line end before it)."""
        first = None
        if first_is_record and size and not 0x30 <= data[0] <= 0x39:
            stop = data.find(b"\n", 0, size)
            first = Candidate(0, size if stop < 0 else stop, set())
        for candidate in self._candidates(data, size, odd):
            if first is not None:
                if candidate.start:
                    yield first
                first = None
            yield candidate
        if first is not None:
            yield first

    def _candidates(
        self, data: bytearray, size: int, odd: AbstractSet[int] | None
    ) -> Iterator[Candidate]:
        """Yield candidates; a record longer than what is looked at is always one."""
        candidates = self._scanner.candidates(data, size, odd)
        if size <= self._most:
            yield from candidates
            return
        found = {candidate.start: candidate for candidate in candidates}
        start = 0
        while size - start > self._most:
            stop = data.find(b"\n", start, size)
            stop = size if stop < 0 else stop
            if stop - start > self._most:
                found.setdefault(start, Candidate(start, stop, set())).is_long = True
            start = stop + 1
        yield from (found[start] for start in sorted(found))


class ArtifactMatcher:
    """Runs a log's rules over one artifact, block by block."""

    def __init__(self, log: LogSieve, *, artifact: str, limits: Limits) -> None:
        self._log = log
        self._finder = RecordFinder(
            log.parser, log.sieve, artifact=artifact, record_bytes=limits.record_bytes
        )
        self._rejecter = Rejecter(log)
        self._all_rules = tuple(range(len(log.matchers)))
        self.candidates = 0
        """Records that were parsed."""

    @property
    def layout(self) -> Layout:
        """The layout in force behind the last block."""
        return self._finder.layout

    def feed(self, block: Block, starts: LineStarts | None = None) -> Iterator[Match]:
        """Yield the rows of a block that match some rule."""
        parse, matchers, rules_of = (
            self._log.parser.parse_record,
            self._log.matchers,
            self._log.sieve.rules_of,
        )
        for candidate, raw, place in self._finder.records(block, starts):
            indexes = self._all_rules if candidate.is_long else rules_of(candidate.patterns)
            if not indexes or self._rejecter.rejects(candidate, raw, self._finder.layout):
                continue
            self.candidates += 1
            origin = self._finder.origin(candidate, place)
            row = parse(raw, self._finder.layout, origin, "")
            if not isinstance(row, Row):
                continue
            view = RowView(row)
            matched = [
                (matchers[index], grade)
                for index in indexes
                if (grade := matchers[index].match(view)) is not None
            ]
            if matched:
                yield Match(row, view, matched)


class Rejecter:
    """Looks a candidate's value up on its bytes, before parsing.

    A candidate whose every pattern comes from rules that exclude a list of values (the pages that a
    build ships) can't match when the field's bytes are one of those values as they are. Only for
    logs whose fields are separated by single spaces, and only when the record has exactly as many
    fields as columns, so that there is no doubt which is which.
    """

    def __init__(self, log: LogSieve) -> None:
        self._patterns = log.sieve.patterns
        self._lists = log.lists
        self._works = (
            not COLUMNS[log.spec.name].csv
            and not log.sieve.unsievable
            and any(p.unless for p in self._patterns)
        )
        self._columns: tuple[str, ...] = ()
        self._index: dict[str, int] = {}

    def rejects(self, candidate: Candidate, raw: bytes, layout: Layout) -> bool:
        """Say whether the record certainly matches nothing."""
        if not self._works or candidate.is_long:
            return False
        patterns = [self._patterns[index] for index in candidate.patterns]
        needed = {(p.field, p.unless) for p in patterns if p.kind != "header"}
        if len(needed) != 1:
            return False
        field, unless = next(iter(needed))
        if not unless:
            return False
        if layout.columns is not self._columns:
            self._columns = layout.columns
            self._index = {name: index for index, name in enumerate(layout.columns)}
        index = self._index.get(field)
        values = raw.split(b" ")
        if index is None or len(values) != len(self._columns):
            return False
        value = values[index]
        if b"%" in value or b"+" in value or not value.isascii():
            return False
        known = self._lists[unless]
        text = value.decode("ascii").lower()
        return text in known.values or normalise(text, known.normalise) in known.values


def _line_ends(data: bytearray, start: int, stop: int) -> int:
    """Count line ends; over long stretches numpy is ten times as quick as ``bytes.count``."""
    if stop - start < _LONG:
        return data.count(b"\n", start, stop)
    view = np.frombuffer(data, dtype=np.uint8, count=stop - start, offset=start)
    return int(np.count_nonzero(view == _NEWLINE))


def pieces(line: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield what a line (without its end) holds: offset in it and bytes, blank ones left out.

    Runs of NUL bytes, which a crash leaves, stand between two pieces.
    """
    if b"\0" not in line:
        yield from _piece(line, 0, len(line))
        return
    start = 0
    for run in _RUN.finditer(line):
        yield from _piece(line, start, run.start())
        start = run.end()
    yield from _piece(line, start, len(line))


def _piece(line: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    lead = _LEAD.match(line, start, end)
    start = lead.end() if lead else start
    text = line[start:end].rstrip(b"\0\r\n")
    if text:
        yield start, text


def scan_bytes(
    data: bytes, log: LogSieve, *, limits: Limits, block_bytes: int = BLOCK, known: bool = True
) -> Iterator[Match]:
    """Run a log's rules over an artifact that is in memory (rule tests).

    Args:
        data: the artifact.
        log: the rules.
        limits: how much of a record is looked at.
        block_bytes: size of a block.
        known: look at the starts of lines beforehand, as a scan does.
    """
    matcher = ArtifactMatcher(log, artifact="test", limits=limits)
    classifier = BlockClassifier(log.spec, limits.record_bytes)
    reader = BlockReader(
        io.BytesIO(data), len, record_bytes=limits.record_bytes + 2, block_bytes=block_bytes
    )
    for block in reader.blocks():
        starts = classifier.feed_buffer(block.data, block.size, block.base)
        yield from matcher.feed(block, starts if known else None)
