"""The tables of a case: complete, the same bytes every time, nothing half written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exopsy.schema.activity import Activity
from exopsy.schema.case import decode_case
from exopsy.store import tables
from exopsy.store.tables import OF_RECORDS, TABLES, TableWriter, columns_of, write_case_tables

CASE = decode_case((Path(__file__).parents[1] / "reports" / "data" / "case.json").read_bytes())


def activity(line=1, **fields):
    own = {"host": "EX01", "log": "iis-w3c", "artifact": "a.log", "offset": 0, **fields}
    return Activity(time=datetime(2021, 3, 3, tzinfo=UTC), line=line, **own)


def write(folder, rows, name="activity"):
    with TableWriter(folder, name, TABLES[name]) as table:
        table.append(rows)
    return folder / f"{name}.parquet"


def test_the_activity_table_holds_every_field_of_an_activity(tmp_path):
    filled = {column.attribute for column in TABLES["activity"]}
    assert filled == set(Activity.__struct_fields__)
    path = write(tmp_path, [activity(rule_ids=("r1", "r2"), grades=("attempt", "use"))])
    (row,) = pq.read_table(path).to_pylist()
    assert row["rules"] == ["r1", "r2"]
    assert row["status"] is None
    assert row["time"] == datetime(2021, 3, 3)  # noqa: DTZ001 - UTC by definition of the column


def test_rows_beyond_one_group_keep_their_order(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "ROWS_PER_GROUP", 7)
    path = write(tmp_path, (activity(line) for line in range(20)))
    file = pq.ParquetFile(path)
    assert [file.metadata.row_group(at).num_rows for at in range(3)] == [7, 7, 6]
    assert file.read()["line"].to_pylist() == list(range(20))


def test_equal_rows_give_equal_bytes(tmp_path):
    rows = [activity(line, stem=f"/owa/{line}") for line in range(50)]
    paths = [write(tmp_path / name, rows) for name in ("one", "two")]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_table_that_failed_half_way_is_not_there(tmp_path):
    with (
        pytest.raises(ZeroDivisionError),
        TableWriter(tmp_path, "activity", TABLES["activity"]) as table,
    ):
        table.append([activity()])
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_text_that_is_not_unicode_is_kept_visible(tmp_path):
    path = write(tmp_path, [activity(stem="/a\udc80", rule_ids=("\udcff",))])
    (row,) = pq.read_table(path).to_pylist()
    assert row["stem"] == "/a\\udc80"
    assert row["rules"] == ["\\udcff"]


def test_an_unknown_column_type_is_refused():
    with pytest.raises(Exception, match="Invalid enum value"):
        columns_of("size:number")


def test_a_case_fills_every_table_that_is_not_made_of_records(tmp_path):
    write_case_tables(CASE, tmp_path)
    read = {path.stem: pq.read_table(path).to_pylist() for path in tmp_path.iterdir()}
    assert set(read) == set(TABLES) - OF_RECORDS
    host = CASE.hosts[0]
    assert [row["id"] for row in read["finding"]] == [finding.id for finding in CASE.findings]
    assert read["finding"][0]["offset"] == CASE.findings[0].evidence[0].offset
    assert read["finding"][0]["subject"] == '{"ClientIpAddress":"192.0.2.7"}'
    assert [row["actions"] for row in read["operator"]] == [1, 0]
    assert read["operator"][0]["addresses"] == ["192.0.2.7"]
    assert read["backdoor"][0]["planted_at"] == datetime(2021, 3, 3, 4, 10)  # noqa: DTZ001 - UTC
    assert read["backdoor"][0]["host"] == "EX01"
    coverage = read["coverage"][0]
    assert (coverage["days_full"], coverage["days_part"], coverage["days_none"]) == (6, 1, 2)
    assert coverage["from_time"] == datetime(2021, 3, 1)  # noqa: DTZ001 - UTC
    assert coverage["records"] == 1_230_000
    assert len(read["coverage_day"]) == sum(len(entry.days) for entry in host.coverage)
    assert [row["path"] for row in read["artifact"]] == [entry.path for entry in CASE.artifacts]


def test_no_column_of_a_case_table_stays_empty_for_want_of_a_field(tmp_path):
    """A misspelt column would be null in every row."""
    write_case_tables(CASE, tmp_path)
    may_be_empty = {"sha256", "removed_at", "planted_by"}
    for path in tmp_path.iterdir():
        table = pq.read_table(path)
        for name in table.column_names:
            if name not in may_be_empty:
                assert table[name].null_count < table.num_rows, f"{path.stem}.{name}"


def test_batches_of_other_types_become_the_tables(tmp_path):
    columns = columns_of("name count:integer")
    batch = pa.record_batch({"name": pa.array(["a"]), "count": pa.array([7], pa.int32())})
    with TableWriter(tmp_path, "narrow", columns) as narrow:
        narrow.append_batches([batch])
    with TableWriter(tmp_path, "whole", columns) as whole:
        whole.append(iter([("a", 7)]))
    tables = [pq.read_table(table.path) for table in (narrow, whole)]
    assert tables[0].equals(tables[1])
    assert tables[0].schema.field("count").type == pa.int64()
