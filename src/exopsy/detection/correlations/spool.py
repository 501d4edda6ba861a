"""Hits of one worker -> sorted files; the files of all workers -> hits in order.

A worker holds no more than ``correlation_run_hits`` in memory; what does not fit goes to further
files, each sorted. The files are lines of JSON. Merging reads one line ahead of each file, and
joins files first where there are too many to keep open. Order is that of ``Hit.order``, so that it
does not show how the hits were divided among the workers.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from exopsy.core.limits import Limits
from exopsy.detection.correlations.hit import Hit, shortened

_OPEN = 64
"""Files that are read at once."""


class HitSpool:
    """One worker's hits on their way to the correlations; a context manager.

    Args:
        folder: exists, and is the run's own.
        name: tells workers apart.
        needs: rule -> the fields to keep, from ``field_needs``; hits of other rules are not kept.
        limits: how many hits may be held in memory.
    """

    def __init__(
        self, folder: Path, name: str, needs: Mapping[str, frozenset[str]], limits: Limits
    ) -> None:
        self.paths: list[Path] = []
        """Complete once the context is left."""
        self._folder = folder
        self._name = name
        self._needs = needs
        self._most = limits.correlation_run_hits
        self._values = limits.correlation_values
        self._hits: list[Hit] = []

    def __enter__(self) -> Self:
        """Nothing is written before it must be."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write the rest."""
        if kind is None:
            self._write()

    def wants(self, rule: str) -> bool:
        """Say whether hits of a rule are of use, so that others need not be made."""
        return rule in self._needs

    def add(self, hit: Hit) -> None:
        """Keep a hit, with those fields that are needed."""
        needed = self._needs.get(hit.rule)
        if needed is None:
            return
        kept = msgspec.structs.replace(
            hit,
            fields={
                name: shortened(hit.fields[name]) for name in sorted(needed & hit.fields.keys())
            },
            many={
                # one more than is looked at, so that the pass sees that there are more
                name: hit.values(name, self._values + 1)
                for name in sorted(needed & hit.many.keys())
            },
        )
        self._hits.append(kept)
        if len(self._hits) >= self._most:
            self._write()

    def _write(self) -> None:
        if not self._hits:
            return
        path = self._folder / f"hits-{self._name}-{len(self.paths)}.jsonl"
        _write_hits(path, sorted(self._hits, key=Hit.order))
        self.paths.append(path)
        self._hits = []


def merge_spools(paths: Sequence[Path], folder: Path) -> Iterator[Hit]:
    """Yield the hits of sorted files in order.

    Args:
        paths: of all workers, in any order.
        folder: for files that are made on the way where there are too many; they are removed.
    """
    todo = sorted(paths)
    made: set[Path] = set()
    numbers = count()
    while len(todo) > _OPEN:
        part, todo = todo[:_OPEN], todo[_OPEN:]
        joined = folder / f"hits-joined-{next(numbers)}.jsonl"
        made.add(joined)
        _write_hits(joined, _merged(part))
        for path in made.intersection(part):
            path.unlink()
            made.discard(path)
        todo.append(joined)
    try:
        yield from _merged(todo)
    finally:
        for path in made:
            path.unlink(missing_ok=True)


def _merged(paths: Iterable[Path]) -> Iterator[Hit]:
    with ExitStack() as stack:
        feeds = [stack.enter_context(path.open("rb")) for path in paths]
        decode = msgspec.json.Decoder(Hit).decode
        yield from heapq.merge(*(map(decode, feed) for feed in feeds), key=Hit.order)


def _write_hits(path: Path, hits: Iterable[Hit]) -> None:
    encode = msgspec.json.Encoder().encode
    with path.open("wb") as file:
        for hit in hits:
            file.write(encode(hit) + b"\n")
