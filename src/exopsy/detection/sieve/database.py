"""All rules of one log format -> one automaton; a block of bytes -> candidate records.

The automaton reports end offsets only (start offsets cost too much); the record around each is
found by its line ends. Matching itself is not decided here: a candidate is parsed, and the plain
matcher has the last word.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Literal, Protocol

import hyperscan
import msgspec

from exopsy.detection.rule import Rule, ValueList
from exopsy.detection.sieve import literals
from exopsy.detection.sieve.encodings import markers, pattern_of
from exopsy.detection.sieve.exclusion import end_of_value, excluding_pattern
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
    also: tuple[str, ...] = ()
    """Further patterns of which the record must hold one, looked for once the first was found."""


_HEADER = Pattern(r"[\n\x00\xbf]#", kind="header")
_COLUMN_ROW = Pattern(r"[\n\x00\xbf][#a-z]", kind="header")


def header_pattern(columns: LogColumns) -> Pattern:
    """Return the pattern of lines that may be headers: all records start with a digit.

    Quoted CSV may have a bare row of column names. (0xBF ends a byte-order mark.)
    """
    return _COLUMN_ROW if columns.csv else _HEADER


class Automaton(Protocol):
    """What a ``Scanner`` needs of a sieve."""

    patterns: list[Pattern]
    also: list[frozenset[int]]
    """For each pattern, further patterns (of ``second``) of which one must be there; or empty."""
    second: hyperscan.Database | None
    unsievable: list[int]
    database: hyperscan.Database | None
    quick: hyperscan.Database | None
    """The same patterns without their escaped forms, and one more for any escape that they name."""
    threads: threading.local
    """Holds each thread's scanner."""


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
        cache: Path | None = None,
        identity: str = "",
    ) -> None:
        """Compile.

        Args:
            log: format name.
            rules: rules of that format.
            lists: the lists they may name.
            hot: values that innocent traffic is full of, to pass over where a rule excludes them.
            reference: innocent records, to choose rare literals by.
            cache: folder for compiled automata and for the patterns they were made of.
            identity: hash of everything that the patterns follow from, but the code here; "": the
                patterns are not kept.
        """
        self.log = log
        self.threads = threading.local()
        self.rules = tuple(rules)
        self.unsievable: list[int] = []
        self.lists = lists
        self.patterns = self._planned(hot, reference, cache, identity)
        self._always = tuple(self.unsievable)
        self.seconds = sorted({regex for p in self.patterns for regex in p.also})
        number = {regex: index for index, regex in enumerate(self.seconds)}
        self.also = [frozenset(number[regex] for regex in p.also) for p in self.patterns]
        self.second = compile_patterns([Pattern(r) for r in self.seconds], cache)
        self.database = compile_patterns(self.patterns, cache)
        # An unsievable rule makes every record a candidate: nothing to be quick about.
        self.quick = None if self.unsievable else quick_automaton(self.patterns, cache)

    def _planned(
        self,
        hot: frozenset[str],
        reference: literals.Reference | None,
        cache: Path | None,
        identity: str,
    ) -> list[Pattern]:
        """Return the patterns, kept ones if there are any."""
        kept = None
        if cache is not None and identity:
            kept = cache / f"plan-{_plan_identity(self.log, identity)}.json"
            try:
                plan = msgspec.json.decode(kept.read_bytes(), type=_Plan)
            except (OSError, msgspec.MsgspecError):
                pass
            else:
                self.unsievable = plan.unsievable
                return plan.patterns
        patterns = self._patterns(COLUMNS[self.log], hot, reference)
        if kept is not None:
            keep_file(kept, msgspec.json.encode(_Plan(patterns, self.unsievable)))
        return patterns

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
        # One pattern for each first literal; of the second ones any may follow.
        merged: dict[tuple[str, str, str], tuple[set[int], set[str]]] = {}
        for wanted, indexes in needed.items():
            also = ""
            if not isinstance(wanted, literals.Both):
                key = (self._regex(wanted, columns, hot), wanted.field, wanted.unless)
            elif wanted.together:
                key = (both_patterns(wanted, columns), "", "")
            else:
                loose = msgspec.structs.replace(wanted.second, prefix=False, suffix=False, head="")
                first = wanted.first
                key = (self._regex(first, columns, hot), first.field, first.unless)
                also = literal_pattern(loose, columns)
            rules, seconds = merged.setdefault(key, (set(), set()))
            rules.update(indexes)
            seconds.add(also)
        patterns = [
            Pattern(
                regex,
                "rule",
                tuple(sorted(rules)),
                field,
                unless,
                () if "" in seconds else tuple(sorted(seconds)),
            )
            for (regex, field, unless), (rules, seconds) in sorted(merged.items())
        ]
        if patterns:
            patterns += marker_patterns(columns)
        return [header_pattern(columns), *patterns]

    def _regex(self, literal: literals.Literal, columns: LogColumns, hot: frozenset[str]) -> str:
        is_whole = (
            literal.field in columns.columns if columns.csv else literal.field in columns.solid
        )
        if literal.unless and hot and is_whole and columns.separated:
            known = self.lists[literal.unless]
            return excluding_pattern(
                literal.text,
                columns.codec(literal.field),
                hot & known.values,
                csv=columns.csv,
                absolute=known.normalise == "version-folders",
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
        return pattern_of(_one_column(literal.text, columns), "any", csv=columns.csv)
    if literal.field in columns.joined:
        text = _one_column(literal.text, columns)
        return pattern_of(text, columns.codec(literal.field), csv=columns.csv)
    pattern = pattern_of(literal.text, columns.codec(literal.field), csv=columns.csv)
    if literal.field not in columns.columns or not columns.separated:
        return pattern  # a derived field's ends stand inside another field
    end = end_of_value(csv=columns.csv) if to_end else ""
    start = _start_of_value(columns, first=first)
    if literal.head:
        return start + _headed_pattern(literal, columns) + end
    if literal.prefix:
        pattern = start + pattern
    return pattern + end if literal.suffix else pattern


def _one_column(text: str, columns: LogColumns) -> str:
    """Return a piece of a literal that stands in one column: joined values may hold the whole."""
    for joined in columns.joined.values():
        text = max(text.split(joined.separator), key=len)
    return text


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
    if (
        not first.field
        or not second.field
        or _one_holds_other(first, second, columns)
        or first.field in columns.joined
        or second.field in columns.joined
    ):
        return a  # the same bytes read in two ways: there is no telling how they overlap
    between = (
        r"[^ \n]*" if first.field == second.field and first.field in columns.solid else _BETWEEN
    )
    orders = [a + between + b, b + between + a]
    if first.field == second.field and (first.prefix or second.prefix):
        # The one begins the value, so that the other stands behind it.
        begin, behind = (a, b) if first.prefix else (b, a)
        orders = [begin + between + behind]
    orders += sorted(
        pattern_of(text, "any", csv=columns.csv)
        for text in literals.overlaps(first.text, second.text)
    )
    return f"(?:{'|'.join(orders)})"


def _share_no_byte(a: literals.Literal, b: literals.Literal, columns: LogColumns) -> bool:
    """Say whether two literals stand in different columns of the log, so that they can't overlap."""
    own = columns.columns
    return a.field != b.field and a.field in own and b.field in own


def _one_holds_other(a: literals.Literal, b: literals.Literal, columns: LogColumns) -> bool:
    """Say whether one is a field that is taken out of a column, and the other may be that column."""
    return (a.field in columns.columns) != (b.field in columns.columns)


_ESCAPED_FORM = re.compile(r"\|%\(\?:25\)\*\(\?:u00\)\?([0-9a-f]{2})(?=\))")
_LONE = re.compile(r"\(\?:(\\x[0-9a-f]{2})\)")


def quick_automaton(
    patterns: Sequence[Pattern], cache: Path | None = None
) -> hyperscan.Database | None:
    """Compile the patterns without their escaped forms, which cost half of the time.

    Every escaped form that is left out is named by one further pattern, whose id comes after the
    others: a record that holds it is scanned again with the whole patterns. A record that only an
    escaped form would have found holds that escape, so none is lost.

    Returns:
        None when there is nothing to leave out.
    """
    escapes: set[str] = set()

    def leave_out(form: re.Match[str]) -> str:
        escapes.add(form[1])
        return ""

    plain = [
        msgspec.structs.replace(p, regex=_LONE.sub(r"\1", _ESCAPED_FORM.sub(leave_out, p.regex)))
        for p in patterns
    ]
    if not escapes:
        return None
    return compile_patterns([*plain, Pattern(escape_pattern(escapes))], cache)


def escape_pattern(escapes: Iterable[str]) -> str:
    """Return a pattern for percent-escapes of any of these characters (two hex digits each)."""
    return f"%(?:25)*(?:u00)?(?:{'|'.join(sorted(escapes))})"


def marker_patterns(columns: LogColumns) -> list[Pattern]:
    """Return the markers of a log: see ``encodings``."""
    codecs: list[Codec] = list(columns.codecs.values())
    if columns.derived_prefixes:
        codecs.append("json")
    return [Pattern(regex, "marker") for regex in markers(codecs)]


def compile_patterns(
    patterns: Sequence[Pattern], cache: Path | None = None, *, once: bool = False
) -> hyperscan.Database | None:
    """Compile; a pattern's place in the list is its id.

    Args:
        patterns: what to look for; nothing to look for is no automaton.
        cache: folder for compiled automata. They are kept under the hash of everything that went
            in; the library refuses those that were made by another version or for another
            processor, and damaged ones.
        once: report each pattern once a scan.
    """
    if not patterns:
        return None
    flags = FLAGS | hyperscan.HS_FLAG_SINGLEMATCH if once else FLAGS
    kept = None if cache is None else cache / f"sieve-{_identity(patterns, flags)}.hsdb"
    if kept is not None:
        try:
            return hyperscan.loadb(kept.read_bytes(), mode=hyperscan.HS_MODE_BLOCK)
        except (OSError, hyperscan.HyperscanError):
            pass
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[p.regex.encode("ascii") for p in patterns],
        ids=list(range(len(patterns))),
        flags=flags,
    )
    if kept is not None:
        keep_file(kept, hyperscan.dumpb(database))
    return database


