"""SQL over a case reaches the case's tables and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from exopsy.store.query import QueryError, ask, connect
from exopsy.store.tables import FOLDER, TABLES, TableWriter, columns_of


@pytest.fixture
def case_dir(tmp_path):
    # Brackets and quotes: characters that mean something to a glob and to SQL.
    folder = tmp_path / "it's a [case] *"
    with TableWriter(folder / FOLDER, "artifact", TABLES["artifact"]) as table:
        table.append([("u_ex210303.log", "iis-w3c", "EX01", 12, None, "read", "")])
    return folder


def rows(case_dir, sql):
    return list(ask(connect(case_dir), sql).rows)


def test_a_query_reads_the_tables(case_dir):
    answer = ask(connect(case_dir), "SELECT host, size + 1 AS more FROM artifact")
    assert answer.columns == ("host", "more")
    assert list(answer.rows) == [("EX01", 13)]


REFUSED = [
    "COPY artifact TO '{out}/stolen.csv'",
    "COPY artifact TO '{case}/tables/artifact.parquet'",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_blob('{case}/tables/artifact.parquet')",
    "SELECT * FROM read_parquet('{case}/tables/artifact.parquet')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM glob('/etc/*')",
    "ATTACH '{out}/other.db'",
    "EXPORT DATABASE '{out}/all'",
    "IMPORT DATABASE '{out}'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SELECT * FROM case_dir",
    "SELECT getenv('HOME')",
    "SET enable_external_access = true",
    "RESET memory_limit",
    "PRAGMA profiling_output = '{out}/profile'",
    "CALL enable_logging('QueryLog', storage = 'file', storage_path = '{out}/logs')",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_what_is_not_a_table_of_the_case_is_refused(case_dir, tmp_path, sql):
    out = tmp_path / "out"
    out.mkdir()
    before = {path: path.read_bytes() for path in case_dir.rglob("*.parquet")}
    text = sql.format(out=out, case=str(case_dir).replace("'", "''"))
    with pytest.raises(QueryError):
        rows(case_dir, text)
    assert list(out.iterdir()) == []
    assert {path: path.read_bytes() for path in case_dir.rglob("*.parquet")} == before


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT nothing FROM artifact", "nothing"),
        ("SELECT 1; SELECT 2", "one SQL statement"),
        ("", "one SQL statement"),
        ("SELECT CAST(host AS INTEGER) FROM artifact", "EX01"),
        ("COPY artifact TO '/nowhere/x.csv'", "nothing else"),
    ],
)
def test_an_error_is_one_sentence_that_says_what(case_dir, sql, told):
    with pytest.raises(QueryError, match=told) as caught:
        rows(case_dir, sql)
    assert "\n" not in str(caught.value)


def test_memory_is_bounded_and_said(case_dir):
    with pytest.raises(QueryError, match="more than 256MB"):
        rows(case_dir, "SELECT * FROM range(60_000_000) ORDER BY random() LIMIT 50_000_000")


def test_a_folder_without_tables_is_said(tmp_path):
    with pytest.raises(QueryError, match="no tables"):
        connect(tmp_path)


def test_a_damaged_table_is_said(case_dir):
    (case_dir / FOLDER / "artifact.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(QueryError, match="damaged"):
        connect(case_dir)


def test_times_are_utc_whatever_zone_they_came_in(tmp_path):
    with TableWriter(tmp_path, "visit", columns_of("time:time")) as table:
        table.append([(datetime(2021, 3, 3, 4, 5, 6, tzinfo=UTC),), ("2021-03-03T05:05:06+01:00",)])
    expected = datetime(2021, 3, 3, 4, 5, 6)  # noqa: DTZ001 - DuckDB's TIMESTAMP has no zone
    assert rows(tmp_path, "SELECT DISTINCT time FROM visit") == [(expected,)]
