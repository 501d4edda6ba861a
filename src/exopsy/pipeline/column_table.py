"""Every record of a log that an aggregate asks for -> a table of just the columns it needs."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from exopsy.evidence import registry
from exopsy.pipeline.blocks import Block
from exopsy.pipeline.sieving import pieces
from exopsy.schema.format import FormatSpec, Layout
from exopsy.schema.row import Origin, Row
from exopsy.store.tables import Column, TableWriter

_PLACE = (
    Column("time", "time", "time"),
    Column("artifact", "text", "artifact"),
    Column("offset", "integer", "offset"),
    Column("line", "integer", "line"),
)
_BATCH = 5_000


class ColumnTable:
    """Collects columns of every record of one log from several threads; a context manager."""

    def __init__(
        self, folder: Path, spec: FormatSpec, columns: Sequence[str], name: str = ""
    ) -> None:
        """Prepare; ``name`` tells the files of several processes apart."""
        self.spec = spec
        self.columns = tuple(sorted(set(columns)))
        file = f"rows_{spec.name.replace('-', '_')}{name and f'-{name}'}"
        self._writer = TableWriter(
            folder, file, (*_PLACE, *(Column(c, "text", c) for c in self.columns))
        )
        self.path = self._writer.path
        self._lock = threading.Lock()
        self._open = False
        self.rows = 0

    def __enter__(self) -> Self:
        """Nothing is written before the first row."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the file if there is one."""
        if self._open:
            self._writer.__exit__(kind, error, trace)

    def append(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows; from any thread."""
        if not rows:
            return
        with self._lock:
            if not self._open:
                self._writer.__enter__()
                self._open = True
            self._writer.append(rows)
            self.rows += len(rows)


class ColumnCollector:
    """One artifact's way into the table, block by block."""

    def __init__(self, table: ColumnTable, artifact: str, record_bytes: int) -> None:
        self._table = table
        self._artifact = artifact
        self._most = record_bytes
        self._parser = registry.load(table.spec)
        self._layout = Layout()
        self._line = 0
        self._rows: list[tuple[Any, ...]] = []

    def feed(self, block: Block) -> None:
        """Take in all records of a block."""
        data, size = block.data, block.size
        start = 0
        first = True
        while start < size:
            stop = data.find(b"\n", start, size)
            stop = size if stop < 0 else stop
            if not (first and block.is_rest):
                self._line += 1
                # Of a longer record only so much is read; the line end may come behind it.
                self._take(
                    bytes(data[start : min(stop, start + self._most + 2)]), block.base + start
                )
            first = False
            start = stop + 1

    def _take(self, line: bytes, offset: int) -> None:
        for shift, whole in pieces(line):
            piece = whole[: self._most]
            if self._parser.is_header(piece):
                self._layout = self._parser.read_header(piece, self._layout)
                continue
            origin = Origin(artifact=self._artifact, offset=offset + shift, line=self._line)
            self.add(self._parser.parse_record(piece, self._layout, origin, ""))

    def add(self, item: object) -> None:
        """Take in one parsed record; what was skipped is left out."""
        if isinstance(item, Row):
            place = item.origin
            values = (item.value(column) for column in self._table.columns)
            self._rows.append((item.timestamp, place.artifact, place.offset, place.line, *values))
            if len(self._rows) >= _BATCH:
                self.flush()

    def flush(self) -> None:
        """Hand over what was collected."""
        self._table.append(self._rows)
        self._rows = []
