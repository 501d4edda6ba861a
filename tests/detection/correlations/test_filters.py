from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.detection.correlations.filters import FilteredRules, apply_filters
from exopsy.detection.matcher import RowView, compile_expression
from exopsy.detection.sigma_reader import read_condition, read_rule
from exopsy.schema.row import Origin, Row

RULE: dict[str, Any] = yaml.safe_load("""
title: rule
id: 6f3e2987-db24-4c78-a860-b4f4095a7095
name: rar
logsource: {category: process_creation, product: windows}
detection:
  selection: {A: x}
  condition: selection
""")
FILTER: dict[str, Any] = yaml.safe_load("""
title: filter
logsource: {category: process_creation, product: windows}
filter:
  rules: [rar]
  selection: {User: adm}
  condition: not selection
""")


def rule(**detection: Any) -> dict[str, Any]:
    return {**copy.deepcopy(RULE), "detection": detection}


def sieve(**block: Any) -> dict[str, Any]:
    return {**copy.deepcopy(FILTER), "filter": {"rules": "any", **block}}


def apply(rules: list[dict[str, Any]], filters: list[dict[str, Any]]) -> FilteredRules:
    return apply_filters(
        [(r, f"r{n}.yml") for n, r in enumerate(rules)],
        [(f, f"f{n}.yml") for n, f in enumerate(filters)],
    )


def matches(document: dict[str, Any], **fields: str) -> bool:
    row = Row(
        log="x",
        host="h",
        timestamp=None,
        fields=fields,
        origin=Origin(artifact="a", offset=0, line=1),
        raw=b"",
    )
    expression = read_condition(read_rule(document, "r.yml"), "r.yml")
    return compile_expression(expression, {})(RowView(row))


def test_a_rule_and_a_filter_of_the_same_names() -> None:
    before = copy.deepcopy(RULE)
    done = apply([RULE], [FILTER])
    ((document, at),) = done.documents
    assert (at, done.errors, done.applied) == ("r0.yml", (), {"r0.yml": ("f0.yml",)})
    assert matches(document, A="x")
    assert not matches(document, A="x", User="ADM")
    assert not matches(document, User="other")
    assert before == RULE
    assert apply([RULE], [FILTER]) == done


def test_several_filters_and_several_conditions() -> None:
    one = rule(s={"A": "x"}, t={"B": "y"}, condition=["s", "t"])
    done = apply(
        [one], [sieve(s={"C": "1"}, condition="not s"), sieve(s={"D": "1"}, condition="not s")]
    )
    ((document, _),) = done.documents
    assert matches(document, A="x")
    assert matches(document, B="y")
    assert not matches(document, A="x", C="1")
    assert not matches(document, B="y", D="1")


@pytest.mark.parametrize("condition", ["1 of them", "all of them", "1 of s*", "all of *"])
def test_patterns_of_the_rule_never_mean_the_filters_detections(condition: str) -> None:
    one = rule(s1={"A": "x"}, s2={"B": "y"}, condition=condition)
    ((document, _),) = apply(
        [one], [sieve(s3={"C": "1"}, _s={"D": "1"}, condition="not s3")]
    ).documents
    for fields in ({"A": "x"}, {"A": "x", "B": "y"}, {"C": "2"}, {"D": "1"}):
        assert matches(document, **fields) == matches(one, **fields), fields
        assert not matches(document, **{**fields, "C": "1"})


@pytest.mark.parametrize(
    ("condition", "silent"),
    [
        ("not 1 of them", {"C", "D"}),
        ("not all of them", set()),
        ("not 1 of f_*", {"C"}),
        ("not 1 of *_two", {"D"}),
        ("not (f_one or _hidden)", {"C", "E"}),
        ("not 1 of _*", {"E"}),
    ],
)
def test_patterns_of_the_filter_mean_its_own(condition: str, silent: set[str]) -> None:
    one = rule(f_rule={"A": "x"}, r_two={"A": "x"}, condition="all of them")
    block = {"f_one": {"C": "1"}, "g_two": {"D": "1"}, "_hidden": {"E": "1"}}
    done = apply([one], [sieve(**block, condition=condition)])
    ((document, _),) = done.documents
    assert not done.errors
    assert matches(document, A="x")
    assert {f for f in "CDE" if not matches(document, A="x", **{f: "1"})} == silent


