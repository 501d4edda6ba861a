"""Rows and documents -> Parquet files in the case folder, one file a table.

The same rows in the same order give the same bytes. Memory holds one row group at most, however
long the table becomes. Times are UTC without a zone (DuckDB's ``TIMESTAMP``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import msgspec

from exopsy.core.clock import parse_utc
from exopsy.schema.case import CaseDocument, Coverage, Finding, Host

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER = "tables"
"""Where the tables lie inside a case folder."""
ROWS_PER_GROUP = 20_000

ColumnType = Literal["text", "texts", "integer", "time"]
TableRow = Sequence[Any] | msgspec.Struct


class Column(msgspec.Struct, frozen=True):
    """One column of a table."""

    name: str
    type: ColumnType = "text"
    attribute: str = ""
    """Field of the struct that fills it, where that is not the column's name."""


def columns_of(text: str) -> tuple[Column, ...]:
    """Read ``"time:time host rules:texts=rule_ids"``: name, type, and the field it is filled from."""
    columns = []
    for word in text.split():
        name, _, attribute = word.partition("=")
        name, _, kind = name.partition(":")
        columns.append(Column(name, msgspec.convert(kind or "text", ColumnType), attribute or name))
    return tuple(columns)


TABLES: dict[str, tuple[Column, ...]] = {
    "activity": columns_of(
        "time:time host log site client method stem query status:integer user user_agent"
        " bytes_in:integer bytes_out:integer request_id what detail"
        " rules:texts=rule_ids grades:texts artifact offset:integer line:integer"
    ),
    "exchange_cmdlet": columns_of(
        "time:time host log computer user sid cmdlet parameters result error application process"
        " activity_id artifact offset:integer line:integer"
    ),
    "process": columns_of(
        "id:integer parent:integer linked_by time:time host computer source pid:integer guid"
        " parent_pid:integer parent_guid image command parent_image parent_command user under"
        " artifact offset:integer line:integer"
    ),
    "finding": columns_of(
        "id key host rule_id title level grade chain behaviour techniques:texts log subject"
        " first_seen:time last_seen:time count:integer folded:integer"
        " artifact offset:integer line:integer next"
    ),
    "coverage": columns_of(
        "host log state from_time:time to_time:time artifacts:integer lines:integer bytes:integer"
        " records:integer headers:integer nul:integer cut:integer undecodable:integer"
        " unread:integer days_full:integer days_part:integer days_none:integer"
    ),
    "coverage_day": columns_of("host log day state"),
    "artifact": columns_of("path kind host size:integer sha256 state why"),
    "operator": columns_of(
        "host id key addresses:texts user_agents:texts accounts:texts first_seen:time"
        " last_seen:time planted:texts used:texts probed:texts actions:integer"
    ),
    "backdoor": columns_of(
        "host id key kind path sha256 state planted_at:time planted_by removed_at:time"
        " first_use:time last_use:time requests:integer used_by:texts probed_by:texts"
        " finding_ids:texts"
    ),
}
"""Columns of the case's tables, those that are made of records first. A table of a log's own rows is declared by whoever makes it."""


OF_RECORDS = frozenset(("activity", "exchange_cmdlet", "process"))
"""Tables that the run makes of records; the case document fills the others."""


def load_writer() -> None:
    """Import what writes tables now, so that processes that are forked later share it."""
    import pyarrow.parquet  # noqa: F401


