"""The connection with which a run itself asks its tables: our own SQL, spilling to the case folder.

``store.query`` is for SQL that may come from anywhere; this one is never handed any such text but
the queries of content, which are reviewed like code, and it too reaches no network and no file
outside the folder of the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

MEMORY = "160MB"
_BATCH = 2_000
_ARROW_BATCH = 20_000


class WorkingTables:
    """A DuckDB connection over Parquet files of one run; a context manager."""

    def __init__(self, folder: Path) -> None:
        import duckdb

        self._spill = folder / "spill"
        self._connection: duckdb.DuckDBPyConnection = duckdb.connect(
            ":memory:",
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "python_enable_replacements": "false",
                "temp_directory": str(self._spill),
                "memory_limit": MEMORY,
                "threads": "2",
                "preserve_insertion_order": "false",
            },
        )
        self._connection.execute(f"SET allowed_directories = [{_quoted(f'{folder}/')}]")
        self._connection.execute("SET enable_external_access = false")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *stop: object) -> None:
        """Close; the spill files go with it."""
        self._connection.close()

    def add_files(self, name: str, files: Sequence[Path]) -> None:
        """Make Parquet files of one schema, in the run's folder, readable as the table ``name``."""
        paths = ", ".join(_quoted(str(path)) for path in files)
        self._connection.execute(
            f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet([{paths}])"  # noqa: S608
        )

    def add_rows(self, name: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Make a small table out of columns of text."""
        import pyarrow as pa

        table = pa.table({key: pa.array(list(values)) for key, values in columns.items()})
        self._connection.register(name, table)

    def run(self, sql: str) -> None:
        """Run a statement that makes a view."""
        self._connection.execute(sql)

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Run a query and yield its rows as Arrow, without making objects of them."""
        yield from self._connection.sql(sql).to_arrow_reader(_ARROW_BATCH)

    def rows(self, sql: str) -> Iterator[dict[str, Any]]:
        """Run a query and yield its rows as they come; one query at a time."""
        result = self._connection.execute(sql)
        names = [column[0] for column in result.description or ()]
        while batch := result.fetchmany(_BATCH):
            for row in batch:
                yield dict(zip(names, row, strict=True))


def _quoted(text: str) -> str:
    """Write a path of our own as an SQL string."""
    return "'" + text.replace("'", "''") + "'"
