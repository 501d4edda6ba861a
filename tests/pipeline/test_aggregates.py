from __future__ import annotations

import io
from pathlib import Path

import pytest
import sieve_law as law

from exopsy.core.limits import Limits
from exopsy.detection.rule import Aggregate
from exopsy.evidence import registry
from exopsy.pipeline.aggregates import (
    AggregateError,
    add_log_table,
    needed_columns,
    run_aggregate,
    table_name,
)
from exopsy.pipeline.blocks import BlockReader
from exopsy.pipeline.column_table import ColumnCollector, ColumnTable
from exopsy.schema.rule import RuleInfo
from exopsy.store.working import WorkingTables

SQL = """
SELECT host, AuthenticatedUser, min(time) AS first_seen, max(time) AS last_seen, count(*) AS count,
  'use' AS grade,
  min_by({'artifact': artifact, 'offset': "offset", 'line': line}, (time, artifact, "offset"), 2)
    AS samples
FROM exchange_ews GROUP BY ALL HAVING count(*) > 1
"""
EWS = registry.spec_of("exchange-ews")


def aggregate(sql: str = SQL, *, columns: tuple[str, ...] = ("AuthenticatedUser",)) -> Aggregate:
    info = RuleInfo(id="many", title="t", level="low", subject=("AuthenticatedUser",))
    return Aggregate(
        info=info, log="exchange-ews", table="exchange_ews", columns=columns, sql=sql, at="a.yml"
    )


@pytest.fixture
def tables(tmp_path: Path):
    rows = [
        {"AuthenticatedUser": user, "@time": f"2021-03-03T04:05:0{n}+00:00"}
        for n, user in enumerate(["a", "b", "a", "a"])
    ]
    data = law.exchange("exchange-ews", *rows)
    table = ColumnTable(tmp_path, EWS, ["AuthenticatedUser"])
    with table:
        collector = ColumnCollector(table, "a.log", Limits().record_bytes)
        for block in BlockReader(io.BytesIO(data), len, record_bytes=1 << 20).blocks():
            collector.feed(block)
        collector.flush()
    with WorkingTables(tmp_path) as working:
        add_log_table(working, "exchange-ews", [table.path], {"a.log": "EX01"})
        yield working


def test_a_query_over_every_row_of_a_log(tables: WorkingTables) -> None:
    (found,) = run_aggregate(aggregate(), tables)
    assert (found.host, found.count, found.subject) == ("EX01", 3, {"AuthenticatedUser": "a"})
    assert (found.first_seen, found.last_seen) == ("2021-03-03T04:05:00Z", "2021-03-03T04:05:03Z")
    assert [e.line for e in found.evidence] == [6, 8]
    assert all(e.text_b64 == "" for e in found.evidence)  # read again later


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("SELECT nonsense FROM nowhere", "The query fails"),
        ("SELECT 1 AS host", "The query returns no AuthenticatedUser, count"),
        (SQL.replace("'use'", "'certain'"), "returns 'certain' as grade"),
        ("SELECT * FROM read_csv('/etc/hostname')", "The query fails"),
    ],
)
def test_a_query_that_can_not_be_used(tables: WorkingTables, sql: str, problem: str) -> None:
    with pytest.raises(AggregateError, match=problem):
        run_aggregate(aggregate(sql), tables)


def test_columns_of_several_aggregates_are_collected_once() -> None:
    both = [aggregate(), aggregate(columns=("SoapAction", "AuthenticatedUser"))]
    assert needed_columns(both) == {"exchange-ews": {"AuthenticatedUser", "SoapAction"}}


def test_a_logs_table_is_named_as_sql_can_say_it() -> None:
    assert table_name("exchange-rps-cmdlet") == "exchange_rps_cmdlet"
