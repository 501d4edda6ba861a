"""Rows that a rule matched, or that the pivot brought -> a table on disk; findings out of it.

A finding is a rule x a subject x a day x a grade. Rows go to disk as they come, from whichever
worker; findings are made by a query that orders everything, so that neither the number of workers
nor their order shows in them.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from exopsy.detection.correlations.hit import Hit
from exopsy.detection.correlations.spool import HitSpool
from exopsy.detection.matcher import Matcher, RowView
from exopsy.pipeline.activity import ActivityMapping
from exopsy.pipeline.kept_records import KeptTables
from exopsy.schema.activity import Activity
from exopsy.schema.case import Grade
from exopsy.schema.row import Row
from exopsy.store.tables import TABLES, TableWriter, columns_of
from exopsy.store.working import WorkingTables

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = columns_of(
    "time:time log site client method stem query status:integer user user_agent"
    " bytes_in:integer bytes_out:integer request_id what detail"
    " rules:texts grades:texts subjects:texts artifact offset:integer line:integer"
    " round:integer only_by:texts raw"
)
_BATCH = 2_000
_TYPES = {"time": "TIMESTAMP", "integer": "BIGINT", "text": "VARCHAR", "texts": "VARCHAR[]"}
_NOTHING = ", ".join(
    f'CAST(NULL AS {_TYPES[column.type]}) AS "{column.name}"' for column in COLUMNS
)


class MatchTable:
    """Collects matched rows from several threads; a context manager around one file."""

    def __init__(
        self,
        folder: Path,
        mapping: ActivityMapping,
        *,
        round_number: int,
        sample_bytes: int,
        name: str = "",
        hits: HitSpool | None = None,
        kept: KeptTables | None = None,
    ) -> None:
        """Prepare the file ``name``, by default one for the round.

        Args:
            folder: of the run.
            mapping: to common words.
            round_number: 0: rules; above: rounds of the pivot.
            sample_bytes: of a record that are kept.
            name: of the file.
            hits: what the correlations need of the matches.
            kept: tables of their own that matched records have a part in.
        """
        self._hits = hits
        self._kept = kept
        self._writer = TableWriter(folder, name or f"match-{round_number}", COLUMNS)
        self.path = self._writer.path
        self._mapping = mapping
        self._round = round_number
        self._sample_bytes = sample_bytes
        self._lock = threading.Lock()
        self._open = False
        self.rows = 0
        self.untimed = 0
        """Rows that matched but carry no time: they can't be placed in a story."""

    def __enter__(self) -> Self:
        """Nothing is written before the first row."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the file if there is one."""
        if self._hits is not None:
            self._hits.__exit__(kind, error, trace)
        if self._kept is not None:
            self._kept.__exit__(kind, error, trace)
        if self._open:
            self._writer.__exit__(kind, error, trace)

    def note(self, row: Row, matched: Sequence[tuple[Matcher, Grade]]) -> None:
        """Keep what others need of a match; from any thread."""
        if self._kept is not None and matched:
            with self._lock:
                self._kept.matched(row)
        hits = self._hits
        if hits is None:
            return
        for matcher, _ in matched:
            rule = matcher.rule.info.id
            if hits.wants(rule):
                hit = Hit(
                    rule=rule,
                    timestamp=row.timestamp,
                    fields={**row.fields, **row.decoded},
                    many=row.many,
                    origin=row.origin,
                )
                with self._lock:
                    hits.add(hit)

    def batch(self) -> MatchBatch:
        """Return a collector for one thread."""
        return MatchBatch(self, self._mapping, self._round, self._sample_bytes)

    def write(self, rows: Sequence[tuple[Any, ...]], untimed: int) -> None:
        """Add rows; called by batches."""
        with self._lock:
            self.untimed += untimed
            self.rows += len(rows)
            if rows and not self._open:
                self._writer.__enter__()
                self._open = True
            if rows:
                self._writer.append(rows)


