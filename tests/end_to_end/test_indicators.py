"""Indicators over text logs and event logs: what is met is told, and never as a verdict."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from exopsy.pipeline import event_pool, event_reading
from exopsy.schema.case import encode_case

ADDRESS, SHELL, AGENT = "203.0.113.77", "old-friend.aspx", "strange-agent/1.2"


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    folder = tmp_path / "EX01"
    folder.mkdir()
    head = (
        "#Software: Microsoft Internet Information Services 10.0\r\n"
        "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port c-ip cs(User-Agent)"
        " sc-status\r\n"
    )
    lines = [
        f"2021-03-0{day} 04:00:0{n} 192.0.2.10 GET /owa/ - 443 {client} Agent/1.0 200\r\n"
        for day in (3, 4)
        for n, client in enumerate(("198.51.100.7", ADDRESS, "203.0.113.177"))
    ]
    lines += [
        f"2021-03-05 04:00:00 192.0.2.10 GET /aspnet_client/{SHELL} - 443 198.51.100.9 {AGENT} 404\r\n"
    ]
    (folder / "u_ex210303.log").write_bytes((head + "".join(lines)).encode())
    record = {
        "Event": {
            "System": {
                "Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}},
                "EventID": 4624,
                "TimeCreated": {"#attributes": {"SystemTime": "2021-03-06T04:00:00Z"}},
                "EventRecordID": 1,
                "Channel": "Security",
                "Computer": "EX01.example.com",
            },
            "EventData": {"IpAddress": ADDRESS},
        }
    }
    (folder / "security.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def indicators(tmp_path: Path) -> Path:
    path = tmp_path / "list.txt"
    path.write_text(f"{ADDRESS}\n{SHELL}\n{AGENT}\n10.0.0.1\n", encoding="utf-8")
    return path


def test_hits_are_told_by_indicator_host_log_and_day(
    examine, collection: Path, indicators: Path
) -> None:
    case = examine(collection, indicators=[indicators])
    met = [
        (f.subject["indicator"], f.log, f.first_seen[:10], f.count, f.grade)
        for f in case.findings
        if f.rule_id.startswith("indicator-")
    ]
    assert sorted(met) == [
        (ADDRESS, "iis-w3c", "2021-03-03", 1, "attempt"),
        (ADDRESS, "iis-w3c", "2021-03-04", 1, "attempt"),
        (ADDRESS, "windows-event", "2021-03-06", 1, "success"),
        (SHELL, "iis-w3c", "2021-03-05", 1, "attempt"),
        (AGENT, "iis-w3c", "2021-03-05", 1, "attempt"),
    ]
    for finding in case.findings:
        for evidence in finding.evidence:
            raw = (collection / evidence.artifact).read_bytes()
            found = base64.b64decode(evidence.text_b64)
            at = raw.index(found, evidence.offset)
            # of a line the value itself, of an event the beginning of its record
            assert at == evidence.offset or raw[evidence.offset :].startswith(b'{"Event"')
    assert case.verdict.conclusion == "suspicious"
    told = [text for text in case.problems if "list.txt" in text]
    assert len(told) == 1
    assert "3 of 4 entries" in told[0]
    assert "1 private-address" in told[0]


def test_every_way_of_reading_meets_the_same(
    examine, collection: Path, indicators: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = encode_case(examine(collection, indicators=[indicators]))
    assert encode_case(examine(collection, indicators=[indicators], plain=True)) == usual
    monkeypatch.setattr(event_reading, "WORTH", 1)
    monkeypatch.setattr(event_pool, "WORTH", 1)
    assert encode_case(examine(collection, indicators=[indicators], workers=2)) == usual


def test_a_list_that_is_none(command, collection: Path, tmp_path: Path) -> None:
    told = command(collection, "--indicators", tmp_path / "missing.txt")
    assert told.code == 65
    assert "missing.txt" in told.err
