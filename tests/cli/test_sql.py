"""Answers of ``exopsy sql`` are safe on a terminal and in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json

import pytest

from exopsy.cli.main import main
from exopsy.store.tables import FOLDER, TABLES, TableWriter

HOSTILE = "=cmd|' /C calc'!A0\x1b[2J\u202e\r\n"


@pytest.fixture
def case_dir(tmp_path):
    with TableWriter(tmp_path / FOLDER, "artifact", TABLES["artifact"]) as table:
        table.append([(HOSTILE, "iis-w3c", "EX01", -5, None, "read", "x" * 500)])
        table.append([("plain.log", "iis-w3c", "EX01", 7, "ab", "read", "")])
    return tmp_path


def ask(capsys, case_dir, query, *options):
    code = main(["sql", str(case_dir), query, *options])
    done = capsys.readouterr()
    return code, done.out, done.err


def test_an_aligned_table_is_bounded_and_escaped(case_dir, capsys):
    code, out, _ = ask(capsys, case_dir, "SELECT path, size, sha256, why FROM artifact")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split() == ["path", "size", "sha256", "why"]
    assert "\\x1b[2J<U+202E>\\r\\n" in lines[2]
    assert "\x1b" not in out
    assert "x" * 60 not in out
    assert len(lines[2]) < 4 * 62
    assert lines[-1] == "(2 rows)"
    assert lines[2].index("-5") == lines[3].index("7")


def test_many_rows_are_cut_and_said(case_dir, capsys):
    _, out, _ = ask(capsys, case_dir, "SELECT * FROM range(5000)")
    assert len(out.splitlines()) == 1003
    assert "--csv or --json print all" in out


def test_csv_is_safe_for_a_spreadsheet_and_complete(case_dir, capsys):
    query = "SELECT path, size, range AS n FROM artifact, range(2000) ORDER BY path, n"
    code, out, _ = ask(capsys, case_dir, query, "--csv")
    rows = list(csv.reader(io.StringIO(out)))
    assert code == 0
    assert len(rows) == 4001
    assert rows[1][0] == "'=cmd|' /C calc'!A0\\x1b[2J<U+202E>\\r\\n"
    assert rows[1][1] == "-5"  # a number stays a number


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_disarms_every_formula(case_dir, capsys, first):
    _, out, _ = ask(capsys, case_dir, f"SELECT '{first}1+1' AS \"=x\"", "--csv")
    (head,), (cell,) = csv.reader(io.StringIO(out))
    assert head.startswith("'")
    assert cell.startswith("'")


def test_json_is_one_object_a_row_in_ascii(case_dir, capsys):
    query = "SELECT *, [path] AS list, TIMESTAMP '2021-03-03 04:05:06' AS at FROM artifact"
    _, out, _ = ask(capsys, case_dir, query, "--json")
    records = [json.loads(line) for line in out.splitlines()]
    assert out.isascii()
    assert records[0]["path"] == HOSTILE
    assert records[0]["list"] == [HOSTILE]
    assert records[0]["sha256"] is None
    assert records[0]["at"] == "2021-03-03T04:05:06Z"


def test_json_keeps_columns_of_one_name_apart(case_dir, capsys):
    _, out, _ = ask(capsys, case_dir, "SELECT 1 AS a, 2 AS a", "--json")
    assert json.loads(out) == {"a": 1, "a_2": 2}


def test_errors_are_sentences(case_dir, tmp_path, capsys):
    code, out, err = ask(capsys, case_dir, "SELECT nothing FROM artifact")
    assert (code, out) == (64, "")
    assert err.startswith("exopsy: ")
    assert len(err.splitlines()) == 1
    code, _, err = ask(capsys, case_dir, f"COPY artifact TO '{tmp_path}/x.csv'")
    assert code == 64
    assert "nothing else" in err
    assert not (tmp_path / "x.csv").exists()
    code, _, err = ask(capsys, tmp_path / "none", "SELECT 1")
    assert code == 66
    assert "no tables" in err
