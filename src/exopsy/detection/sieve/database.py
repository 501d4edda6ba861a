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
        share: literals.Share = literals.no_share,
    ) -> None:
        """Compile.

        Args:
            log: format name.
            rules: rules of that format.
            lists: the lists they may name.
            hot: values that innocent traffic is full of, to pass over where a rule excludes them.
            share: how common a literal is in innocent records.
        """
        self.log = log
        self.rules = tuple(rules)
        self.unsievable: list[int] = []
        self.lists = lists
        self.patterns = self._patterns(COLUMNS[log], hot, share)
        self._always = tuple(self.unsievable)
        self.database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        compile_patterns(self.database, self.patterns)

    def _patterns(
        self, columns: LogColumns, hot: frozenset[str], share: literals.Share
    ) -> list[Pattern]:
        values = {name: found.values for name, found in self.lists.items()}
        needed: dict[literals.Literal | literals.Both, list[int]] = {}
        for index, rule in enumerate(self.rules):
            need = literals.necessary(rule.condition, values, share)
            if need is None:
                self.unsievable.append(index)
                continue
            for literal in need:
                needed.setdefault(literal, []).append(index)
        merged: dict[tuple[str, str, str], list[int]] = {}
        for wanted, indexes in needed.items():
            if isinstance(wanted, literals.Both):
                key = (both_patterns(wanted, columns), "", "")
            else:
                key = (self._regex(wanted, columns, hot), wanted.field, wanted.unless)
            merged.setdefault(key, []).extend(indexes)
        patterns = [
            Pattern(regex, "rule", tuple(sorted(set(indexes))), field, unless)
            for (regex, field, unless), indexes in sorted(merged.items())
        ]
        if patterns:
            patterns += marker_patterns(columns)
        return [HEADER, *patterns]

    def _regex(self, literal: literals.Literal, columns: LogColumns, hot: frozenset[str]) -> str:
        if literal.unless and hot:
            return excluding_pattern(
                literal.text,
                columns.codec(literal.field),
                hot & self.lists[literal.unless].values,
                csv=columns.csv,
                delimiter="," if columns.csv else " ",
                end=_end_of_value(columns),
            )
        return literal_pattern(literal, columns)

    def rules_of(self, patterns: set[int]) -> tuple[int, ...]:
        """Return the rules that a record with these patterns can match."""
        found: set[int] = set(self._always)
        for index in patterns:
            pattern = self.patterns[index]
            if pattern.kind == "marker":
                return tuple(range(len(self.rules)))
            found.update(pattern.rules)
        return tuple(sorted(found))


def literal_pattern(literal: literals.Literal, columns: LogColumns) -> str:
    """Return the pattern of one literal, tied to the ends of its value where it must be."""
    if not literal.field:
        return pattern_of(literal.text, "json", csv=columns.csv)
    pattern = pattern_of(literal.text, columns.codec(literal.field), csv=columns.csv)
    if literal.field not in columns.columns:
        return pattern  # a derived field's ends stand inside another field
    if literal.prefix:
        pattern = (r'(?:^|[,"\n\x00\xbf])' if columns.csv else r"(?:^|[ \n\x00\xbf])") + pattern
    return pattern + _end_of_value(columns) if literal.suffix else pattern


def _end_of_value(columns: LogColumns) -> str:
    """Return what stands behind a value; ``$`` also matches before an escaped line end."""
    ends = '[,"\\r\\n\\x00]' if columns.csv else "[ \\r\\n\\x00]"
    return rf"(?:{ends}|\z|%(?:25)*(?:u00)?0a)"


def both_patterns(both: literals.Both, columns: LogColumns) -> str:
    """Return a pattern for records that hold two literals, in any order, overlapping or not."""
    first, second = both.first, both.second
    if first.field == second.field and second.prefix and first.suffix:
        first, second = second, first
    texts = literals.overlaps(first.text, second.text)
    if first.field == second.field and first.prefix and second.suffix:
        # The one begins the value and the other ends it: one order, and both ends are known.
        joined = {
            msgspec.structs.replace(first, text=t, suffix=True)
            for t in texts
            if t.startswith(first.text) and t.endswith(second.text)
        }
        begin = literal_pattern(first, columns)
        orders = [begin + _BETWEEN + literal_pattern(second, columns)]
        orders += sorted(literal_pattern(j, columns) for j in joined)
        return f"(?:{'|'.join(orders)})"
    # Not tied to the ends of values: two values may end and begin at one and the same byte.
    loose = (msgspec.structs.replace(x, prefix=False, suffix=False) for x in (first, second))
    a, b = (literal_pattern(x, columns) for x in loose)
    codec: Codec = "json" if columns.derived_prefixes else "plus"
    orders = [a + _BETWEEN + b, b + _BETWEEN + a]
    orders += sorted(pattern_of(text, codec, csv=columns.csv) for text in texts)
    return f"(?:{'|'.join(orders)})"


_BETWEEN = r"[^\n]*"


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
