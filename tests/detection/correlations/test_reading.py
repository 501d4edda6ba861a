from __future__ import annotations

from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.core.errors import ContentError
from exopsy.detection.correlations.correlation import (
    AllSeen,
    Bound,
    Correlation,
    NotSeen,
    Seen,
    SomeSeen,
    sight_holds,
    terms_of,
)
from exopsy.detection.correlations.reading import read_correlation

WHOLE = """
title: Many values
id: 0F5C2B0E-7c8e-4d55-9b8c-8a7b4a3f0a01
name: many
status: test
description: text
level: high
tags: [attack.credential-access, attack.t1110]
falsepositives: [a scanner]
correlation:
  type: value_count
  rules: [logon, other]
  group-by: [ip, Computer]
  aliases:
    ip: {logon: IpAddress, other: SourceIp}
  timespan: 90m
  generate: true
  condition: {gt: 100, lte: 200, field: User}
"""


def read(block: dict[str, Any], **head: Any) -> Correlation:
    filled = {"type": "event_count", "rules": ["a"], "timespan": "1h", **block}
    if filled["type"] not in ("temporal", "temporal_ordered"):
        filled.setdefault("condition", {"gte": 1})
    return read_correlation({"title": "t", **head, "correlation": filled}, "x.yml")


def test_a_whole_document() -> None:
    made = read_correlation(yaml.safe_load(WHOLE), "many.yml")
    assert made == Correlation(
        id="0f5c2b0e-7c8e-4d55-9b8c-8a7b4a3f0a01",
        name="many",
        title="Many values",
        description="text",
        level="high",
        status="test",
        tags=("attack.credential-access", "attack.t1110"),
        innocent=("a scanner",),
        kind="value_count",
        rules=("logon", "other"),
        group_by=("ip", "Computer"),
        timespan_seconds=5400,
        aliases={"ip": {"logon": "IpAddress", "other": "SourceIp"}},
        generate=True,
        bounds=(Bound("gt", 100), Bound("lte", 200)),
        fields=("User",),
        at="many.yml",
    )
    assert msgspec.json.decode(msgspec.json.encode(made), type=Correlation) == made


@pytest.mark.parametrize(
    ("text", "seconds"),
    {
        "30s": 30,
        "5m": 300,
        "2h": 7200,
        "1d": 86400,
        "1w": 604800,
        "1M": 2629746,
        "1y": 31556952,
    }.items(),
)
def test_timespans(text: str, seconds: int) -> None:
    assert read({"timespan": text}).timespan_seconds == seconds


def test_a_temporal_correlation_asks_for_all_its_rules() -> None:
    assert read({"type": "temporal", "rules": ["a", "b", "a"]}).bounds == (Bound("gte", 2),)
    assert read({"type": "temporal_ordered", "rules": ["a", "b", "a"]}).bounds == (Bound("gte", 3),)


