"""A block of bytes and a log's automata -> the candidate records in it.

The automata report end offsets only (start offsets cost too much); the record around each is found
by its line ends. Matching itself is not decided here: a candidate is parsed, and the plain matcher
has the last word.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import accumulate
from typing import Protocol

import hyperscan
import msgspec

from exopsy.detection.sieve.pattern import Pattern


class Candidate(msgspec.Struct):
    """One record that may match."""

    start: int
    """Offset of its first byte in the block."""
    end: int
    """Offset behind its last byte, line end left out."""
    patterns: set[int]
    is_long: bool = False
    """It is longer than what is looked at: where its values end is not where patterns see it."""


class Automaton(Protocol):
    """What a ``Scanner`` needs of a sieve."""

    patterns: list[Pattern]
    also: list[frozenset[int]]
    """For each pattern, further patterns (of ``second``) of which one must be there; or empty."""
    second: hyperscan.Database | None
    unsievable: list[int]
    database: hyperscan.Database | None
    quick: hyperscan.Database | None
    """Triggers: see ``sieve.triggers``. None where there are none."""
    neighbours: frozenset[tuple[str, str]]
    """Columns that stand side by side in every record for which ``quick`` is enough."""
    threads: threading.local
    """Holds each thread's scanner."""


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
        self._hits: list[tuple[int, int]] = []
        self._ends: list[int] = []
        assert sieve.database is not None
        self._whole: Callable[..., None] = sieve.database.scan
        self._whole_scratch = hyperscan.Scratch(sieve.database)
        quick, second = sieve.quick, sieve.second
        self._quick: Callable[..., None] | None = None if quick is None else quick.scan
        self._quick_scratch = None if quick is None else hyperscan.Scratch(quick)
        self._second: Callable[..., None] | None = None if second is None else second.scan
        self._second_scratch = None if second is None else hyperscan.Scratch(second)

    def candidates(
        self, block: bytearray, size: int, odd: Collection[int] | None = None
    ) -> Iterator[Candidate]:
        """Yield the candidate records of ``block[:size]`` in order.

        The block starts at the start of a record and ends behind a line end (or at the end of the
        artifact); only ``size`` bytes of the buffer are looked at.

        Args:
            block: the buffer.
            size: how much of it counts.
            odd: where the lines start that don't begin with a digit or hold NUL bytes (headers are
                among them; each is a candidate), if somebody has looked already and the layout of
                all records has the sieve's ``neighbours``: then the triggers are enough.
        """
        if odd is None or self._quick is None:
            yield from self._by_patterns(block, size)
        else:
            yield from self._by_triggers(block, size, odd)

    def _by_triggers(
        self, block: bytearray, size: int, odd: Collection[int]
    ) -> Iterator[Candidate]:
        """Look for triggers; look at all patterns only in the records that hold one."""
        ends = self._ends
        ends.clear()
        assert self._quick is not None
        with memoryview(block) as view:
            self._quick(view[:size], _note_end, context=ends, scratch=self._quick_scratch)
        ends.sort()
        starts = {*odd, *_outermost(block, size)}
        stop = -1
        for end in ends:
            if end > stop + 1:
                starts.add(block.rfind(b"\n", 0, end - 1) + 1)
                stop = block.find(b"\n", end - 1, size)
                stop = size if stop < 0 else stop
        places: list[tuple[int, int]] = []
        for start in sorted(starts):
            stop = block.find(b"\n", start, size)
            places.append((start, size if stop < 0 else stop))
        for (start, stop), patterns in zip(places, self._patterns_of(block, places), strict=True):
            if patterns or start in odd:
                yield Candidate(start, stop, patterns)

    def _by_patterns(self, block: bytearray, size: int) -> Iterator[Candidate]:
        hits = self._hits
        hits.clear()
        with memoryview(block) as view:
            self._whole(view[:size], _note, context=hits, scratch=self._whole_scratch)
        hits.sort(key=_end)
        if self.sieve.unsievable:
            yield from _every_record(block, size, hits)
            return
        start, stop = 0, -1
        patterns: set[int] = set()
        for pattern, end in hits:
            # A pattern that takes in the line end belongs to the record before it.
            if end > stop + 1:
                if patterns := self._with_second(patterns, block, start, stop):
                    yield Candidate(start, stop, patterns)
                start = block.rfind(b"\n", 0, end - 1) + 1
                stop = block.find(b"\n", end - 1, size)
                stop = size if stop < 0 else stop
                patterns = set()
            patterns.add(pattern)
        if patterns := self._with_second(patterns, block, start, stop):
            yield Candidate(start, stop, patterns)

    def _patterns_of(self, block: bytearray, places: Sequence[tuple[int, int]]) -> list[set[int]]:
        """Return the patterns that each of some records holds, all looked at in one go."""
        found = _held(block, places, self._whole, self._whole_scratch)
        if self._second is None:
            return found
        also = self.sieve.also
        asked = [n for n, held in enumerate(found) if any(also[pattern] for pattern in held)]
        if asked:
            further = _held(block, [places[n] for n in asked], self._second, self._second_scratch)
            for n, held in zip(asked, further, strict=True):
                found[n] = {p for p in found[n] if not also[p] or not also[p].isdisjoint(held)}
        return found

    def _with_second(self, patterns: set[int], block: bytearray, start: int, stop: int) -> set[int]:
        """Leave out the patterns whose further pattern the record does not hold."""
        also = self.sieve.also
        if self._second is None or not any(also[pattern] for pattern in patterns):
            return patterns
        held: set[int] = set()
        with memoryview(block) as view:
            self._second(view[start:stop], _keep, context=held, scratch=self._second_scratch)
        return {p for p in patterns if not also[p] or not also[p].isdisjoint(held)}


def _held(
    block: bytearray,
    places: Sequence[tuple[int, int]],
    scan: Callable[..., None],
    scratch: object,
) -> list[set[int]]:
    """Return the patterns that each record holds; between line ends each stands as in its log."""
    lines = [block[start:stop] for start, stop in places]
    hits: list[tuple[int, int]] = []
    scan(b"\n".join([b"", *lines, b""]), _note, context=hits, scratch=scratch)
    found: list[set[int]] = [set() for _ in places]
    if not hits:
        return found
    # A pattern that takes in the line end belongs to the record before it.
    ends = [*accumulate((len(line) + 1 for line in lines), initial=1)][1:]
    for pattern, end in hits:
        found[bisect_left(ends, end)].add(pattern)
    return found


def _keep(pattern: int, _start: int, _end: int, _flags: int, held: set[int]) -> None:
    held.add(pattern)


def _note(pattern: int, _start: int, end: int, _flags: int, hits: list[tuple[int, int]]) -> None:
    hits.append((pattern, end))


def _note_end(_pattern: int, _start: int, end: int, _flags: int, ends: list[int]) -> None:
    ends.append(end)


def _end(hit: tuple[int, int]) -> int:
    return hit[1]


def _outermost(block: bytearray, size: int) -> set[int]:
    """Return the starts of the first record, and of the last one if no line end is behind it.

    Triggers ask for a byte before and behind every value.
    """
    if not size:
        return set()
    return {0} if block[size - 1] == _NEWLINE else {0, block.rfind(b"\n", 0, size) + 1}


_NEWLINE = 10


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
