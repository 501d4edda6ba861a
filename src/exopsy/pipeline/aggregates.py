"""Aggregates of the content, run over the tables of one run -> findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from exopsy.detection.rule import Aggregate
from exopsy.pipeline.findings import to_finding
from exopsy.schema.case import GRADES, Finding
from exopsy.store.working import WorkingTables

ACTIVITY = "activity"
_REQUIRED = frozenset(("host", "first_seen", "last_seen", "count", "grade", "samples"))


class AggregateError(Exception):
    """An aggregate's query can't be run, or does not return what findings need."""


def run_aggregate(aggregate: Aggregate, tables: WorkingTables) -> list[Finding]:
    """Run one aggregate; its table must be there.

    Raises:
        AggregateError: the query fails, or lacks a column; the message is a sentence.
    """
    import duckdb

    try:
        rows = list(tables.rows(aggregate.sql))
    except duckdb.Error as error:
        raise AggregateError(f"The query fails: {error}") from error
    return [_finding(aggregate, row) for row in rows]


def needed_columns(aggregates: Sequence[Aggregate]) -> dict[str, set[str]]:
    """Return log -> columns that aggregates ask of every record of it."""
    needed: dict[str, set[str]] = {}
    for aggregate in aggregates:
        if aggregate.log is not None:
            needed.setdefault(aggregate.log, set()).update(aggregate.columns)
    return needed


def table_name(log: str) -> str:
    """Return the name under which a log's table is asked: ``exchange_ews``."""
    return log.replace("-", "_")


def add_log_table(
    tables: WorkingTables, log: str, files: Sequence[Path], hosts: Mapping[str, str]
) -> None:
    """Make a log's column tables readable as one, with the host of each artifact."""
    name = table_name(log)
    tables.add_files(f"raw_{name}", files)
    add_hosts(tables, hosts)
    tables.run(
        f"CREATE OR REPLACE VIEW {name} AS SELECT r.*, h.host FROM raw_{name} r "  # noqa: S608 - our names
        "JOIN artifact_host h USING (artifact)"
    )


def add_hosts(tables: WorkingTables, hosts: Mapping[str, str]) -> None:
    """Register which host each artifact is of."""
    paths = sorted(hosts)
    tables.add_rows("artifact_host", {"artifact": paths, "host": [hosts[p] for p in paths]})


def _finding(aggregate: Aggregate, row: Mapping[str, Any]) -> Finding:
    missing = (_REQUIRED | set(aggregate.info.subject)) - row.keys()
    if missing:
        raise AggregateError(f"The query returns no {', '.join(sorted(missing))}.")
    if row["grade"] not in GRADES:
        raise AggregateError(f"The query returns {row['grade']!r} as grade.")
    subject = {name: str(row[name]) for name in aggregate.info.subject if row[name] is not None}
    samples = [
        {"time": place, "raw": "", **sample} for place, sample in enumerate(row["samples"] or ())
    ]
    made = {
        "host": row["host"],
        "log": aggregate.log or "",
        "subject": msgspec.json.encode(subject, order="sorted").decode(),
        "grade": row["grade"],
        "count": int(row["count"]),
        "first_seen": row["first_seen"],
        "last_seen": row["last_seen"],
        "samples": samples,
        "request_ids": [],
        "folded": 0,
    }
    return to_finding(aggregate.info, made)
