from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from exopsy.detection.lint import LINTS, lint
from exopsy.evidence.registry import FORMATS

GOOD: dict[str, Any] = {
    "title": "A page was asked for",
    "id": "0f5c2b0e-7c8e-4d55-9b8c-8a7b4a3f0a01",
    "status": "test",
    "description": "What it means.\nMisses: other pages.",
    "references": ["https://example.com/"],
    "level": "high",
    "tags": ["cve.2021-0001", "attack.initial-access", "attack.t1190"],
    "logsource": {"category": "webserver"},
    "detection": {
        "one": {"cs-uri-stem|contains": "/ecp/", "cs-uri-query|re": "(?:a|b)+c"},
        "condition": "one",
    },
    "falsepositives": ["a browser"],
    "exopsy": {
        "behaviour": "P01",
        "subject": ["c-ip"],
        "innocent": ["a browser"],
        "next": "look at it",
    },
}
CASES: list[dict[str, Any]] = [
    {"name": "hit", "rows": [{"cs-uri-stem": "/ecp/"}], "matches": [0]},
    {"name": "near miss", "rows": [{"cs-uri-stem": "/owa/"}], "matches": []},
]


def write(
    folder: Path,
    document: dict[str, Any],
    *,
    name: str = "web_page",
    tactic: str = "initial_access",
    cases: Any = CASES,
) -> None:
    place = folder / "detections" / tactic
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{name}.yml").write_text(yaml.safe_dump(document), "utf-8")
    if cases is not None:
        (place / f"{name}.test.yml").write_text(yaml.safe_dump(cases), "utf-8")


def changed(**parts: Any) -> dict[str, Any]:
    """Return the good rule with parts replaced; ``exopsy__next`` is one of the block's."""
    made = copy.deepcopy(GOOD)
    for path, value in parts.items():
        head, _, tail = path.partition("__")
        if tail:
            made[head][tail] = value
        else:
            made[head] = value
    return made


def names(folder: Path) -> set[str]:
    return {p.problem.rpartition("(")[2].rstrip(")") for p in lint([folder], FORMATS)}


def test_a_good_rule_has_no_problem(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    assert lint([tmp_path], FORMATS) == []


BAD: dict[str, dict[str, Any]] = {
    "file-name": {"name": "Web-Page"},
    "folder": {"tactic": "persistence"},
    "id": {"document": changed(id="0f5c2b0e-7c8e-1d55-9b8c-8a7b4a3f0a01")},
    "misses": {"document": changed(description="What it means.")},
    "innocent": {"document": changed(exopsy__innocent=[])},
    "next": {"document": changed(exopsy__next="")},
    "purpose": {"document": changed(exopsy__behaviour=None)},
    "subject": {"document": changed(exopsy__subject=[])},
    "technique": {"document": changed(tags=["attack.initial-access"])},
    "references": {"document": changed(references=[])},
    "status": {"document": changed(status="experimental")},
    "sievable": {
        "document": changed(detection={"one": {"cs-uri-query": None}, "condition": "one"})
    },
    "slow-regex": {
        "document": changed(detection={"one": {"cs-uri-stem|re": "/ecp/(a+)+"}, "condition": "one"})
    },
    "always-true": {
        "document": changed(
            detection={
                "one": {"cs-uri-stem|contains": "/ecp/", "cs-uri-query": "*"},
                "condition": "one",
            }
        )
    },
    "tested": {"cases": CASES[:1]},
}


@pytest.mark.parametrize("name", [found.name for found in LINTS])
def test_each_lint_finds_its_problem_and_no_other_does(tmp_path: Path, name: str) -> None:
    write(tmp_path, **{"document": GOOD, **BAD[name]})
    assert names(tmp_path) == {name}


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("tested", {"cases": None}),
        ("tested", {"cases": CASES[1:]}),
        ("tested", {"cases": {"name": "x"}}),
        ("innocent", {"document": changed(falsepositives=["Unknown."])}),
        ("folder", {"tactic": "initial-access"}),
        (
            "slow-regex",
            {"document": changed(exopsy__extract={"x": {"field": "c-ip", "re": "(x(?:a*)*)"}})},
        ),
        (
            "sievable",
            {
                "document": changed(
                    detection={
                        "one": {"cs-uri-stem|contains": "/ecp/"},
                        "two": {"cs-uri-stem|contains": "ab"},
                        "condition": "one or two",
                    }
                )
            },
        ),
    ],
)
def test_other_ways_to_be_wrong(tmp_path: Path, name: str, parts: dict[str, Any]) -> None:
    write(tmp_path, **{"document": GOOD, **parts})
    assert name in names(tmp_path)


@pytest.mark.parametrize(
    "document",
    [
        changed(exopsy__building_block=True, exopsy__next="", exopsy__behaviour=None),
        changed(status="experimental", level="medium"),
        changed(exopsy__chain="proxylogon", exopsy__behaviour=None),
        changed(
            detection={
                "one": {"cs-uri-stem|contains": "/ecp/"},
                "two": {"c-ip": None},
                "condition": "one and not two",
            }
        ),
        changed(detection={"one": {"cs-uri-stem|re": "^/ecp/[^/]+$"}, "condition": "one"}),
    ],
)
def test_other_ways_to_be_right(tmp_path: Path, document: dict[str, Any]) -> None:
    write(tmp_path, document)
    assert names(tmp_path) == set()


def test_an_aggregate_needs_no_tactic_folder(tmp_path: Path) -> None:
    document = {k: v for k, v in GOOD.items() if k not in ("logsource", "detection")}
    document["aggregate"] = {"table": "activity", "sql": "SELECT 1"}
    (tmp_path / "aggregates").mkdir()
    path = tmp_path / "aggregates" / "many.yml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    cases = [{"name": "a", "findings": 1}, {"name": "b", "findings": 0}]
    path.with_suffix(".test.yml").write_text(yaml.safe_dump(cases), "utf-8")
    assert lint([tmp_path], FORMATS) == []


def test_an_exception_names_rule_lint_and_reason(tmp_path: Path) -> None:
    write(tmp_path, changed(references=[]))
    path = tmp_path / "lint_exceptions.yml"
    path.write_text(f"- {{id: {GOOD['id']}, lint: references, reason: nobody wrote of it}}\n")
    assert lint([tmp_path], FORMATS) == []
    path.write_text(f"- {{id: {GOOD['id']}, lint: references}}\n")
    problems = [p.problem for p in lint([tmp_path], FORMATS)]
    assert "an exception needs id, lint and reason" in problems
    assert "no reference (references)" in problems


def test_what_does_not_load_comes_first(tmp_path: Path) -> None:
    write(tmp_path, changed(references=[]))
    write(tmp_path, {"title": "x"}, name="a")
    problems = lint([tmp_path], FORMATS)
    assert problems[0].at == "detections/initial_access/a.yml"
    assert len(problems) == 2
    assert problems[1].remedy


@pytest.mark.parametrize("block", ["correlation", "filter"])
def test_a_correlation_or_filter_among_the_rules_is_told_what_it_is(
    tmp_path: Path, block: str
) -> None:
    write(tmp_path, {"title": "t", block: {"rules": ["a"]}})
    (problem,) = lint([tmp_path], FORMATS)
    assert "a Sigma correlation or filter is no rule" in problem.problem
