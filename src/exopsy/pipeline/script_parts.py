"""Scripts that were logged in several parts: their rows wait until the whole log was read.

A log may be read in ranges, and a script may begin in one and end in the next; so each reader only
writes down the parts, and they are joined in one pass over all of them, in the order of the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from exopsy.detection.events.event_rules import EventRules
from exopsy.detection.row_view import RowView
from exopsy.evidence.events.script_blocks import ScriptBlocks
from exopsy.pipeline.matches import MatchTable
from exopsy.schema.event import EventLogFacts
from exopsy.schema.row import Row


class PartSpool:
    """One reader's parts; a context manager around a file that is made when it is needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def __enter__(self) -> PartSpool:  # noqa: PYI034 - nobody derives from it
        """Nothing is written before the first part."""
        return self

    def __exit__(self, *stop: object) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    @property
    def paths(self) -> list[Path]:
        """The file, if there is one."""
        return [] if self._file is None else [self._path]

    def add(self, row: Row) -> None:
        """Keep a row, whose origin is exact."""
        if self._file is None:
            self._file = self._path.open("wb")
        self._file.write(msgspec.json.encode(row) + b"\n")


def join_parts(
    paths: Iterable[Path],
    rules: EventRules,
    matches: MatchTable,
    facts: EventLogFacts,
    *,
    plain: bool,
) -> None:
    """Join what the readers of one log kept, and look at each script as a whole.

    Args:
        paths: in the order of the log; they are removed.
        rules: of event logs.
        matches: where matched rows go.
        facts: of the log.
        plain: evaluate every rule.
    """
    blocks = ScriptBlocks()
    batch = matches.batch()

    def look(rows: Iterable[Row]) -> None:
        for row in rows:
            if found := rules.match(row, plain=plain):
                facts.look(row.origin.line, row.notes)
                batch.add(row, RowView(row), "", found)

    for row in _rows(paths):
        look(blocks.take(row))
    look(blocks.finish())
    batch.flush()


def _rows(paths: Iterable[Path]) -> Iterator[Row]:
    for path in paths:
        with path.open("rb") as lines:
            for line in lines:
                yield msgspec.json.decode(line, type=Row)
        path.unlink()