def test_extended_conditions() -> None:
    made = read(
        {"type": "temporal", "rules": ["a", "b-2", "c"], "condition": "a AND not (b-2 or c)"}
    )
    assert made.sight == AllSeen((Seen("a"), NotSeen(SomeSeen((Seen("b-2"), Seen("c"))))))
    assert made.bounds == ()
    # rules may be left out; then the condition names them, by id too
    uuid = "53ba33fd-3a50-4468-a5ef-c583635cfa92"
    made = read({"type": "temporal_ordered", "rules": None, "condition": f"b or {uuid}"})
    assert made.rules == ("b", uuid)


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ({"type": "near"}, "no valid Sigma correlation type"),
        ({"type": None}, "no type"),
        ({"rules": None}, "without rule references"),
        ({"rules": []}, "no rules are named"),
        ({"rules": [1]}, "no list of ids or names"),
        ({"rules": {"a": 1}}, "no list of ids or names"),
        ({"rules": [f"r{n}" for n in range(65)]}, "more than 64 rules"),
        ({"timespan": None}, "without timespan"),
        ({"timespan": "1h30m"}, "is invalid"),
        ({"timespan": "0s"}, "greater than zero"),
        ({"timespan": "101y"}, "longer than a hundred years"),
        ({"condition": {"gte": 1 << 64}}, "too large"),
        ({"group-by": {"a": 1}}, "no list of fields"),
        ({"group-by": [None]}, "no list of fields"),
        ({"generate": "yes"}, "must be a boolean"),
        ({"condition": None}, "without condition"),
        ({"condition": {}}, "compares nothing"),
        ({"condition": {"gte": "many"}}, "no valid Sigma correlation condition count"),
        ({"condition": {"gte": 1, "lt": "many"}}, "no valid Sigma correlation condition count"),
        ({"condition": {"gte": float("nan")}}, "no valid Sigma correlation condition count"),
        ({"condition": {"gte": 1, "over": 3}}, "invalid items"),
        ({"condition": "a or b"}, "Extended conditions"),
        ({"condition": [1]}, "must be a dict or string"),
        ({"condition": {"eq": 0}}, "can never hold"),
        ({"condition": {"lt": 1}}, "can never hold"),
        ({"condition": {"gt": 5, "lt": 6}}, "can never hold"),
        ({"type": "temporal", "condition": {"gte": 2}}, "can never hold"),
        ({"type": "temporal", "condition": "not a"}, "can never hold"),
        ({"type": "temporal", "condition": "a and not a"}, "can never hold"),
        ({"type": "temporal", "condition": "a and b"}, "b: not both"),
        ({"type": "temporal", "rules": ["a", "b"], "condition": "a"}, "b: not both"),
        ({"type": "temporal", "condition": "a and ("}, "Failed to parse"),
        ({"type": "temporal", "condition": "not " * 30 + "a"}, "nested deeper"),
        ({"type": "temporal", "condition": "a or " * 600 + "a"}, "more than 2000 characters"),
        ({"type": "value_count"}, "without field reference"),
        ({"type": "value_count", "condition": {"gte": 1, "field": 5}}, "no field"),
        ({"type": "value_sum", "condition": {"gte": 1, "field": ["a", "b"]}}, "exactly one field"),
        ({"type": "value_percentile", "condition": {"gte": 1, "field": "a"}}, "no percentile"),
        (
            {"type": "value_percentile", "condition": {"gte": 1, "field": "a", "percentile": 101}},
            "no percentile",
        ),
        (
            {"type": "value_percentile", "condition": {"gte": 1, "field": "a", "percentile": 9.5}},
            "no whole number",
        ),
        ({"aliases": []}, "not a mapping"),
        ({"aliases": {"ip": "x"}}, "not a mapping"),
        ({"aliases": {"ip": {"a": 1}}}, "does not map"),
        ({"aliases": {"ip": {"z": "x"}}}, "not under 'rules'"),
    ],
)
def test_what_is_refused_and_why(block: dict[str, Any], problem: str) -> None:
    with pytest.raises(ContentError, match=problem) as error:
        read(block)
    assert error.value.at == "x.yml"
    assert error.value.remedy


@pytest.mark.parametrize(
    ("head", "problem"),
    [({"level": "huge"}, "level"), ({"id": "no-uuid"}, "UUID"), ({"id": 5}, "not a Sigma")],
)
def test_what_is_refused_of_the_head(head: dict[str, Any], problem: str) -> None:
    with pytest.raises(ContentError, match=problem):
        read({}, **head)


def test_conditions_with_too_many_alternatives_are_refused() -> None:
    rules = [f"r{n}" for n in range(14)]
    pairs = [f"({a} or {b})" for a, b in zip(rules[::2], rules[1::2], strict=True)]
    with pytest.raises(ContentError, match="more than 64 alternatives"):
        read({"type": "temporal_ordered", "rules": rules, "condition": " and ".join(pairs)})


_names = st.sampled_from(("a", "b", "c"))
_sights = st.recursive(
    st.builds(Seen, _names),
    lambda inner: st.one_of(
        st.builds(NotSeen, inner),
        st.builds(AllSeen, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(SomeSeen, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


@given(_sights, st.sets(_names))
@settings(max_examples=300, deadline=None)
def test_the_alternatives_of_a_condition_mean_the_same(sight: Any, seen: set[str]) -> None:
    terms = terms_of(sight, most=10_000)
    assert any(must <= seen and not never & seen for must, never in terms) == sight_holds(
        sight, seen
    )


_junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=4,
)


@given(
    st.sampled_from(["correlation", *yaml.safe_load(WHOLE)]),
    st.sampled_from([*yaml.safe_load(WHOLE)["correlation"]]),
    _junk,
)
@settings(max_examples=400, deadline=None)
def test_no_document_crashes_it(top: str, inner: str, junk: Any) -> None:
    document = yaml.safe_load(WHOLE)
    if top == "correlation":
        document["correlation"][inner] = junk
    else:
        document[top] = junk
    try:
        read_correlation(document, "x.yml")
    except ContentError as error:
        assert error.at == "x.yml"
