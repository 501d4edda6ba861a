from __future__ import annotations

import base64
import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sieve_law as law

from exopsy.core.limits import Limits
from exopsy.detection.matcher import Matcher, RowView
from exopsy.detection.rule import GradeWhen
from exopsy.pipeline.aggregates import add_hosts
from exopsy.pipeline.findings import make_findings, number_findings
from exopsy.pipeline.matches import MatchTable, activity_view, read_activities
from exopsy.schema.case import Finding
from exopsy.schema.row import Origin, Row
from exopsy.store.working import WorkingTables

MAPPING = law.bundle().mapping
AT = datetime(2021, 3, 3, 4, 0, 0, tzinfo=UTC)
RULE = law.rule_of(
    "iis-w3c",
    {"one": {"cs-uri-stem|contains": "/ecp/"}, "condition": "one"},
    number=1,
    subject=("c-ip",),
)


def row(minute: int | None, *, client: str = "192.0.2.7", offset: int = 0, **fields: str) -> Row:
    return Row(
        log="iis-w3c",
        host="",
        timestamp=None if minute is None else AT + timedelta(minutes=minute),
        fields={"c-ip": client, "cs-uri-stem": "/ecp/x", **fields},
        origin=Origin(artifact="a.log", offset=offset, line=offset + 1),
        raw=b"raw %d" % offset,
    )


class Run:
    """One run's tables in a folder."""

    def __init__(self, folder: Path, number: int = 0) -> None:
        self.folder = folder
        self.table = MatchTable(folder, MAPPING, round_number=number, sample_bytes=100)
        self.matcher = Matcher(RULE, {})

    def keep(self, *rows: Row) -> None:
        with self.table:
            batch = self.table.batch()
            for item in rows:
                batch.add(item, RowView(item), "W3SVC1", [(self.matcher, "attempt")])
            batch.flush()


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[WorkingTables]:
    with WorkingTables(tmp_path) as working:
        add_hosts(working, {"a.log": "EX01"})
        yield working


def findings(tables: WorkingTables, run: Run, limits: Limits | None = None) -> list[Finding]:
    activity_view(tables, [run.table.path])
    return make_findings(tables, {RULE.info.id: RULE.info}, limits or Limits())


def test_rows_come_back_as_activities_in_order(tmp_path: Path, tables: WorkingTables) -> None:
    run = Run(tmp_path)
    run.keep(row(5, offset=10), row(1, offset=20), row(None, offset=30))
    assert (run.table.rows, run.table.untimed) == (2, 1)
    activity_view(tables, [run.table.path])
    found = list(read_activities(tables))
    assert [(a.offset, a.host, a.rule_ids, a.grades) for a in found] == [
        (20, "EX01", ("rule-1",), ("attempt",)),
        (10, "EX01", ("rule-1",), ("attempt",)),
    ]
    assert found[0].time == AT + timedelta(minutes=1)
    assert list(read_activities(tables, host="EX'02")) == []


