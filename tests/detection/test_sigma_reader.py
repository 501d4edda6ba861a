from __future__ import annotations

from typing import Any

import pytest
import yaml

from exopsy.core.errors import ContentError
from exopsy.detection.expression import (
    ANY,
    ONE,
    All,
    Compare,
    Expression,
    InList,
    Missing,
    Network,
    No,
    Present,
    Regex,
    SameAs,
    Some,
    Text,
)
from exopsy.detection.sigma_reader import read_condition, read_rule


def read(detection: str, condition: str | None = None) -> Expression:
    document: dict[str, Any] = {
        "title": "t",
        "logsource": {"category": "webserver"},
        "detection": yaml.safe_load(detection),
    }
    return read_condition(read_rule(document, "a.yml"), "a.yml", condition)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("a: Xy", Text("a", ("xy",))),
        ("a|contains: Xy", Text("a", (ANY, "xy", ANY))),
        ("a|startswith: Xy", Text("a", ("xy", ANY))),
        ("a|endswith: Xy", Text("a", (ANY, "xy"))),
        ("a: 'x*y?z'", Text("a", ("x", ANY, "y", ONE, "z"))),
        (r"a: 'x\*y'", Text("a", ("x*y",))),
        (r"a: 'x\\*y'", Text("a", ("x\\", ANY, "y"))),
        (r"a: 'C:\inetpub\x'", Text("a", (r"c:\inetpub\x",))),
        ("a|contains: '*x'", Text("a", (ANY, "x", ANY))),
        ("a|contains|cased: Xy", Text("a", (ANY, "Xy", ANY), cased=True)),
        ("a: 200", Text("a", ("200",))),
        ("a: true", Text("a", ("true",))),
        ("a: null", Missing("a")),
        ("a: ''", Missing("a")),
        ("a: '-'", Missing("a")),
        ("a|exists: true", Present("a")),
        ("a|exists: false", Missing("a")),
        ("a|re: 'X.y'", Regex("a", "X.y")),
        ("a|re|i: x", Regex("a", "x", "i")),
        ("a|re|m: x", Regex("a", "x", "m")),
        ("a|re|s: x", Regex("a", "x", "s")),
        ("a|re|i|s|m: x", Regex("a", "x", "ims")),
        ("a|cidr: 192.0.2.0/24", Network("a", "192.0.2.0/24")),
        ("a|gte: 5", Compare("a", "gte", 5.0)),
        ("a|expand: '%known%'", InList("a", "known")),
        ("a|fieldref: b", SameAs("a", "b", "equals")),
        ("a|fieldref|endswith: b", SameAs("a", "b", "endswith")),
        ("a: [x, y]", Some((Text("a", ("x",)), Text("a", ("y",))))),
        (
            "a|contains|all: [x, y]",
            All((Text("a", (ANY, "x", ANY)), Text("a", (ANY, "y", ANY)))),
        ),
        ("a: \u212a", Text("a", ("\u212a",))),
    ],
)
def test_items(item: str, expected: Expression) -> None:
    assert read(f"one: {{{item}}}\ncondition: one") == expected


@pytest.mark.parametrize(
    ("keyword", "expected"),
    [
        ("Xy", Text(None, (ANY, "xy", ANY))),
        ("5", Text(None, (ANY, "5", ANY))),
        ("'*x'", Text(None, (ANY, ANY, "x", ANY))),
    ],
)
def test_keywords(keyword: str, expected: Expression) -> None:
    assert read(f"one: [{keyword}]\ncondition: one") == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("x and not y", All((Text("a", ("x",)), No(Text("a", ("y",)))))),
        ("1 of them", Some((Text("a", ("x",)), Text("a", ("y",))))),
        ("all of *", All((Text("a", ("x",)), Text("a", ("y",))))),
        ("not (x or y)", No(Some((Text("a", ("x",)), Text("a", ("y",)))))),
    ],
)
def test_conditions(condition: str, expected: Expression) -> None:
    block = "x: {a: x}\ny: {a: y}\ncondition: x"
    assert read(block.replace("condition: x", f"condition: {condition}")) == expected
    assert read(block, condition) == expected  # as a grade's `when`


@pytest.mark.parametrize(
    ("detection", "problem"),
    [
        ("one: {a: x}\ncondition: two", "condition can't be parsed"),
        ("one: {a: x}\ncondition: one and", "condition can't be parsed"),
        ("one: {a|nonsense: x}\ncondition: one", "not a Sigma rule"),
        ("one: {a|re: '('}\ncondition: one", "not a Sigma rule"),
        ("one: {a|expand: 'x%known%'}\ncondition: one", "list 'known' does not exist"),
        ("one: {a|cidr: nonsense}\ncondition: one", "not a Sigma rule"),
    ],
)
def test_what_can_not_be_read_says_where_and_why(detection: str, problem: str) -> None:
    with pytest.raises(ContentError, match=problem) as caught:
        read(detection)
    assert caught.value.at == "a.yml"
    assert caught.value.remedy
