"""Cmdlets that the readers kept -> the case's table ``exchange_cmdlet``, ordered by time and place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from exopsy.pipeline.kept_records import CMDLET
from exopsy.store.tables import TABLES, TableWriter
from exopsy.store.working import WorkingTables

NAME = "exchange_cmdlet"


def write_cmdlets(tables: WorkingTables, kept: Mapping[str, Sequence[Path]], folder: Path) -> None:
    """Write the table; without rows where nothing was kept.

    Args:
        tables: of the run, with ``artifact_host``.
        kept: files of the readers, by table.
        folder: of the case's tables.
    """
    with TableWriter(folder, NAME, TABLES[NAME]) as table:
        if not kept.get(CMDLET):
            return
        tables.add_files("raw_cmdlet", kept[CMDLET])
        names = ", ".join(f'"{column.name}"' for column in TABLES[NAME])
        table.append_batches(
            tables.batches(
                f"SELECT {names} FROM raw_cmdlet JOIN artifact_host USING (artifact) "  # noqa: S608
                'ORDER BY time, artifact, "offset"'
            )
        )