class TableWriter:
    """Write ``folder/<name>.parquet`` row by row; a context manager.

    The file appears under its name when the block ends well; a block that ends in an exception
    leaves none.
    """

    def __init__(self, folder: Path, name: str, columns: Sequence[Column]) -> None:
        self.path = folder / f"{name}.parquet"
        self._part = folder / f"{name}.parquet.part"
        self._columns = tuple(columns)
        self._rows: list[TableRow] = []

    def __enter__(self) -> Self:
        """Open the file; its folder is made where it is missing."""
        import pyarrow.parquet as pq

        self._part.parent.mkdir(parents=True, exist_ok=True)
        self._schema = _arrow_schema(self._columns)
        self._writer = pq.ParquetWriter(
            self._part, self._schema, compression="zstd", compression_level=3, version="2.6"
        )
        return self

    def append(self, rows: Iterable[TableRow]) -> None:
        """Add rows: structs with the columns' fields, or sequences in the columns' order."""
        for row in rows:
            self._rows.append(row)
            if len(self._rows) == ROWS_PER_GROUP:
                self._flush()

    def append_batches(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Add rows that are Arrow already, with the table's columns in order.

        They are cut into row groups as rows are, however they come: the same rows, the same bytes.
        """
        import pyarrow as pa

        held: list[pa.Table] = []
        count = 0
        for batch in batches:
            if batch.schema.types == self._schema.types:  # casting loads Arrow's compute functions
                held.append(pa.Table.from_arrays(batch.columns, schema=self._schema))
            else:
                held.append(pa.Table.from_batches([batch]).cast(self._schema))
            count += batch.num_rows
            while count >= ROWS_PER_GROUP:
                whole = pa.concat_tables(held)
                self._writer.write_table(whole.slice(0, ROWS_PER_GROUP).combine_chunks())
                held, count = [whole.slice(ROWS_PER_GROUP)], count - ROWS_PER_GROUP
        if count:
            self._writer.write_table(pa.concat_tables(held).combine_chunks())

    def _flush(self) -> None:
        import pyarrow as pa

        columns = zip(*map(self._in_columns, self._rows), strict=True)
        arrays = [
            _array(list(values), column.type, field.type)
            for values, column, field in zip(columns, self._columns, self._schema, strict=True)
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._rows.clear()

    def _in_columns(self, row: TableRow) -> Sequence[Any]:
        if isinstance(row, msgspec.Struct):
            return [getattr(row, column.attribute) for column in self._columns]
        return row

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the file, or take away what was begun."""
        if kind is None and self._rows:
            self._flush()
        self._writer.close()
        if kind is None:
            self._part.replace(self.path)
        else:
            self._part.unlink(missing_ok=True)


def _arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "texts": pa.list_(pa.string()),
        "integer": pa.int64(),
        "time": pa.timestamp("us"),
    }
    return pa.schema([(column.name, types[column.type]) for column in columns])


def _array(values: list[Any], kind: ColumnType, arrow: pa.DataType) -> pa.Array:
    """Return the values of one column as Arrow has them."""
    import pyarrow as pa

    if kind == "time":
        moments = [_utc(value) for value in values]
        # A view, not a cast: casting loads all of Arrow's compute functions.
        return pa.array(moments, type=pa.timestamp("us", "UTC")).view(arrow)
    try:
        return pa.array(values, type=arrow)
    except UnicodeEncodeError:
        if kind == "texts":
            return pa.array(
                [None if v is None else [_encodable(item) for item in v] for v in values],
                type=arrow,
            )
        return pa.array([_encodable(v) if isinstance(v, str) else v for v in values], type=arrow)


def _encodable(text: str) -> str:
    """Spell out halves of surrogate pairs, which a parser may keep: Parquet's text is UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _utc(value: datetime | str | None) -> datetime | None:
    """Return an aware time; one without a zone is the machine's own."""
    moment = parse_utc(value) if isinstance(value, str) else value
    if moment is None or moment.tzinfo is UTC:
        return moment
    return moment.astimezone(UTC)


def write_case_tables(case: CaseDocument, folder: Path) -> None:
    """Write the tables that a case document fills: all but ``OF_RECORDS``."""
    hosts = case.hosts
    days = (
        (host.name, entry.log, day, state)
        for host in hosts
        for entry in host.coverage
        for day, state in sorted(entry.days.items())
    )
    filled: dict[str, Iterable[TableRow]] = {
        "finding": (_finding(finding) for finding in case.findings),
        "coverage": (_coverage(host, entry) for host in hosts for entry in host.coverage),
        "coverage_day": days,
        "artifact": case.artifacts,
        "operator": (row for host in hosts for row in _operators(host)),
        "backdoor": (row for host in hosts for row in _backdoors(host)),
    }
    for name, rows in filled.items():
        with TableWriter(folder, name, TABLES[name]) as table:
            table.append(rows)


def _finding(finding: Finding) -> tuple[Any, ...]:
    first = finding.evidence[0] if finding.evidence else None
    subject = msgspec.json.encode(finding.subject, order="sorted").decode()
    own = {**msgspec.structs.asdict(finding), "subject": subject}
    for name in ("artifact", "offset", "line"):
        own[name] = None if first is None else getattr(first, name)
    return _in_order("finding", own)


def _coverage(host: Host, entry: Coverage) -> tuple[Any, ...]:
    own = {**entry.classes, **msgspec.structs.asdict(entry), "host": host.name}
    own |= {"from_time": entry.from_, "to_time": entry.to}
    states = list(entry.days.values())
    own |= {f"days_{state}": states.count(state) for state in ("full", "part", "none")}
    return _in_order("coverage", own)


def _operators(host: Host) -> Iterable[tuple[Any, ...]]:
    for operator in host.operators:
        own = msgspec.structs.asdict(operator)
        own |= {"host": host.name, "actions": len(operator.actions)}
        yield _in_order("operator", own)


def _backdoors(host: Host) -> Iterable[tuple[Any, ...]]:
    for backdoor in host.backdoors:
        yield _in_order("backdoor", {**msgspec.structs.asdict(backdoor), "host": host.name})


def _in_order(table: str, own: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(own.get(column.attribute) for column in TABLES[table])
