"""What had to be chosen in reading is counted and told, for what it is."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest

from exopsy.evidence.events import notes
from exopsy.pipeline import reading_notes
from exopsy.pipeline.reading_notes import tell_notes, why_in_part
from exopsy.schema.artifact import ArtifactFacts


def facts(path: str, looked: int = 9, **found: int) -> ArtifactFacts:
    named = {word.replace("_", "-"): count for word, count in found.items()}
    return ArtifactFacts(
        path=path, kind="evtx-json", host="", size=1, sha256=None, state="read", looked=looked, notes=named
    )  # fmt: skip


def test_every_note_of_a_row_has_its_words() -> None:
    reasons = {notes.NOT_JSON, notes.TOO_DEEP, notes.NO_EVENT, notes.TOO_LONG}
    every = {v for n, v in inspect.getmembers(notes) if n.isupper() and isinstance(v, str)}
    assert every - reasons - {notes.NAMES_LOST} == set(reading_notes._WORDS)


def test_notes_are_told_with_their_number() -> None:
    (text,) = tell_notes([facts("a", time_zone_assumed=3), facts("b")])
    assert text.startswith("a: of the 9 records looked at closely, 3 carry a time without a zone")


def test_many_artifacts_with_one_note_are_not_all_named() -> None:
    told = tell_notes([facts(f"a{n}", cut=1) for n in range(9)])
    assert len(told) == 6
    assert told[-1] == "a4: the same is true of 4 more artifacts."


def test_an_export_without_names_was_read_in_part() -> None:
    assert why_in_part(facts("a", cut=1)) == ""
    assert "(of 2 of 9 records looked at)" in why_in_part(facts("a", names_lost=2))


def local(number: int, *, zone: str, utc: str = "") -> str:
    data = {"Image": "x.exe", "TargetFilename": "C:\\inetpub\\wwwroot\\x.aspx"}
    return json.dumps(
        {
            "EventID": 11, "Channel": "Microsoft-Windows-Sysmon/Operational", "Hostname": "EX01",
            "EventTime": f"2021-03-03 06:00:0{number}{zone}", **data,
            **({"UtcTime": utc} if utc else {}),
        }
    )  # fmt: skip


@pytest.mark.parametrize("plain", [False, True])
def test_a_case_says_which_times_were_assumed(examine_here, tmp_path: Path, plain: bool) -> None:
    folder = tmp_path / "EX01"
    folder.mkdir()
    # the first and the last are looked at, and the second because a rule matched it
    lines = [local(1, zone=""), local(2, zone=""), local(3, zone="").replace("aspx", "txt"),
             local(4, zone="", utc="2021-03-03 04:00:04.000")]  # fmt: skip
    (folder / "sysmon.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    case = examine_here(folder, plain=plain)
    (coverage,) = (c for c in case.hosts[0].coverage if c.log.startswith("windows-event"))
    assert coverage.notes == {"time-from-utc-time": 1, "time-zone-assumed": 2}
    told = [p for p in case.problems if "records looked at closely" in p]
    assert sorted(p.partition(", ")[2][:20] for p in told) == [
        "1 carry a time that ",
        "2 carry a time witho",
    ]


def test_a_case_says_that_names_were_lost(examine_here, tmp_path: Path) -> None:
    folder = tmp_path / "EX01"
    folder.mkdir()
    record = {
        "Id": 11, "LogName": "Security", "ProviderName": "x", "MachineName": "EX01", "RecordId": 1,
        "TimeCreated": "/Date(1614744000000)/", "Properties": [{"Value": "a"}],
    }  # fmt: skip
    (folder / "security.json").write_text(json.dumps([record]), encoding="utf-8")
    case = examine_here(folder)
    (artifact,) = case.artifacts
    assert artifact.state == "partial"
    assert any("without their names (of 1 of 1" in problem for problem in case.problems)
