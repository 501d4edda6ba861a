from __future__ import annotations

from pathlib import Path

import pytest

from exopsy.detection.load import LoadedRules, load_rules
from exopsy.detection.selection import Selection
from exopsy.evidence.registry import FORMATS

RULE = """
title: A probe was run
id: {id}
status: {status}
author: Somebody
level: {level}
tags: [attack.execution, attack.T1059.001, cve.2021-0001]
logsource: {{product: windows, category: process_creation}}
detection:
    s: {{Image|endswith: '\\probe.exe'}}
    condition: s
falsepositives: [Unknown, Probing]
"""


def rule(number: int = 1, status: str = "test", level: str = "high") -> str:
    identity = f"00000000-0000-4000-8000-{number:012}"
    return RULE.format(id=identity, status=status, level=level)


def load(folder: Path, **more: object) -> LoadedRules:
    return load_rules([folder], formats=FORMATS, **more)  # type: ignore[arg-type]


def test_a_repository_in_any_layout(tmp_path: Path) -> None:
    (tmp_path / "windows" / "deep").mkdir(parents=True)
    (tmp_path / ".github").mkdir()
    (tmp_path / "windows" / "deep" / "a.yml").write_text(rule(1), "utf-8")
    (tmp_path / "b.yaml").write_text(rule(2), "utf-8-sig")
    (tmp_path / "b.test.yml").write_text("- a", "utf-8")
    (tmp_path / ".github" / "c.yml").write_text("x: [", "utf-8")
    (tmp_path / "info.yml").write_text("about: regression\n", "utf-8")
    loaded = load(tmp_path)
    assert loaded.errors == ()
    assert loaded.no_rules == ("info.yml",)
    b, a = loaded.rules.rules
    assert (a.at, b.at) == ("windows/deep/a.yml", "b.yaml")
    assert a.is_foreign
    assert (a.log, a.info.author, a.info.techniques) == (
        "windows-event",
        "Somebody",
        ("T1059.001",),
    )
    assert a.info.innocent == ("Probing",)
    assert a.reads == ("Sysmon 1", "Security 4688")
    assert a.info.subject


