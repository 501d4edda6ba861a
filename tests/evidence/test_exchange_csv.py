"""Cells, column rows and bags."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.evidence.bag import pairs
from exopsy.evidence.exchange_csv import is_column_row, split_cells


@given(st.lists(st.text(alphabet='ab,"; é', max_size=6), min_size=1, max_size=6))
@settings(max_examples=200, deadline=None)
def test_what_a_csv_writer_wrote_is_read_back(cells: list[str]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    if cells != [""]:  # the csv module writes "" for that
        assert split_cells(out.getvalue()) == cells


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ('a,"never closed, b', ["a", "never closed, b"]),
        ('a,b "in" c,d', ["a", 'b "in" c', "d"]),
        ('"a\rb",c', ["a\rb", "c"]),
        ("", [""]),
    ],
)
def test_damaged_quoting(line: str, cells: list[str]) -> None:
    assert split_cells(line) == cells


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"DateTime,RequestId,UrlStem", True),
        (b'"DateTime","RequestId"', False),
        (b"Method,DateTime,client-ip,", True),
        (b"Proxy,EX01,Success", False),
        (b"MyDateTime,EX01", False),
        (b"free text, and more", False),
        (b"2021-03-03T04:00:01Z,a", False),
        (b"word", False),
        (b"", False),
    ],
)
def test_column_row(line: bytes, expected: bool) -> None:
    assert is_column_row(line, b"DateTime") is expected


@pytest.mark.parametrize(
    ("bag", "expected"),
    [
        ("S:A=1;Dbl:B=2.5;I32:C=3;F:D=4;E=5", list("ABCDE")),
        ("'S:A=x;y=''z''';S:B=1", ["A", "B"]),
        ("'S:A=open;S:B=1", ["A"]),
        (";;S:;'';'", []),
        ("", []),
    ],
)
def test_bag(bag: str, expected: list[str]) -> None:
    assert [name for name, _ in pairs(bag)] == expected


def test_a_wrapped_pair_is_unwrapped() -> None:
    assert dict(pairs("'S:CMD=Set-X.Url=''http://o.example/;a=b''.Id=''1''';S:B=")) == {
        "CMD": "Set-X.Url='http://o.example/;a=b'.Id='1'",
        "B": "",
    }


@given(st.text(alphabet="S:;='ab", max_size=40))
@settings(max_examples=200, deadline=None)
def test_no_bag_makes_it_raise(bag: str) -> None:
    list(pairs(bag))