class MatchBatch:
    """One thread's rows on their way to the table."""

    def __init__(
        self, table: MatchTable, mapping: ActivityMapping, round_number: int, sample_bytes: int
    ) -> None:
        self._table = table
        self._mapping = mapping
        self._round = round_number
        self._sample_bytes = sample_bytes
        self._rows: list[tuple[Any, ...]] = []
        self._untimed = 0

    def add(
        self, row: Row, view: RowView | None, site: str, matched: Sequence[tuple[Matcher, Grade]]
    ) -> Activity | None:
        """Keep a row with the rules that it matched (none: the pivot brought it)."""
        self._table.note(row, matched)
        activity = self._mapping.make(row, site)
        if activity is None:
            self._untimed += 1
            return None
        self.keep(
            activity,
            row.raw,
            [m.rule.info.id for m, _ in matched],
            [g for _, g in matched],
            [] if view is None else _subjects(view, matched),
        )
        return activity

    def add_state(self, row: Row, view: RowView, matched: Sequence[tuple[Matcher, Grade]]) -> None:
        """Keep an element of a file: a state makes findings, but is no event of the story."""
        self.keep(
            Activity(
                time=_NO_TIME,
                host=row.host,
                log=row.log,
                artifact=row.origin.artifact,
                offset=row.origin.offset,
                line=row.origin.line,
            ),
            row.raw,
            [m.rule.info.id for m, _ in matched],
            [g for _, g in matched],
            _subjects(view, matched),
            is_state=True,
        )

    def keep(
        self,
        activity: Activity,
        raw: bytes,
        rules: list[str],
        grades: list[Grade],
        subjects: list[str],
        only_by: Sequence[str] = (),
        *,
        is_state: bool = False,
    ) -> None:
        """Keep an activity that is already in common words.

        Args:
            activity: the row.
            raw: its bytes.
            rules: ids of the rules that it matched.
            grades: grade by each of them.
            subjects: subject by each of them, as JSON.
            only_by: pivot keys of which one must turn out to be no hub; none: it is kept.
            is_state: it is how things are, not something that happened; its time means nothing.
        """
        a = activity
        self._rows.append(
            (
                None if is_state else a.time,
                a.log,
                a.site,
                a.client,
                a.method,
                a.stem,
                a.query,
                a.status,
                a.user,
                a.user_agent,
                a.bytes_in,
                a.bytes_out,
                a.request_id,
                a.what,
                a.detail,
                rules,
                grades,
                subjects,
                a.artifact,
                a.offset,
                a.line,
                self._round,
                list(only_by),
                base64.b64encode(raw[: self._sample_bytes]).decode("ascii"),
            )
        )
        if len(self._rows) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Hand over what was collected."""
        if self._rows or self._untimed:
            self._table.write(self._rows, self._untimed)
        self._rows = []
        self._untimed = 0


def _subjects(view: RowView, matched: Sequence[tuple[Matcher, Grade]]) -> list[str]:
    """Return what each match is about, as JSON."""
    subjects = []
    for matcher, _ in matched:
        view.extra.clear()
        subject = matcher.subject_of(view)
        subjects.append(msgspec.json.encode(subject, order="sorted").decode())
    return subjects


_NO_TIME = datetime.max.replace(tzinfo=UTC)

# The pivot brings rows that a rule matched before; the first round that saw a row keeps it.
_ACTIVITY = """
CREATE OR REPLACE VIEW activity AS
SELECT m.*, h.host FROM match m JOIN artifact_host h USING (artifact)
WHERE m.time IS NOT NULL
  AND (len(m.only_by) = 0 OR NOT list_has_all((SELECT list("key") FROM hub), m.only_by))
QUALIFY row_number() OVER (PARTITION BY artifact, "offset" ORDER BY round) = 1
"""
# How things are: each element of a file is a row of its own, wherever it stands.
_STATE = """
CREATE OR REPLACE VIEW state AS
SELECT m.*, h.host FROM match m JOIN artifact_host h USING (artifact) WHERE m.time IS NULL
"""
_READ = """
SELECT time, host, log, site, client, method, stem, query, status, "user", user_agent, bytes_in,
  bytes_out, request_id, what, detail, rules AS rule_ids, grades, artifact, "offset", line
FROM activity {where} ORDER BY time, artifact, "offset"
"""


def activity_view(tables: WorkingTables, files: Sequence[Path], hubs: Sequence[str] = ()) -> None:
    """Make the rows of all rounds readable as ``activity``, and states as ``state``.

    Needs ``artifact_host``.

    Args:
        tables: of the run.
        files: tables of matched rows, one a round; none: nothing matched.
        hubs: names of the pivot keys that turned out to be hubs.
    """
    if files:
        tables.add_files("match", files)
    else:
        tables.run(f"CREATE OR REPLACE VIEW match AS SELECT {_NOTHING} WHERE false")
    tables.add_rows("hub", {"key": [*hubs, ""]})
    tables.run(_ACTIVITY)
    tables.run(_STATE)


def utc(moment: datetime) -> datetime:
    """Mark a time that the tables hold without a zone as UTC."""
    return moment.replace(tzinfo=UTC)


def activity_batches(tables: WorkingTables) -> Iterator[pa.RecordBatch]:
    """Yield all activities with the columns of the case's table, ordered by time and place."""
    names = ", ".join(f'"{column.name}"' for column in TABLES["activity"])
    yield from tables.batches(f'SELECT {names} FROM activity ORDER BY time, artifact, "offset"')  # noqa: S608


def read_activities(
    tables: WorkingTables, *, host: str | None = None, of: Collection[str] | None = None
) -> Iterator[Activity]:
    """Yield activities, ordered by time and place.

    Args:
        tables: of the run.
        host: only this one's.
        of: only rows that one of these rules matched, and those that the pivot brought.
    """
    wanted = []
    if host is not None:
        wanted.append("host = '{}'".format(host.replace("'", "''")))
    if of is not None:
        tables.add_rows("told_rule", {"key": ["", *sorted(of)]})
        wanted.append(
            '(len(rules) = 0 OR list_has_any(rules, (SELECT list("key") FROM told_rule)))'
        )
    where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
    for batch in tables.batches(_READ.format(where=where)):
        columns = {name: batch.column(name).to_pylist() for name in batch.schema.names}
        names = tuple(columns)
        for row in zip(*columns.values(), strict=True):
            values = dict(zip(names, row, strict=True))
            values["time"] = utc(values["time"])
            values["rule_ids"] = tuple(values["rule_ids"] or ())
            values["grades"] = tuple(values["grades"] or ())
            yield Activity(**values)
