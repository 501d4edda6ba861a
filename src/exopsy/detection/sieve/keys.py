"""Plain values (addresses, paths, ids) -> an automaton over one log's records."""

from __future__ import annotations

from collections.abc import Sequence

import hyperscan

from exopsy.detection.rule import Rule
from exopsy.detection.sieve.database import FLAGS, Pattern
from exopsy.detection.sieve.encodings import markers, pattern_of
from exopsy.schema.columns import COLUMNS


class KeySieve:
    """Looks like a sieve to a ``Scanner``; every pattern stands for "some value may be here"."""

    def __init__(self, log: str, values: Sequence[str]) -> None:
        columns = COLUMNS[log]
        self.log = log
        self.rules: tuple[Rule, ...] = ()
        self.unsievable: list[int] = []
        regexes = {
            pattern_of(run, "json", csv=columns.csv) for value in values if (run := _ascii(value))
        }
        if len(regexes) < len({v for v in values if v}) and any(not _ascii(v) for v in values):
            self.unsievable.append(0)  # a value without any ASCII run: look at every record
        codecs = [*columns.codecs.values(), *(["json"] if columns.derived_prefixes else [])]
        self.patterns = [Pattern(regex, ()) for regex in sorted(regexes)]
        self.patterns += [Pattern(regex, ()) for regex in markers(codecs)]  # type: ignore[arg-type]
        self.database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self.database.compile(
            expressions=[p.regex.encode("ascii") for p in self.patterns],
            ids=list(range(len(self.patterns))),
            flags=FLAGS,
        )


def _ascii(value: str) -> str:
    """Return the longest printable ASCII piece of a value, "" if it is shorter than 3."""
    pieces = "".join(c if " " <= c <= "~" else "\n" for c in value).split("\n")
    longest = max(pieces, key=len)
    return longest[:64] if len(longest) >= 3 else ""
