"""Rows -> an aligned table for a terminal; every cell escaped and bounded."""

from __future__ import annotations

from collections.abc import Sequence

from exopsy.reports.escape import visible

WIDEST = 60


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], widest: int = WIDEST
) -> None:
    """Print a table; cells longer than ``widest`` are cut with an ellipsis."""
    head = [_cell(name, widest) for name in columns]
    body = [[_cell(cell, widest) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    print(_line(head, widths))
    print("  ".join("-" * width for width in widths))
    for row in body:
        print(_line(row, widths))


def _cell(text: str, widest: int) -> str:
    shown = visible(text[: widest + 1], widest + 1)
    return shown if len(shown) <= widest else f"{shown[: widest - 1]}…"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