def keep_file(path: Path, data: bytes) -> None:
    """Write a cache file whole; a cache that can't be written is no cache, and no error."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        return


class _Plan(msgspec.Struct, frozen=True):
    """What a sieve looks for, as it is kept."""

    patterns: list[Pattern]
    unsievable: list[int]


def _plan_identity(log: str, identity: str) -> str:
    """Hash what a plan follows from: the content, and the code that derives patterns."""
    digest = hashlib.sha256(f"{log} {identity}".encode())
    here = Path(__file__).parent
    for name in ("database.py", "encodings.py", "exclusion.py", "literals.py"):
        digest.update((here / name).read_bytes())
    return digest.hexdigest()[:32]


def _identity(patterns: Sequence[Pattern], flags: int) -> str:
    digest = hashlib.sha256(f"{version('hyperscan')} {flags} {platform.machine()}".encode())
    for pattern in patterns:
        digest.update(pattern.regex.encode("ascii") + b"\0")
    return digest.hexdigest()[:32]


def scanner_of(sieve: Automaton) -> Scanner:
    """Return this thread's scanner of a sieve: making one costs more than a small file."""
    scanner: Scanner | None = getattr(sieve.threads, "scanner", None)
    if scanner is None:
        scanner = sieve.threads.scanner = Scanner(sieve)
    return scanner