def test_which_rules_a_filter_is_for() -> None:
    other = {**copy.deepcopy(RULE), "id": "df0841c0-9846-4e9f-ad8a-7df91571771b", "name": "other"}
    narrow = {**copy.deepcopy(other), "logsource": {**RULE["logsource"], "service": "s"}}
    for named, expected in (
        ("any", {"r0.yml", "r1.yml", "r2.yml"}),
        ([], {"r0.yml", "r1.yml", "r2.yml"}),
        ("rar", {"r0.yml"}),
        (["other"], {"r1.yml", "r2.yml"}),
        ([RULE["id"].upper()], {"r0.yml"}),
    ):
        done = apply([RULE, other, narrow], [sieve(rules=named, s={"C": "1"}, condition="not s")])
        assert set(done.applied) == expected
        assert not done.errors


def test_another_log_source_is_not_filtered() -> None:
    elsewhere = {**FILTER, "logsource": {"category": "process_creation", "product": "linux"}}
    done = apply([RULE], [elsewhere])
    assert done.documents == ((RULE, "r0.yml"),)
    assert [(e.at, e.problem) for e in done.errors] == [
        ("f0.yml", "the filter is for another log source than r0.yml")
    ]
    everywhere = {**elsewhere, "filter": {**FILTER["filter"], "rules": "any"}}
    assert apply([RULE], [everywhere]).errors == ()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"filter": None}, "not a mapping"),
        ({"logsource": None}, "no log source"),
        ({"logsource": {}}, "can't be empty"),
        ({"filter": {"s": {"A": 1}, "condition": "s"}}, "neither 'any' nor a list"),
        ({"filter": {"rules": 5, "s": {"A": 1}, "condition": "s"}}, "neither 'any' nor a list"),
        ({"filter": {"rules": "any", "s": {"A": 1}}}, "exactly one condition"),
        ({"filter": {"rules": "any", "condition": "s"}}, "No detections"),
        ({"filter": {"rules": "any", "s": {"A": 1}, "condition": "t"}}, "not defined"),
        ({"filter": {"rules": "any", "s": {"A": 1}, "condition": ["s"]}}, "must be a string"),
        ({"filter": {"rules": "any", "s": {"A|nope": 1}, "condition": "s"}}, "nope"),
        ({"filter": {"rules": "any", "all": {"A": 1}, "condition": "all"}}, "a word of conditions"),
        ({"filter": {"rules": ["gone"], "s": {"A": 1}, "condition": "s"}}, "'gone', which is not"),
    ],
)
def test_a_filter_that_is_of_no_use_is_said_and_changes_nothing(
    change: dict[str, Any], problem: str
) -> None:
    done = apply([RULE], [{**FILTER, **change}])
    (error,) = done.errors
    assert problem in str(error)
    assert error.at == "f0.yml"
    assert error.remedy
    assert done.documents == ((RULE, "r0.yml"),)
    assert done.applied == {}


def test_a_rule_that_no_filter_can_be_added_to_is_said() -> None:
    odd = rule(_s={"A": "x"}, condition="1 of _*")
    done = apply([odd, rule(s={"A": "x"})], [sieve(s={"C": "1"}, condition="not s")])
    assert done.documents[0][0] == odd
    assert [error.at for error in done.errors] == ["r0.yml", "r1.yml"]


_texts = st.sampled_from(("s", "them", "1 of s*", "not t", "all of *", "1 of *x", "sx"))


@given(
    st.lists(_texts, min_size=1, max_size=3), st.lists(_texts, min_size=1, max_size=3), st.data()
)
@settings(max_examples=150, deadline=None)
def test_the_joined_rule_is_rule_and_filter(own: list[str], other: list[str], data: Any) -> None:
    names = ("s", "t", "sx")

    def written(parts: list[str]) -> str:
        return " or ".join("1 of them" if p == "them" else p for p in parts)

    one = rule(**{n: {n: "1"} for n in names}, condition=written(own))
    block = {n: {f"f{n}": "1"} for n in names}
    added = sieve(**block, condition=written(other))
    alone = rule(**block, condition=written(other))
    ((document, _),) = apply([one], [added]).documents
    present = data.draw(st.sets(st.sampled_from([*names, *(f"f{n}" for n in names)])))
    fields = dict.fromkeys(present, "1")
    assert matches(document, **fields) == (matches(one, **fields) and matches(alone, **fields))
