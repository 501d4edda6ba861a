"""The tables of a case -> answers to SQL, from an engine that can reach nothing else.

DuckDB is handed the Parquet files as opened Arrow datasets, so it needs no file access of its own:
external access, extensions and Python variables are off and the configuration is locked. An SQL
text may come from anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exopsy.store.tables import FOLDER

if TYPE_CHECKING:
    import duckdb

MEMORY = "256MB"
THREADS = 2
_BATCH = 1_000


class QueryError(Exception):
    """A query can't be answered; the message is a sentence."""


def connect(case_dir: Path) -> duckdb.DuckDBPyConnection:
    """Open the tables of a case (or of a folder that holds Parquet files itself) for queries.

    Raises:
        QueryError: there are no tables.
    """
    import duckdb
    import pyarrow.dataset as ds
    from pyarrow import ArrowInvalid

    folder = case_dir / FOLDER if (case_dir / FOLDER).is_dir() else case_dir
    files = sorted(path for path in folder.glob("*.parquet") if path.stem.isidentifier())
    if not files:
        raise QueryError(f"{case_dir} holds no tables. Give the folder of a case.")
    connection = duckdb.connect(
        ":memory:",
        config={
            "enable_external_access": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
            "temp_directory": "",
            "memory_limit": MEMORY,
            "threads": str(THREADS),
        },
    )
    for path in files:
        try:
            connection.register(path.stem, ds.dataset(path, format="parquet"))
        except (ArrowInvalid, OSError) as error:
            connection.close()
            raise QueryError(f"{path} is damaged: examine the collection again.") from error
    connection.execute("SET lock_configuration = true")
    return connection


class Answer:
    """Column names, and the rows as they come."""

    def __init__(self, columns: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> None:
        self.columns = tuple(columns)
        self.rows = rows


def ask(connection: duckdb.DuckDBPyConnection, sql: str) -> Answer:
    """Run one statement.

    Raises:
        QueryError: not one statement, not SQL, names something that is not there, asks for what
            is refused, or needs more memory than there is. Also while the rows are read.
    """
    import duckdb

    try:
        statements = duckdb.extract_statements(sql)
        if len(statements) != 1:
            raise QueryError("Give one SQL statement at a time.")
        result = connection.execute(statements[0])
        columns = [column[0] for column in result.description or ()]
    except duckdb.Error as error:
        raise _refusal(error) from error
    return Answer(columns, _rows(result))


def _rows(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    import duckdb

    try:
        while batch := result.fetchmany(_BATCH):
            yield from batch
    except duckdb.Error as error:
        raise _refusal(error) from error


def _refusal(error: duckdb.Error) -> QueryError:
    import duckdb

    # Catalog Error: Table with name x does not exist!\nDid you mean "y"?\n\nLINE 1: ...
    told = " ".join(str(error).split("\n\nLINE ")[0].split())
    if isinstance(error, duckdb.PermissionException):
        return QueryError(f"Refused: a query reads the case's tables and nothing else. ({told})")
    if isinstance(error, duckdb.OutOfMemoryException):
        return QueryError(f"The query needs more than {MEMORY} of memory: narrow it with WHERE.")
    return QueryError(told)
