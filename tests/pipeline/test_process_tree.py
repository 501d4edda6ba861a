"""Which process started which, by ids and by numbers that are used again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sieve_law as law

from exopsy.pipeline.aggregates import add_hosts
from exopsy.pipeline.kept_records import ACT, KEPT, START
from exopsy.pipeline.matches import MatchTable, activity_view
from exopsy.pipeline.process_tree import ProcessTree
from exopsy.schema.activity import Activity
from exopsy.schema.case import Evidence, Finding
from exopsy.schema.process import ProcessTie
from exopsy.schema.rule import RuleInfo
from exopsy.store.tables import TableWriter
from exopsy.store.working import WorkingTables

START_TIME = datetime(2021, 3, 3, 4, tzinfo=UTC)
SYSMON, SECURITY = "Microsoft-Windows-Sysmon", "Microsoft-Windows-Security-Auditing"
INFOS = {
    "high": RuleInfo(id="high", title="High", level="high"),
    "low": RuleInfo(id="low", title="Low", level="low"),
    "block": RuleInfo(id="block", title="Block", level="high", building_block=True),
}


class Case:
    """One run's tables, filled by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.starts: list[tuple[Any, ...]] = []
        self.acts: list[tuple[Any, ...]] = []
        self.matches: list[tuple[Activity, str, str]] = []
        self._offset = 0

    def _place(self, artifact: str, rule: str, grade: str, second: float) -> dict[str, Any]:
        self._offset += 10
        place = {"artifact": artifact, "offset": self._offset}
        if rule:
            time = START_TIME + timedelta(seconds=second)
            own = Activity(time=time, host="", log="windows-event", line=1, **place)
            self.matches.append((own, rule, grade))
        return place

    def start(
        self,
        second: float,
        image: str,
        *,
        guid: str = "",
        parent_guid: str = "",
        pid: int | None = None,
        parent_pid: int | None = None,
        parent: str | None = "parent.exe",
        command: str | None = None,
        source: str = "",
        computer: str = "ex01",
        artifact: str = "a",
        rule: str = "",
        grade: str = "use",
    ) -> int:
        """Add a start; return its offset."""
        place = self._place(artifact, rule, grade, second)
        row = {
            "time": START_TIME + timedelta(seconds=second),
            "computer": computer,
            "source": source or (SYSMON if guid else SECURITY),
            "pid": pid,
            "guid": guid or None,
            "parent_pid": parent_pid,
            "parent_guid": parent_guid or None,
            "image": f"C:\\x\\{image}",
            "command": command,
            "parent_image": None if parent is None else f"C:\\y\\{parent}",
            "line": 1,
            **place,
        }
        self.starts.append(tuple(row.get(column.name) for column in KEPT[START]))
        return self._offset

    def act(
        self, second: float, *, guid: str = "", pid: int | None = None, image: str = "", rule: str = "high",
        grade: str = "use", artifact: str = "a",
    ) -> int:  # fmt: skip
        """Add something that a process did; return its offset."""
        place = self._place(artifact, rule, grade, second)
        row = {
            "time": START_TIME + timedelta(seconds=second), "computer": "ex01", "pid": pid,
            "guid": guid or None, "image": f"C:\\x\\{image}" if image else None, **place,
        }  # fmt: skip
        self.acts.append(tuple(row.get(column.name) for column in KEPT[ACT]))
        return self._offset

    def tree(self, tables: WorkingTables) -> ProcessTree:
        """Write everything and link."""
        kept = {}
        for table, rows in ((START, self.starts), (ACT, self.acts)):
            if rows:
                # however the readers divided them
                for part, some in enumerate((rows[::2], rows[1::2])):
                    with TableWriter(self.folder, f"{table}-{part}", KEPT[table]) as writer:
                        writer.append(some)
                    kept.setdefault(table, []).append(writer.path)
        add_hosts(tables, {"a": "EX01", "b": "EX01", "c": "EX02"})
        match = MatchTable(self.folder, law.bundle().mapping, round_number=0, sample_bytes=10)
        with match:
            batch = match.batch()
            for own, rule, grade in self.matches:
                batch.keep(own, b"", [rule], [grade], ["{}"])  # type: ignore[list-item]
            batch.flush()
        activity_view(tables, [match.path] if match.rows else [])
        return ProcessTree(tables, kept)

    def rows(self, tables: WorkingTables) -> list[dict[str, Any]]:
        """Return the case's table."""
        self.tree(tables).write(self.folder / "case")
        return pq.read_table(self.folder / "case" / "process.parquet").to_pylist()

    def ties(self, tables: WorkingTables, host: str = "EX01") -> list[ProcessTie]:
        """Return the ties of a host."""
        tree = self.tree(tables)
        tree.tie(INFOS, list(INFOS))
        return tree.ties(host)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[WorkingTables]:
    with WorkingTables(tmp_path) as working:
        yield working


