"""Tables line up, are bounded, and do nothing."""

from __future__ import annotations

from exopsy.cli.table import print_table


def test_columns_line_up_and_cells_are_bounded(capsys):
    print_table(("a", "long name"), [("x" * 100, "1"), ("\x1b[2J", "2")], widest=10)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "a           long name",
        "----------  ---------",
        "xxxxxxxxx…  1",
        "\\x1b[2J     2",
    ]


def test_a_table_without_rows_has_its_head(capsys):
    print_table(("a",), [])
    assert capsys.readouterr().out == "a\n-\n"
