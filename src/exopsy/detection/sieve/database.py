"""All rules of one log format -> one automaton; a block of bytes -> candidate records.

The automaton reports end offsets only (start offsets cost too much); the record around each is
found by its line ends. Matching itself is not decided here: a candidate is parsed, and the plain
matcher has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, Protocol

import hyperscan
import msgspec

from exopsy.detection.rule import Rule, ValueList
from exopsy.detection.sieve import literals
from exopsy.detection.sieve.encodings import markers, pattern_of
from exopsy.detection.sieve.exclusion import excluding_pattern
from exopsy.schema.columns import COLUMNS, Codec, LogColumns

FLAGS = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_DOTALL
NEWLINE = 10


class Candidate(msgspec.Struct):
    """One record that may match."""

    start: int
    """Offset of its first byte in the block."""
    end: int
    """Offset behind its last byte, line end left out."""
    patterns: set[int]


class Pattern(msgspec.Struct, frozen=True):
    """One necessary pattern and the rules that need it."""

    regex: str
    kind: Literal["rule", "marker", "header"] = "rule"
    """A marker stands for all rules; a header line changes how the records after it are read."""
    rules: tuple[int, ...] = ()
    """Indexes into the sieve's rules."""
    field: str = ""
    unless: str = ""
    """Name of a list: see ``literals.Literal.unless``."""


HEADER = Pattern(r"[\n\x00\xbf][#a-z]", kind="header")
"""A line that does not start with a digit: all records do. (0xBF ends a byte-order mark.)"""


class Automaton(Protocol):
    """What a ``Scanner`` needs of a sieve."""

    patterns: list[Pattern]
    unsievable: list[int]
    database: hyperscan.Database


class Sieve:
    """The automaton of one log format. Build once; give each thread its own ``Scanner``."""

    def __init__(
        self,
        log: str,
        rules: Sequence[Rule],
        lists: Mapping[str, ValueList],
        *,
        hot: frozenset[str] = frozenset(),
        cost: Mapping[str, float] | None = None,
    ) -> None:
        """Compile.

        Args:
            log: format name.
            rules: rules of that format.
            lists: the lists they may name.
            hot: values that innocent traffic is full of, to pass over where a rule excludes them.
            cost: literals that are common in innocent records.
        """
        self.log = log
        self.rules = tuple(rules)
        self.unsievable: list[int] = []
        self.lists = lists
        self.patterns = self._patterns(COLUMNS[log], hot, cost or {})
        self._always = tuple(self.unsievable)
        self.database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        compile_patterns(self.database, self.patterns)

    def _patterns(
        self, columns: LogColumns, hot: frozenset[str], cost: Mapping[str, float]
    ) -> list[Pattern]:
        values = {name: found.values for name, found in self.lists.items()}
        needed: dict[literals.Literal, list[int]] = {}
        for index, rule in enumerate(self.rules):
            need = literals.necessary(rule.condition, values, cost)
            if need is None:
                self.unsievable.append(index)
                continue
            for literal in need:
                needed.setdefault(literal, []).append(index)
        merged: dict[tuple[str, str, str], list[int]] = {}
        for literal, indexes in sorted(needed.items()):
            key = (self._regex(literal, columns, hot), literal.field, literal.unless)
            merged.setdefault(key, []).extend(indexes)
        patterns = [
            Pattern(regex, "rule", tuple(sorted(set(indexes))), field, unless)
            for (regex, field, unless), indexes in merged.items()
        ]
        if patterns:
            patterns += marker_patterns(columns)
        return [HEADER, *patterns]

    def _regex(self, literal: literals.Literal, columns: LogColumns, hot: frozenset[str]) -> str:
        codec = columns.codec(literal.field) if literal.field else "json"
        if literal.unless and hot:
            known = self.lists[literal.unless].values
            delimiter = "," if columns.csv else " "
            return excluding_pattern(
                literal.text, codec, hot & known, csv=columns.csv, delimiter=delimiter
            )
        return pattern_of(literal.text, codec, csv=columns.csv)

    def rules_of(self, patterns: set[int]) -> tuple[int, ...]:
        """Return the rules that a record with these patterns can match."""
        found: set[int] = set(self._always)
        for index in patterns:
            pattern = self.patterns[index]
            if pattern.kind == "marker":
                return tuple(range(len(self.rules)))
            found.update(pattern.rules)
        return tuple(sorted(found))


def marker_patterns(columns: LogColumns) -> list[Pattern]:
    """Return the markers of a log: see ``encodings``."""
    codecs: list[Codec] = list(columns.codecs.values())
    if columns.derived_prefixes:
        codecs.append("json")
    return [Pattern(regex, "marker") for regex in markers(codecs)]


def compile_patterns(database: hyperscan.Database, patterns: Sequence[Pattern]) -> None:
    """Compile; a pattern's place in the list is its id."""
    database.compile(
        expressions=[p.regex.encode("ascii") for p in patterns],
        ids=list(range(len(patterns))),
        flags=FLAGS,
    )


class Scanner:
    """One thread's use of a sieve."""

    def __init__(self, sieve: Automaton) -> None:
        self.sieve = sieve
        self._scratch = hyperscan.Scratch(sieve.database)
        self._hits: list[tuple[int, int]] = []
        self._scan: Callable[..., None] = sieve.database.scan

    def candidates(self, block: bytearray, size: int) -> Iterator[Candidate]:
        """Yield the candidate records of ``block[:size]`` in order.

        The block starts at the start of a record and ends behind a line end (or at the end of the
        artifact); only ``size`` bytes of the buffer are looked at.
        """
        if self.sieve.unsievable:
            yield from _every_record(block, size)
            return
        hits = self._hits
        hits.clear()
        self._scan(memoryview(block)[:size], _note, context=hits, scratch=self._scratch)
        if not hits:
            return
        hits.sort(key=_end)
        current: Candidate | None = None
        for pattern, end in hits:
            if current is not None and end <= current.end:
                current.patterns.add(pattern)
                continue
            if current is not None:
                yield current
            start = block.rfind(b"\n", 0, end - 1) + 1
            stop = block.find(b"\n", end - 1, size)
            current = Candidate(start, size if stop < 0 else stop, {pattern})
        if current is not None:
            yield current


def _note(pattern: int, _start: int, end: int, _flags: int, hits: list[tuple[int, int]]) -> None:
    hits.append((pattern, end))


def _end(hit: tuple[int, int]) -> int:
    return hit[1]


def _every_record(block: bytearray, size: int) -> Iterator[Candidate]:
    """Yield all records: some rule of this log has no necessary literal."""
    start = 0
    while start < size:
        stop = block.find(b"\n", start, size)
        stop = size if stop < 0 else stop
        yield Candidate(start, stop, set())
        start = stop + 1