def family(rows: list[dict[str, Any]]) -> list[tuple[str, str | None, str | None]]:
    """Return each process with its parent's name, and by what they are linked."""
    names = {row["id"]: row["image"].rpartition("\\")[2] for row in rows}
    return [(names[row["id"]], names.get(row["parent"]), row["linked_by"]) for row in rows]


def test_what_descends_from_a_root_is_kept_with_its_chain(case, tables):
    case.start(0, "w3wp.exe", guid="g1", parent="svchost.exe")
    case.start(1, "cmd.exe", guid="g2", parent_guid="g1", parent="W3WP.exe")
    case.start(2, "net.exe", guid="g3", parent_guid="g2", parent="cmd.exe")
    case.start(3, "net1.exe", guid="g4", parent_guid="g3", parent="net.exe")
    case.start(3, "notepad.exe", guid="g5", parent_guid="g9", parent="explorer.exe")
    case.start(4, "calc.exe", guid="g6", parent_guid="g5", parent="notepad.exe", rule="low")
    rows = case.rows(tables)
    assert family(rows) == [
        ("w3wp.exe", None, None),
        ("cmd.exe", "w3wp.exe", "guid"),
        ("net.exe", "cmd.exe", "guid"),
        ("net1.exe", "net.exe", "guid"),
        ("notepad.exe", None, None),  # above what a rule matched
        ("calc.exe", "notepad.exe", "guid"),
    ]
    assert [row["under"] for row in rows] == [None, *["w3wp.exe"] * 3, None, None]
    assert {row["host"] for row in rows} == {"EX01"}


def test_a_number_that_is_used_again_names_the_newest_before_it(case, tables):
    case.start(0, "cmd.exe", pid=8, parent_pid=4, parent="w3wp.exe", command="first")
    case.start(9, "cmd.exe", pid=8, parent_pid=4, parent="w3wp.exe", command="second")
    case.start(10, "net.exe", pid=12, parent_pid=8, parent="cmd.exe")
    case.start(20, "cmd.exe", pid=8, parent_pid=4, parent="w3wp.exe", command="third")
    rows = case.rows(tables)
    (net,) = (row for row in rows if row["image"].endswith("net.exe"))
    assert net["linked_by"] == "pid"
    (parent,) = (row for row in rows if row["id"] == net["parent"])
    assert parent["command"] == "second"


@pytest.mark.parametrize(
    "other",
    [
        {"image": "calc.exe"},  # the number belongs to somebody else by now
        {"computer": "ex02"},
        {"artifact": "c"},
        {"second": 11},
        {"pid": 9},
        {"source": SYSMON},
    ],
)
def test_a_number_alone_makes_no_parent(case, tables, other):
    own = {"second": 0, "image": "cmd.exe", "pid": 8, "parent": "w3wp.exe", **other}
    case.start(own.pop("second"), own.pop("image"), **own)
    case.start(10, "net.exe", pid=12, parent_pid=8, parent="cmd.exe", rule="high")
    assert ("net.exe", None, None) in family(case.rows(tables))


def test_a_number_has_a_parent_where_the_record_names_no_image(case, tables):
    case.start(0, "cmd.exe", pid=8, parent_pid=4, parent="w3wp.exe")
    case.start(10, "net.exe", pid=12, parent_pid=8, parent=None)
    assert ("net.exe", "cmd.exe", "pid") in family(case.rows(tables))


def test_what_is_above_and_below_a_matched_process_knows_its_root(case, tables):
    """Also where every one of them was matched by itself."""
    for number in range(1, 9):
        parent = "w3wp.exe" if number == 1 else f"p{number - 1}.exe"
        case.start(
            number, f"p{number}.exe", guid=f"g{number}", parent_guid=f"g{number - 1}", parent=parent, rule="low",
        )  # fmt: skip
    assert [row["under"] for row in case.rows(tables)] == ["w3wp.exe"] * 8