class Scanner:
    """One thread's use of a sieve."""

    def __init__(self, sieve: Automaton) -> None:
        self.sieve = sieve
        self._scratch = hyperscan.Scratch(sieve.database)
        self._hits: list[tuple[int, int]] = []
        assert sieve.database is not None
        self._whole: Callable[..., None] = sieve.database.scan
        quick = sieve.quick
        self._scan: Callable[..., None] = self._whole if quick is None else quick.scan
        self._scan_scratch = self._scratch if quick is None else hyperscan.Scratch(quick)
        self._escaped = len(sieve.patterns)
        second = sieve.second
        self._second: Callable[..., None] | None = None if second is None else second.scan
        self._second_scratch = None if second is None else hyperscan.Scratch(second)

    def candidates(self, block: bytearray, size: int) -> Iterator[Candidate]:
        """Yield the candidate records of ``block[:size]`` in order.

        The block starts at the start of a record and ends behind a line end (or at the end of the
        artifact); only ``size`` bytes of the buffer are looked at.
        """
        hits = self._hits
        hits.clear()
        self._scan(memoryview(block)[:size], _note, context=hits, scratch=self._scan_scratch)
        hits.sort(key=_end)
        if self.sieve.unsievable:
            yield from _every_record(block, size, hits)
            return
        also = self.sieve.also
        current: Candidate | None = None
        start, stop = 0, -1
        held: set[int] | None = None  # of the further patterns, by the record at hand
        whole = False  # whether the record at hand was scanned with the whole patterns
        for hit, end in hits:
            # A pattern that takes in the line end belongs to the record before it.
            if end > stop + 1:
                if current is not None:
                    yield current
                    current = None
                start = block.rfind(b"\n", 0, end - 1) + 1
                stop = block.find(b"\n", end - 1, size)
                stop = size if stop < 0 else stop
                held, whole = None, False
            found: Iterable[int] = (hit,)
            if hit == self._escaped:
                # Once for a record: an intruder can write a megabyte of escapes into one.
                found = () if whole else self._patterns_of(block, start, stop)
                whole = True
            for pattern in found:
                if also[pattern]:
                    if held is None:
                        held = self._held(block, start, stop)
                    if also[pattern].isdisjoint(held):
                        continue
                if current is None:
                    current = Candidate(start, stop, {pattern})
                else:
                    current.patterns.add(pattern)
        if current is not None:
            yield current

    def _patterns_of(self, block: bytearray, start: int, stop: int) -> Iterable[int]:
        """Return the patterns, escaped forms included, that one record holds."""
        found: set[int] = set()
        with memoryview(block) as view:
            self._whole(view[start:stop], _keep, context=found, scratch=self._scratch)
        return found

    def _held(self, block: bytearray, start: int, stop: int) -> set[int]:
        """Return which of the further patterns a record holds."""
        held: set[int] = set()
        if self._second is not None:
            with memoryview(block) as view:
                record = view[start:stop]
                self._second(record, _keep, context=held, scratch=self._second_scratch)
        return held


def _keep(pattern: int, _start: int, _end: int, _flags: int, held: set[int]) -> None:
    held.add(pattern)


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