def test_several_documents_and_collection_actions(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(
        """
action: global
title: Both
level: low
detection: {condition: s}
---
logsource: {product: windows, service: security}
detection: {s: {EventID: 4720}}
---
action: repeat
logsource: {product: windows, service: system}
---
action: reset
---
title: Alone
logsource: {product: windows, service: system}
detection: {s: {EventID: 5}, condition: s}
""",
        "utf-8",
    )
    loaded = load(tmp_path)
    assert loaded.errors == ()
    assert [(r.at, r.info.title, r.info.level) for r in loaded.rules.rules] == [
        ("a.yml#1", "Both", "low"),
        ("a.yml#2", "Both", "low"),
        ("a.yml#3", "Alone", "medium"),
    ]
    assert len({r.info.id for r in loaded.rules.rules}) == 3


def test_correlations_and_filters_are_handed_on(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(
        "title: c\ndate: 2024-01-02\ncorrelation: {type: event_count, rules: [x]}\n"
        "---\ntitle: f\nlogsource: {product: windows}\nfilter: {rules: any, s: {a: 1}}\n",
        "utf-8",
    )
    cache = tmp_path / "cache"
    first, second = load(tmp_path, cache=cache), load(tmp_path, cache=cache)
    assert [(h.kind, h.at) for h in first.handed] == [
        ("correlation", "a.yml#1"),
        ("filter", "a.yml#2"),
    ]
    assert first.handed[0].document["date"] == "2024-01-02"
    assert first.handed == second.handed


def test_errors_say_file_line_and_remedy_and_stop_nothing(tmp_path: Path) -> None:
    broken = rule(1).replace("condition: s", "condition: s and")
    (tmp_path / "a.yml").write_text(broken, "utf-8")
    (tmp_path / "b.yml").write_text("title: x\nid: 'y\n", "utf-8")
    (tmp_path / "c.yml").write_text(rule(3, level="dire"), "utf-8")
    (tmp_path / "d.yml").write_text("- a", "utf-8")
    (tmp_path / "e.yml").write_text("date: 2021-02-30", "utf-8")
    (tmp_path / "f.yml").write_bytes(b"title: \xff")
    (tmp_path / "g.yml").write_text(rule(7), "utf-8")
    (tmp_path / "h.yml").write_text(rule(7), "utf-8")
    loaded = load(tmp_path)
    assert [r.at for r in loaded.rules.rules] == ["g.yml"]
    told = [str(error) for error in loaded.errors]
    assert len(told) == 7
    assert told[0].startswith("a.yml:9: condition can't be parsed")
    assert told[1].startswith("b.yml:")
    assert "Quote strings" in told[1]
    assert "'dire' is unknown" in told[2]
    assert "used by g.yml too" in told[6]


def test_what_can_not_run_is_listed_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(rule(1).replace("windows", "linux"), "utf-8")
    missing = rule(2).replace("Image|endswith: '\\probe.exe'", "Image|expand: '%tools%'")
    (tmp_path / "b.yml").write_text(missing, "utf-8")
    odd = rule(3).replace(
        "product: windows, category: process_creation", "product: exchange, service: ews"
    )
    (tmp_path / "c.yml").write_text(odd, "utf-8")
    loaded = load(tmp_path)
    assert loaded.rules.rules == ()
    assert loaded.errors == ()
    a, b, c = loaded.unmapped
    assert (a.at, a.id[-1], a.title) == ("a.yml", "1", "A probe was run")
    assert "no log that is read here is product: linux" in a.why
    assert "lists/tools.txt" in b.why
    assert "exchange-ews has no Image" in c.why
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "tools.txt").write_text("probe.exe\n", "utf-8")
    assert [r.at for r in load(tmp_path).rules.rules] == ["b.yml"]


@pytest.mark.parametrize(
    ("selection", "left", "refused"),
    [
        (Selection(), {"1", "2", "3"}, {"status deprecated": 1}),
        (Selection(statuses=frozenset()), {"1", "2", "3", "4"}, {}),
        (Selection(min_level="high"), {"1"}, {"level below high": 3}),
        (
            Selection(statuses=frozenset({"stable"})),
            {"2"},
            {"status deprecated": 1, "status test": 2},
        ),
        (
            Selection(exclude=frozenset({"00000000-0000-4000-8000-000000000001"})),
            {"2", "3"},
            {"excluded by id or tag": 1, "status deprecated": 1},
        ),
        (Selection(exclude=frozenset({"ATTACK.t1059.001"})), set(), {"excluded by id or tag": 3, "status deprecated": 1}),
        (Selection(include=frozenset({"cve.2021-0001"})), {"1", "2", "3"}, {"status deprecated": 1}),
        (Selection(include=frozenset({"cve.2021-9"})), set(), {"not among the ids and tags asked for": 3, "status deprecated": 1}),
    ],
)  # fmt: skip
def test_selection(
    tmp_path: Path, selection: Selection, left: set[str], refused: dict[str, int]
) -> None:
    files = [
        rule(1),
        rule(2, "stable", "low"),
        rule(3, "test", "medium"),
        rule(4, "deprecated", "low"),
    ]
    for number, text in enumerate(files):
        (tmp_path / f"{number}.yml").write_text(text, "utf-8")
    loaded = load(tmp_path, selection=selection)
    assert {r.info.id[-1] for r in loaded.rules.rules} == left
    assert loaded.not_selected == refused


def test_processes_give_what_one_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        text = rule(number).replace("s and", "s") if number % 7 else "x: ["
        (tmp_path / f"{number:02}.yml").write_text(text, "utf-8")
    alone = load(tmp_path)
    monkeypatch.setattr("exopsy.detection.repository._MANY", 10)
    monkeypatch.setattr("exopsy.detection.repository._SLICE", 8)
    several = load(tmp_path, workers=2)
    assert several.rules == alone.rules
    assert list(map(str, several.errors)) == list(map(str, alone.errors))
    assert len(alone.errors) == 5


def test_kept_rules_equal_new_ones_and_errors_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(rule(1), "utf-8")
    (tmp_path / "b.yml").write_text("x: [", "utf-8")
    (tmp_path / "c.yml").write_text(rule(3).replace("windows", "linux"), "utf-8")
    cache = tmp_path / "cache"
    first, second = load(tmp_path, cache=cache), load(tmp_path, cache=cache)
    assert len(list(cache.iterdir())) == 1
    assert (first.rules, first.unmapped) == (second.rules, second.unmapped)
    assert list(map(str, first.errors)) == list(map(str, second.errors))
    assert first.rules.rules
