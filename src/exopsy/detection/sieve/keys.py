"""Plain values (addresses, paths, ids) -> an automaton over one log's records."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache

import hyperscan

from exopsy.detection.rule import Rule
from exopsy.detection.sieve.compiling import compile_patterns
from exopsy.detection.sieve.encodings import pattern_of
from exopsy.detection.sieve.pattern import (
    Pattern,
    header_pattern,
    marker_patterns,
)
from exopsy.schema.columns import COLUMNS


class KeySieve:
    """Looks like a sieve to a ``Scanner``; every pattern stands for "some value may be here"."""

    def __init__(self, log: str, values: Sequence[str]) -> None:
        columns = COLUMNS[log]
        self.log = log
        self.threads = threading.local()
        self.rules: tuple[Rule, ...] = ()
        self.unsievable: list[int] = []
        regexes = {
            pattern_of(run, "any", csv=columns.csv) for value in values if (run := _ascii(value))
        }
        if any(not _ascii(value) for value in values):
            self.unsievable.append(0)  # a value without any ASCII run: look at every record
        self.patterns = [header_pattern(columns), *(Pattern(regex) for regex in sorted(regexes))]
        self.patterns += marker_patterns(columns)
        self.also: list[frozenset[int]] = [frozenset()] * len(self.patterns)
        self.second: hyperscan.Database | None = None
        self.quick: hyperscan.Database | None = None
        self.neighbours: frozenset[tuple[str, str]] = frozenset()
        # Most logs of a kind have the same markers: one automaton serves them all.
        self.database = _compiled(tuple(self.patterns))


@lru_cache(maxsize=8)
def _compiled(patterns: tuple[Pattern, ...]) -> hyperscan.Database | None:
    return compile_patterns(patterns)


def _ascii(value: str) -> str:
    """Return the longest printable ASCII piece of a value, "" if it is shorter than 3."""
    pieces = "".join(c if " " <= c <= "~" else "\n" for c in value).split("\n")
    longest = max(pieces, key=len)
    return longest[:64] if len(longest) >= 3 else ""
