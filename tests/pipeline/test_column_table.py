from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sieve_law as law

from exopsy.evidence import registry
from exopsy.pipeline.blocks import BLOCK, BlockReader
from exopsy.pipeline.column_table import ColumnCollector, ColumnTable
from exopsy.schema.row import Row

EWS = registry.spec_of("exchange-ews")
COLUMNS = ("SoapAction", "AuthenticatedUser")


def table_of(
    folder: Path, data: bytes, block_bytes: int, record_bytes: int
) -> list[dict[str, Any]]:
    table = ColumnTable(folder, EWS, COLUMNS)
    with table:
        collector = ColumnCollector(table, "a.log", record_bytes)
        reader = BlockReader(
            io.BytesIO(data), len, record_bytes=record_bytes + 2, block_bytes=block_bytes
        )
        for block in reader.blocks():
            collector.feed(block)
        collector.flush()
    if not table.path.exists():
        return []  # nothing is written before the first row
    rows: list[dict[str, Any]] = pq.read_table(table.path).to_pylist()
    assert len(rows) == table.rows
    return rows


def plainly(data: bytes, record_bytes: int) -> list[dict[str, Any]]:
    items = registry.load(EWS).parse(
        io.BytesIO(data), artifact="a.log", host="", record_bytes=record_bytes
    )
    return [
        {
            "time": None if item.timestamp is None else item.timestamp.replace(tzinfo=None),
            "artifact": "a.log",
            "offset": item.origin.offset,
            "line": item.origin.line,
            **{name: item.value(name) for name in sorted(COLUMNS)},
        }
        for item in items
        if isinstance(item, Row)
    ]


@pytest.mark.parametrize("record_bytes", [40, 200, 700, 1 << 20])
@pytest.mark.parametrize("block_bytes", [64, 300, BLOCK])
def test_the_table_holds_what_the_plain_path_reads(
    tmp_path: Path, block_bytes: int, record_bytes: int
) -> None:
    for seed in range(15):
        data = law.damaged_log("exchange-ews", random.Random(seed))
        assert table_of(tmp_path / str(seed), data, block_bytes, record_bytes) == plainly(
            data, record_bytes
        )


def test_columns_are_asked_for_once_and_in_order(tmp_path: Path) -> None:
    table = ColumnTable(tmp_path, EWS, ["SoapAction", "AuthenticatedUser", "SoapAction"])
    assert table.columns == ("AuthenticatedUser", "SoapAction")
    assert table.path.name == "rows_exchange_ews.parquet"
