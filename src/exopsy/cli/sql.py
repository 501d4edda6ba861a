"""``exopsy sql``: one SQL statement over a case's tables -> an aligned table, CSV or JSON lines."""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from exopsy.cli.errors import WrongCommandError
from exopsy.cli.table import print_table
from exopsy.core.clock import format_utc
from exopsy.core.errors import CollectionError
from exopsy.core.exit_code import ExitCode
from exopsy.reports.escape import formula_safe, visible
from exopsy.store.query import Answer, QueryError, ask, connect

_MOST_ROWS = 1_000
"""Of an aligned table, which is for eyes; --csv and --json give all."""
_CELL = 32_000
"""Characters of a CSV cell; spreadsheets take 32,767."""


def run(arguments: argparse.Namespace) -> int:
    """Answer a query."""
    try:
        connection = connect(arguments.case)
    except QueryError as error:
        raise CollectionError(str(error)) from error
    try:
        answer = ask(connection, arguments.query)
        if arguments.csv:
            _print_csv(answer)
        elif arguments.json:
            _print_json(answer)
        else:
            _print_aligned(answer)
    except QueryError as error:
        raise WrongCommandError(str(error)) from error
    finally:
        connection.close()
    return ExitCode.NO_EVIDENCE_FOUND


def _print_aligned(answer: Answer) -> None:
    rows = list(itertools.islice(answer.rows, _MOST_ROWS + 1))
    shown = rows[:_MOST_ROWS]
    print_table(answer.columns, [[_text(cell) for cell in row] for row in shown])
    more = " of more; --csv or --json print all" if len(rows) > _MOST_ROWS else ""
    print(f"({len(shown)} row{'' if len(shown) == 1 else 's'}{more})")


def _print_csv(answer: Answer) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([_csv_cell(name) for name in answer.columns])
    for row in answer.rows:
        writer.writerow([_csv_cell(cell) for cell in row])


def _csv_cell(cell: Any) -> str:  # noqa: ANN401 - whatever SQL answers
    text = _text(cell)
    # A number stays a number, also below zero.
    if isinstance(cell, int | float):
        return text
    # First the original's first character: a TAB is harmless once it reads as \t, but says intent.
    return visible(formula_safe(text), _CELL)


def _print_json(answer: Answer) -> None:
    for row in answer.rows:
        record = dict(zip(_unique(answer.columns), row, strict=True))
        # ASCII only: the output may be a terminal.
        print(json.dumps(record, default=_text, ensure_ascii=True).replace("\x7f", "\\u007f"))


def _unique(columns: tuple[str, ...]) -> Iterator[str]:
    """Name every column differently: a join may bring ``host`` twice."""
    taken: dict[str, int] = {}
    for name in columns:
        taken[name] = taken.get(name, 0) + 1
        yield name if taken[name] == 1 else f"{name}_{taken[name]}"


def _text(cell: Any) -> str:  # noqa: ANN401 - whatever SQL answers
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return format_utc(cell if cell.tzinfo else cell.replace(tzinfo=UTC))
    if isinstance(cell, list | tuple):
        return ", ".join(_text(item) for item in cell)
    return str(cell)