def test_a_ring_in_the_evidence_ends(case, tables):
    case.start(0, "a.exe", guid="g1", parent_guid="g2", parent="w3wp.exe", rule="high")
    case.start(0, "b.exe", guid="g2", parent_guid="g1", parent="w3wp.exe", rule="high")
    case.start(0, "c.exe", guid="g3", parent_guid="g3", parent="c.exe", rule="high")
    assert sorted(family(case.rows(tables))) == [
        ("a.exe", None, None),
        ("b.exe", "a.exe", "guid"),
        ("c.exe", None, None),
    ]
    assert len(case.ties(tables)) == 1


def test_a_log_handed_in_twice_has_each_tree_of_its_own(case, tables):
    for artifact in ("a", "b"):
        case.start(1, "cmd.exe", guid="g2", parent_guid="g1", parent="w3wp.exe", artifact=artifact)
        case.start(2, "net.exe", guid="g3", parent_guid="g2", artifact=artifact)
    rows = case.rows(tables)
    of = {row["id"]: row["artifact"] for row in rows}
    assert [of[row["parent"]] == row["artifact"] for row in rows if row["parent"]] == [True, True]


def test_an_effect_is_tied_to_the_nearest_process_that_another_is_about(case, tables):
    shell = case.start(1, "cmd.exe", guid="g2", parent_guid="g1", parent="w3wp.exe", rule="high")
    case.start(2, "net.exe", guid="g3", parent_guid="g2", parent="cmd.exe", rule="low")
    case.start(3, "x.exe", guid="g4", parent_guid="g3", parent="net.exe")
    written = case.act(4, guid="g4")
    again = case.act(5, guid="g4")
    case.act(6, guid="g4", rule="low")
    case.act(6, guid="g4", grade="attempt")
    case.act(6, guid="g4", rule="block")
    case.act(7, guid="g8")
    assert [(t.offset, t.from_offset, t.by_guid) for t in case.ties(tables)] == [
        (written, shell, True),
        (again, written, True),
    ]
    assert case.ties(tables, "EX02") == []


def test_a_tie_by_number_is_weak(case, tables):
    shell = case.start(1, "cmd.exe", pid=8, parent_pid=4, parent="w3wp.exe", rule="high")
    case.start(2, "net.exe", pid=12, parent_pid=8, parent="cmd.exe")
    act = case.act(4, pid=12, image="net.exe")
    case.act(4, pid=12, image="other.exe")  # the number was given away
    case.act(1.5, pid=12, image="net.exe")  # before it was his
    (tie,) = case.ties(tables)
    assert (tie.offset, tie.from_offset, tie.by_guid) == (act, shell, False)


def test_the_service_itself_ties_nothing_together(case, tables):
    """A web worker lives for days; that it did two things says nothing of who asked for them."""
    case.start(0, "w3wp.exe", guid="g1", parent="svchost.exe")
    case.act(10, guid="g1")
    case.act(5000, guid="g1")
    assert case.ties(tables) == []


def test_a_finding_says_where_its_process_comes_from(case, tables):
    case.start(
        1, "cmd.exe", guid="g2", parent_guid="g1", parent="w3wp.exe", command="cmd \x1b[31m\u202e"
    )
    case.start(2, "net.exe", guid="g3", parent_guid="g2", parent="cmd.exe", command="y" * 500)
    place = case.act(4, guid="g3")
    alone = case.act(4, guid="g7")
    tree = case.tree(tables)

    def finding(offset: int) -> Finding:
        evidence = [Evidence(artifact="a", offset=offset, line=1, text_b64="")]
        return Finding(
            id="F1", key="k", rule_id="high", title="t", level="high", grade="use", host="EX01",
            log="windows-event", first_seen="", last_seen="", count=1, evidence=evidence,
        )  # fmt: skip

    found, other = finding(place), finding(alone)
    tree.tell([found, other])
    assert found.ancestry == ["C:\\y\\w3wp.exe", "cmd ?[31m?", "y" * 119 + "…"]
    assert not other.ancestry


def test_without_process_starts_there_is_an_empty_table(case, tables):
    case.act(1, guid="g")
    tree = case.tree(tables)
    tree.tie(INFOS, list(INFOS))
    tree.tell([])
    tree.write(case.folder / "case")
    assert pq.read_table(case.folder / "case" / "process.parquet").num_rows == 0
    assert tree.ties("EX01") == []
