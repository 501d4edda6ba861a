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
    is_long: bool = False
    """It is longer than what is looked at: where its values end is not where patterns see it."""


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
        reference: literals.Reference | None = None,
    ) -> None:
        """Compile.

        Args:
            log: format name.
            rules: rules of that format.
            lists: the lists they may name.
            hot: values that innocent traffic is full of, to pass over where a rule excludes them.
            reference: innocent records, to choose rare literals by.
        """
        self.log = log
        self.rules = tuple(rules)
        self.unsievable: list[int] = []
        self.lists = lists
        self.patterns = self._patterns(COLUMNS[log], hot, reference)
        self._always = tuple(self.unsievable)
        self.database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        compile_patterns(self.database, self.patterns)

    def _patterns(
        self, columns: LogColumns, hot: frozenset[str], reference: literals.Reference | None
    ) -> list[Pattern]:
        values = {name: found.values for name, found in self.lists.items()}
        needed: dict[literals.Literal | literals.Both, list[int]] = {}
        for index, rule in enumerate(self.rules):
            need = literals.necessary(rule.condition, values, reference)
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


def literal_pattern(
    literal: literals.Literal, columns: LogColumns, *, first: bool = True, to_end: bool = True
) -> str:
    """Return the pattern of one literal, tied to the ends of its value where it must be.

    Args:
        literal: what to look for.
        columns: of its log.
        first: whether it can stand at the very beginning of the data.
        to_end: whether the byte behind the value is part of the pattern.
    """
    if not literal.field:
        return pattern_of(literal.text, "json", csv=columns.csv)
    pattern = pattern_of(literal.text, columns.codec(literal.field), csv=columns.csv)
    if literal.field not in columns.columns:
        return pattern  # a derived field's ends stand inside another field
    end = _end_of_value(columns) if to_end else ""
    start = _start_of_value(columns, first=first)
    if literal.head:
        return start + _headed_pattern(literal, columns) + end
    if literal.prefix:
        pattern = start + pattern
    return pattern + end if literal.suffix else pattern


def _headed_pattern(literal: literals.Literal, columns: LogColumns) -> str:
    """Return the pattern of a value that starts with one literal and ends with another."""
    codec = columns.codec(literal.field)
    between = r"[^ \n]*" if literal.field in columns.solid else _BETWEEN
    head = pattern_of(literal.head, codec, csv=columns.csv)
    tail = pattern_of(literal.text, codec, csv=columns.csv)
    joined = (
        pattern_of(text, codec, csv=columns.csv)
        for text in literals.overlaps(literal.head, literal.text)
        if text.startswith(literal.head) and text.endswith(literal.text)
    )
    return f"(?:{'|'.join([head + between + tail, *sorted(joined)])})"


_BETWEEN = r"[^\n]*"


def _start_of_value(columns: LogColumns, *, first: bool) -> str:
    before = r'[,"\n\x00\xbf]' if columns.csv else r"[ \n\x00\xbf]"
    return f"(?:^|{before})" if first else before


def _end_of_value(columns: LogColumns) -> str:
    """Return what stands behind a value; ``$`` also matches before an escaped line end."""
    ends = '[,"\\r\\n\\x00]' if columns.csv else "[ \\r\\n\\x00]"
    return rf"(?:{ends}|\z|%(?:25)*(?:u00)?0a)"


def both_patterns(both: literals.Both, columns: LogColumns) -> str:
    """Return a pattern for records that hold two literals, in any order, overlapping or not."""
    first, second = both.first, both.second
    if _share_no_byte(first, second, columns):
        # The byte between two neighbouring values belongs to the second.
        a, b = (literal_pattern(x, columns, to_end=False) for x in (first, second))
        then_a, then_b = (
            literal_pattern(x, columns, first=False, to_end=False) for x in (first, second)
        )
        return f"(?:{a}{_BETWEEN}{then_b}|{b}{_BETWEEN}{then_a})"
    # Not tied to the ends of values: two values may end and begin at one and the same byte.
    loose = (
        msgspec.structs.replace(x, prefix=False, suffix=False, head="") for x in (first, second)
    )
    a, b = (literal_pattern(x, columns) for x in loose)
    codec: Codec = "json" if columns.derived_prefixes else "plus"
    orders = [a + _BETWEEN + b, b + _BETWEEN + a]
    orders += sorted(
        pattern_of(text, codec, csv=columns.csv)
        for text in literals.overlaps(first.text, second.text)
    )
    return f"(?:{'|'.join(orders)})"


def _share_no_byte(a: literals.Literal, b: literals.Literal, columns: LogColumns) -> bool:
    """Say whether two literals stand in different columns of the log, so that they can't overlap."""
    own = columns.columns
    return a.field != b.field and a.field in own and b.field in own


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
        hits = self._hits
        hits.clear()
        self._scan(memoryview(block)[:size], _note, context=hits, scratch=self._scratch)
        hits.sort(key=_end)
        if self.sieve.unsievable:
            yield from _every_record(block, size, hits)
            return
        current: Candidate | None = None
        for pattern, end in hits:
            # A pattern that takes in the line end belongs to the record before it.
            if current is not None and end <= current.end + 1:
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


def _every_record(
    block: bytearray, size: int, hits: Sequence[tuple[int, int]]
) -> Iterator[Candidate]:
    """Yield all records: some rule of this log has no necessary literal; the others need theirs."""
    start, at = 0, 0
    while start < size:
        stop = block.find(b"\n", start, size)
        stop = size if stop < 0 else stop
        first = at
        while at < len(hits) and hits[at][1] <= stop + 1:
            at += 1
        yield Candidate(start, stop, {pattern for pattern, _ in hits[first:at]})
        start = stop + 1