def test_without_rows_no_file_is_written(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.keep()
    assert not run.table.path.exists()


def test_the_first_round_that_saw_a_row_keeps_it(tmp_path: Path, tables: WorkingTables) -> None:
    first, second = Run(tmp_path, 0), Run(tmp_path, 1)
    first.keep(row(1, offset=10))
    with second.table:
        batch = second.table.batch()
        for offset in (10, 20):
            activity = MAPPING.make(row(1, offset=offset), "")
            assert activity is not None
            batch.keep(activity, b"", [], [], [])
        batch.flush()
    activity_view(tables, [first.table.path, second.table.path])
    assert [(a.offset, a.rule_ids) for a in read_activities(tables)] == [
        (10, ("rule-1",)),
        (20, ()),
    ]


def test_a_finding_is_rule_subject_day_and_grade(tmp_path: Path, tables: WorkingTables) -> None:
    run = Run(tmp_path)
    run.keep(
        row(0, offset=1),
        row(5, offset=2),
        row(6, offset=3, client="192.0.2.8"),
        row(24 * 60, offset=4),
    )
    found = findings(tables, run)
    assert [(f.subject["c-ip"], f.count, f.first_seen, f.last_seen) for f in found] == [
        ("192.0.2.7", 2, "2021-03-03T04:00:00Z", "2021-03-03T04:05:00Z"),
        ("192.0.2.8", 1, "2021-03-03T04:06:00Z", "2021-03-03T04:06:00Z"),
        ("192.0.2.7", 1, "2021-03-04T04:00:00Z", "2021-03-04T04:00:00Z"),
    ]
    assert len({f.key for f in found}) == 3
    assert [base64.b64decode(e.text_b64) for e in found[0].evidence] == [b"raw 1", b"raw 2"]


def test_samples_are_the_earliest_and_bounded(tmp_path: Path, tables: WorkingTables) -> None:
    run = Run(tmp_path)
    run.keep(*(row(n, offset=n) for n in random.Random(1).sample(range(50), 50)))
    (found,) = findings(tables, run, Limits(samples_per_finding=3))
    assert found.count == 50
    assert [e.offset for e in found.evidence] == [0, 1, 2]


def test_what_is_past_the_limit_is_folded_into_one(tmp_path: Path, tables: WorkingTables) -> None:
    run = Run(tmp_path)
    run.keep(*(row(n, offset=n, client=f"192.0.2.{n}") for n in range(10)))
    found = findings(tables, run, Limits(findings_per_rule=4))
    assert [f.folded for f in found] == [0, 0, 0, 0, 6]
    assert (found[-1].count, found[-1].subject) == (6, {})
    assert found[-1].evidence[0].offset == 4


def test_neither_threads_nor_order_show(tmp_path: Path) -> None:
    rows = [row(n % 7, offset=n, client=f"192.0.2.{n % 3}") for n in range(300)]
    results = []
    for number in range(3):
        folder = tmp_path / str(number)
        run = Run(folder)
        shuffled = random.Random(number).sample(rows, len(rows))

        def keep(part: list[Row], run: Run = run) -> None:
            batch = run.table.batch()
            for item in part:
                batch.add(item, RowView(item), "", [(run.matcher, "attempt")])
            batch.flush()

        with run.table:
            threads = [threading.Thread(target=keep, args=(shuffled[n::4],)) for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        with WorkingTables(folder) as tables:
            add_hosts(tables, {"a.log": "EX01"})
            results.append(findings(tables, run))
    assert results[0] == results[1] == results[2]


def test_building_blocks_make_no_finding(tmp_path: Path, tables: WorkingTables) -> None:
    import msgspec

    run = Run(tmp_path)
    run.keep(row(1))
    activity_view(tables, [run.table.path])
    quiet = msgspec.structs.replace(RULE.info, building_block=True)
    assert make_findings(tables, {quiet.id: quiet}, Limits()) == []


def test_two_rules_with_two_grades_on_one_row(tmp_path: Path, tables: WorkingTables) -> None:
    import msgspec

    other = msgspec.structs.replace(
        RULE,
        info=msgspec.structs.replace(RULE.info, id="rule-2", subject=("cs-uri-stem",)),
        grades=(GradeWhen(when=None, grade="use"),),
    )
    run = Run(tmp_path)
    item = row(1)
    with run.table:
        batch = run.table.batch()
        batch.add(item, RowView(item), "", [(run.matcher, "attempt"), (Matcher(other, {}), "use")])
        batch.flush()
    activity_view(tables, [run.table.path])
    infos = {r.info.id: r.info for r in (RULE, other)}
    found = make_findings(tables, infos, Limits())
    assert [(f.rule_id, f.grade, f.subject) for f in found] == [
        ("rule-1", "attempt", {"c-ip": "192.0.2.7"}),
        ("rule-2", "use", {"cs-uri-stem": "/ecp/x"}),
    ]


def test_display_ids_and_hashes_come_last(tmp_path: Path, tables: WorkingTables) -> None:
    run = Run(tmp_path)
    run.keep(row(5, client="192.0.2.1"), row(1, client="192.0.2.2", offset=9))
    found = number_findings(reversed(findings(tables, run)), {"a.log": "ab" * 32})
    assert [(f.id, f.subject["c-ip"]) for f in found] == [("F1", "192.0.2.2"), ("F2", "192.0.2.1")]
    assert {e.sha256 for f in found for e in f.evidence} == {"ab" * 32}
