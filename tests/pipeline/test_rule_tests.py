"""Tests beside rules for event logs: what the machinery makes of them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from exopsy.detection.lint import lint
from exopsy.evidence.registry import FORMATS
from exopsy.pipeline import rule_tests
from exopsy.pipeline.rule_tests import run_rule_tests

RULE: dict[str, Any] = {
    "title": "A program was started by a worker",
    "id": "0f5c2b0e-7c8e-4d55-9b8c-8a7b4a3f0a02",
    "status": "test",
    "description": "What it means.\nMisses: others.",
    "references": ["https://example.com/"],
    "level": "high",
    "tags": ["attack.execution", "attack.t1059"],
    "logsource": {"product": "windows", "category": "process_creation"},
    "detection": {
        "worker": {"ParentImage|endswith": "\\w3wp.exe"},
        "shell": {"Image|endswith": "\\cmd.exe"},
        "quiet": {"Image|endswith": "\\sysWOW64\\cmd.exe"},
        "condition": "worker and shell",
    },
    "falsepositives": ["an update"],
    "exopsy": {
        "behaviour": "P20",
        "grade": [{"when": "quiet", "grade": "attempt"}, {"grade": "use"}],
        "subject": ["Computer", "Image", "NewProcessName"],
        "innocent": ["an update"],
        "next": "look at it",
    },
}
SYSMON = {
    "Channel": "Microsoft-Windows-Sysmon/Operational",
    "EventID": 1,
    "Image": "C:\\Windows\\System32\\cmd.exe",
    "ParentImage": "C:\\Windows\\System32\\inetsrv\\w3wp.exe",
}
AUDIT = {
    "Channel": "Security",
    "EventID": 4688,
    "NewProcessName": "C:\\Windows\\SysWOW64\\cmd.exe",
    "ParentProcessName": "C:\\Windows\\System32\\inetsrv\\W3WP.EXE",
}
CASES: list[dict[str, Any]] = [
    {"name": "hit", "rows": [SYSMON, AUDIT], "matches": [0, 1], "grades": ["use", "attempt"]},
    {"name": "near miss", "rows": [{**SYSMON, "EventID": 5}], "matches": []},
]


def write(folder: Path, rule: dict[str, Any], cases: list[dict[str, Any]]) -> Path:
    place = folder / "detections" / "execution"
    place.mkdir(parents=True)
    (place / "process_shell.yml").write_text(yaml.safe_dump(rule), "utf-8")
    (place / "process_shell.test.yml").write_text(yaml.safe_dump(cases), "utf-8")
    return folder


def run(folder: Path, cases: list[dict[str, Any]], rule: dict[str, Any] = RULE) -> list[str]:
    passed, failures = run_rule_tests([write(folder, rule, cases)])
    assert passed + len(failures) == len(cases)
    return [str(failure) for failure in failures]


def test_rows_of_events_are_read_both_ways_with_the_grades_of_either_kind(tmp_path: Path) -> None:
    assert run(tmp_path, CASES) == []


def test_a_wrong_expectation_is_said(tmp_path: Path) -> None:
    wrong = copy.deepcopy(CASES)
    wrong[0]["matches"], wrong[0]["grades"] = [1], ["attempt"]
    (problem,) = run(tmp_path, wrong)
    assert "matches rows [0, 1]" in problem


def test_a_wrong_grade_is_said(tmp_path: Path) -> None:
    wrong = copy.deepcopy(CASES)
    wrong[0]["grades"] = ["use", "use"]
    (problem,) = run(tmp_path, wrong)
    assert "gives grades" in problem


def test_a_sieve_that_finds_less_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Blind(rule_tests.EventRules):
        def scan(self, batch: Any, flatten: Any) -> Any:
            return super().scan_plain(type(batch)(texts=[], numbers=[], offsets=[]), flatten)

    monkeypatch.setattr(rule_tests, "EventRules", Blind)
    (problem,) = run(tmp_path, CASES)
    assert "sieve finds nothing" in problem


def test_data_without_names_and_user_data(tmp_path: Path) -> None:
    rule = copy.deepcopy(RULE)
    rule["logsource"] = {"product": "windows", "service": "application"}
    rule["detection"] = {
        "one": {"EventID": 1316, "Data": "50204"},
        "other": {"EventID": 104, "Cleared": "Security"},
        "condition": "one or other",
    }
    rule["exopsy"]["grade"] = [{"grade": "use"}]
    rows = [
        {"Channel": "Application", "EventID": 1316, "Data": ["4009", "x", "50204"]},
        {"Channel": "Application", "EventID": 1316, "Data": ["4009", "502041"]},
        {"Channel": "Application", "EventID": 104, "@element": "Gone", "Cleared": "Security"},
    ]
    cases = [
        {"name": "hit", "rows": rows, "matches": [0, 2]},
        {
            "name": "many",
            "repeat": {"row": rows[1], "times": 2, "vary": {"Data": "{n}"}},
            "matches": [],
        },
    ]
    assert run(tmp_path, cases, rule) == []


def sievable(folder: Path, detection: dict[str, Any], source: dict[str, str]) -> bool:
    rule = copy.deepcopy(RULE)
    rule["logsource"], rule["detection"] = {"product": "windows", **source}, detection
    rule["exopsy"]["grade"] = [{"grade": "use"}]
    found = [str(problem) for problem in lint([write(folder, rule, CASES)], FORMATS)]
    assert all("sievable" in problem for problem in found)
    return not found


@pytest.mark.parametrize(
    ("name", "detection", "source", "expected"),
    [
        ("literal", {"a": {"EventID": 4624, "LogonType": "999"}}, {"service": "security"}, True),
        ("rare", {"a": {"EventID": 1102}}, {"service": "security"}, True),
        ("busy", {"a": {"EventID": 4624}}, {"service": "security"}, False),
        ("short", {"a": {"Image|endswith": "\\x"}}, {"category": "process_creation"}, False),
        ("anywhere", {"a": {"Provider_Name|re": "[a-z]+"}}, {"service": "security"}, False),
    ],
)
def test_whether_a_rule_for_events_can_be_sieved(
    tmp_path: Path, name: str, detection: dict[str, Any], source: dict[str, str], expected: bool
) -> None:
    assert sievable(tmp_path, {**detection, "condition": "a"}, source) is expected
