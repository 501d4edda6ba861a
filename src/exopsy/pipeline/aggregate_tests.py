"""One case of an aggregate's test: its rows become a log, the log a table, the table findings."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from exopsy.core.content import CONTENT
from exopsy.core.limits import Limits
from exopsy.detection.matcher import Matcher, RowView
from exopsy.detection.rule import Aggregate, RuleSet
from exopsy.evidence import registry
from exopsy.evidence.events.flatten import flatten
from exopsy.pipeline.activity import load_activity_mapping
from exopsy.pipeline.aggregates import (
    AggregateError,
    add_hosts,
    add_log_table,
    run_aggregate,
)
from exopsy.pipeline.column_table import ColumnCollector, ColumnTable
from exopsy.pipeline.event_rows import render_events
from exopsy.pipeline.matches import MatchTable, activity_view
from exopsy.pipeline.rule_rows import render_log
from exopsy.schema.case import Finding
from exopsy.schema.event import EVENT_LOG
from exopsy.schema.row import Row
from exopsy.store.working import WorkingTables

_HOSTS = {"test": "TEST"}


class Case(Protocol):
    """What is read of a test case."""

    @property
    def findings(self) -> int | None:
        """How many findings are wanted."""

    @property
    def subjects(self) -> list[dict[str, str]] | None:
        """What they are about."""

    @property
    def log(self) -> str | None:
        """Which log the rows are of."""


def run_aggregate_case(
    aggregate: Aggregate, rows: Sequence[dict[str, str]], case: Case, rules: RuleSet
) -> str:
    """Return what is wrong with the outcome, "" if nothing is."""
    try:
        with tempfile.TemporaryDirectory(prefix="exopsy-test-") as name:
            found = _findings(aggregate, rows, case, rules, Path(name))
    except AggregateError as error:
        return str(error)
    if case.findings is None or len(found) != case.findings:
        return f"gives {len(found)} findings, wanted {case.findings}"
    if case.subjects is not None and [f.subject for f in found] != case.subjects:
        return f"is about {[f.subject for f in found]}, wanted {case.subjects}"
    return ""


def _findings(
    aggregate: Aggregate, rows: Sequence[dict[str, str]], case: Case, rules: RuleSet, folder: Path
) -> list[Finding]:
    log = aggregate.log or case.log
    if log is None:
        raise AggregateError("A case of an aggregate over activities names the log of its rows.")
    parsed = _events(rows) if log == EVENT_LOG else _lines(log, rows)
    with WorkingTables(folder) as tables:
        if aggregate.log is not None:
            table = ColumnTable(folder, registry.spec_of(log), aggregate.columns)
            with table:
                collector = ColumnCollector(table, "test", Limits().record_bytes)
                for row in parsed:
                    collector.add(row)
                collector.flush()
            add_log_table(tables, log, [table.path], _HOSTS)
        else:
            _match(log, parsed, rules, folder, tables)
        return sorted(run_aggregate(aggregate, tables), key=lambda f: (f.first_seen, f.key))


def _lines(log: str, rows: Sequence[dict[str, str]]) -> list[Row]:
    data = render_log(log, rows)
    parser = registry.load(registry.spec_of(log))
    items = parser.parse(io.BytesIO(data), artifact="test", host="")
    return [item for item in items if isinstance(item, Row)]


def _events(rows: Sequence[dict[str, str]]) -> list[Row]:
    batch = render_events(rows)
    made = (
        flatten(text, artifact="test", host="", offset=offset, number=number)
        for text, offset, number in zip(batch.texts, batch.offsets, batch.numbers, strict=True)
    )
    return [item for item in made if isinstance(item, Row)]


def _match(
    log: str, parsed: Sequence[Row], rules: RuleSet, folder: Path, tables: WorkingTables
) -> None:
    matchers = [Matcher(rule, rules.lists) for rule in rules.rules if rule.log == log]
    mapping = load_activity_mapping(CONTENT / "mappings" / "activity.yml")
    limits = Limits()
    matches = MatchTable(folder, mapping, round_number=0, sample_bytes=limits.sample_bytes)
    with matches:
        batch = matches.batch()
        for row in parsed:
            view = RowView(row)
            matched = [(m, grade) for m in matchers if (grade := m.match(view)) is not None]
            if matched:
                batch.add(row, view, "", matched)
        batch.flush()
    if not matches.rows:
        raise AggregateError("No row of the case matches any rule.")
    add_hosts(tables, _HOSTS)
    activity_view(tables, [matches.path])
