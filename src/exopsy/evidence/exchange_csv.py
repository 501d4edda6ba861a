"""Exchange's text logs: ``#`` lines or a plain column row -> layout, a CSV line -> a row.

Two header styles. A: ``#Software``, ``#Version``, ``#Log-type``, ``#Date``, ``#Fields`` and rows. B
(made for spreadsheets): first the bare column row, then the same ``#`` lines, then rows. Both may
come again in mid-file, with other columns. Quoting is RFC 4180; line ends never stand inside a cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import BinaryIO

from exopsy.core.text import decode_utf8
from exopsy.evidence import framing
from exopsy.evidence.decoding import decode_fields
from exopsy.evidence.header import read_comment, with_columns
from exopsy.evidence.registry import spec_of
from exopsy.evidence.times import read_iso
from exopsy.schema.columns import COLUMNS, Decoding, LogColumns
from exopsy.schema.format import Layout
from exopsy.schema.row import Origin, Row, Skipped

_LETTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_NAMES = re.compile(rb"[A-Za-z][\w.-]*(?:,[A-Za-z][\w.-]*)+,?\Z")


def split_cells(text: str) -> list[str]:
    """Split a line into cells, quoting undone.

    Not the ``csv`` module: that refuses a bare carriage return and cells over a process-wide limit.
    A quote that is never closed takes the rest of the line, as there.
    """
    if '"' not in text:
        return text.split(",")
    cells: list[str] = []
    open_cell: list[str] = []
    quotes = 0
    for part in text.split(","):
        if not open_cell and part[:1] != '"':
            cells.append(part)
            continue
        open_cell.append(part)
        quotes += part.count('"')
        if quotes % 2 == 0:
            cells.append(_unquote(",".join(open_cell)))
            open_cell, quotes = [], 0
    if open_cell:
        cells.append(_unquote(",".join(open_cell)))
    return cells


def _unquote(cell: str) -> str:
    inner = cell[1:-1] if len(cell) > 1 and cell.endswith('"') else cell[1:]
    return inner.replace('""', '"')


def is_column_row(line: bytes, time_column: bytes) -> bool:
    """Say whether a line is a bare row of column names, the time's among them.

    Every record starts with a digit; the rest of a torn one may be words and commas only, and must
    not be taken for a header.
    """
    if not line or line[0] not in _LETTERS:
        return False
    look = _known_column_row if len(line) <= _CACHED_BYTES else _are_names
    return look(line, time_column)


def _are_names(line: bytes, time_column: bytes) -> bool:
    return _NAMES.match(line) is not None and time_column in line.split(b",")


_CACHED_BYTES = 8_192
_known_column_row = lru_cache(maxsize=256)(_are_names)


class CsvFormat:
    """One format of the family: what its module's functions are bound to.

    Args:
        name: format name in the registry.
        derive: adds fields that stand inside other fields.
        read_time: reads the time column.
    """

    def __init__(
        self,
        name: str,
        *,
        derive: Callable[[dict[str, str]], None] | None = None,
        read_time: Callable[[str], datetime | None] = read_iso,
    ) -> None:
        self.name = name
        self._derive = derive
        self._read_time = read_time
        self._time_column = spec_of(name).time_column
        self._time_bytes = self._time_column.encode()
        self._known = COLUMNS[name]
        self._decodings = _decodings_of(self._known, (*self._known.columns, *self._known.derived))

    def is_header(self, line: bytes) -> bool:
        """Say whether a line is a ``#`` line or a row of column names."""
        return line[:1] == b"#" or is_column_row(line, self._time_bytes)

    def read_header(self, line: bytes, layout: Layout) -> Layout:
        """Return the layout in force after a header line."""
        if line[:1] == b"#":
            return read_comment(line, layout, split=_names)
        return with_columns(layout, _names(decode_utf8(line)))

    def parse_record(self, raw: bytes, layout: Layout, origin: Origin, host: str) -> Row | Skipped:
        """Turn one line into a row. Cells past the last named column are in ``raw`` only."""
        columns = layout.columns
        if not columns:
            return Skipped(reason="no-columns", origin=origin)
        text = decode_utf8(raw)
        cells = split_cells(text)
        if len(cells) < len(columns):
            return Skipped(reason="field-count", origin=origin)
        fields = {name: cell for name, cell in zip(columns, cells, strict=False) if cell}
        if self._derive is not None:
            self._derive(fields)
        decodings = self._decodings
        if self._known.derived_prefixes:  # Parameters.<Name>: the names come from the record
            decodings = _decodings_of(self._known, tuple(fields))
        time = fields.get(self._time_column)
        return Row(
            log=self.name,
            host=host,
            timestamp=None if time is None else self._read_time(time),
            fields=fields,
            decoded=decode_fields(fields, decodings),
            origin=origin,
            raw=raw,
        )

    def parse(
        self,
        stream: BinaryIO,
        *,
        artifact: str,
        host: str,
        record_bytes: int = framing.RECORD_BYTES,
    ) -> Iterator[Row | Skipped]:
        """Yield every record of a stream in order."""
        return framing.parse_plainly(
            stream,
            is_header=self.is_header,
            read_header=self.read_header,
            parse_record=self.parse_record,
            artifact=artifact,
            host=host,
            record_bytes=record_bytes,
        )


def _decodings_of(known: LogColumns, fields: tuple[str, ...]) -> tuple[tuple[str, Decoding], ...]:
    return tuple((field, how) for field in fields if (how := known.decoding(field)) is not None)


@lru_cache(maxsize=256)
def _names(text: str) -> tuple[str, ...]:
    """Return the column names of a header line."""
    return tuple(cell.strip() for cell in split_cells(text))
