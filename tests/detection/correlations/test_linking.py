from __future__ import annotations

from typing import Any

import pytest

from exopsy.detection.correlations.correlation import Correlation, Seen
from exopsy.detection.correlations.linking import LinkedCorrelations, link_correlations
from exopsy.detection.correlations.reading import load_correlations, read_correlation

ID = "53ba33fd-3a50-4468-a5ef-c583635cfa92"


def made(name: str, *rules: str, **block: Any) -> Correlation:
    filled = {
        "type": "event_count",
        "rules": list(rules),
        "timespan": "1h",
        "condition": {"gte": 1},
        **block,
    }
    return read_correlation({"title": name, "name": name, "correlation": filled}, f"{name}.yml")


def reasons(linked: LinkedCorrelations) -> dict[str, str]:
    return {error.at: error.problem for error in linked.errors}


def test_names_and_ids_become_ids_everywhere() -> None:
    one = made("one", "logon", aliases={"ip": {"logon": "X"}}, **{"group-by": "ip"})
    two = made("two", ID.upper(), "one", type="temporal", condition=None)
    three = made("three", "logon", type="temporal", condition="logon")
    linked = link_correlations([two, one, three], [(ID, "logon"), ("other", None)])
    assert not linked.errors
    by_id = {c.id: c for c in linked.correlations}
    assert by_id["one"].rules == (ID,)
    assert by_id["one"].aliases == {"ip": {ID: "X"}}
    assert by_id["two"].rules == (ID, "one")
    assert by_id["three"].sight == Seen(ID)
    order = [c.id for c in linked.correlations]
    assert order.index("one") < order.index("two")


def test_what_is_not_there_is_said_and_touches_no_other() -> None:
    linked = link_correlations(
        [made("bad", "nowhere"), made("worse", "bad", "a"), made("good", "a")], [("a", None)]
    )
    assert [c.id for c in linked.correlations] == ["good"]
    assert reasons(linked) == {
        "bad.yml": "refers to rule 'nowhere', which is not there",
        "worse.yml": "refers to bad, which can't be used",
    }
    assert all(error.remedy for error in linked.errors)
    # what can't run silences nothing
    assert linked.only_for_correlation() == {"a"}


def test_circles_are_refused() -> None:
    circle = [made("x", "y"), made("y", "z", "a"), made("z", "x")]
    linked = link_correlations(
        [*circle, made("self", "self"), made("leans", "x"), made("good", "a")], [("a", None)]
    )
    assert [c.id for c in linked.correlations] == ["good"]
    circular = "refers to itself, through other correlations or directly"
    assert reasons(linked) == {
        "x.yml": circular,
        "y.yml": circular,
        "z.yml": circular,
        "self.yml": circular,
        "leans.yml": "refers to x, which can't be used",
    }


def test_a_long_chain_is_no_problem() -> None:
    chain = [made(f"c{n}", f"c{n + 1}" if n < 1999 else "a") for n in range(2000)]
    linked = link_correlations(chain, [("a", None)])
    assert [c.id for c in linked.correlations] == [f"c{n}" for n in range(1999, -1, -1)]


def test_ambiguous_names_and_ids_are_refused() -> None:
    linked = link_correlations([made("x", "twin")], [("1", "twin"), ("2", "twin")])
    assert reasons(linked) == {"x.yml": "refers to rule 'twin', which names 2 rules"}
    linked = link_correlations([made("a", "b"), made("x", "b"), made("x", "b")], [("b", "a")])
    assert {"id x is used by x.yml too"} == {error.problem for error in linked.errors}
    linked = link_correlations([made("b", "b")], [("b", None)])
    assert reasons(linked) == {"b.yml": "id b is used by a rule too"}


@pytest.mark.parametrize(("loud", "expected"), [(False, {"a", "b", "inner"}), (True, {"a", "b"})])
def test_which_rules_are_only_for_correlation(loud: bool, expected: set[str]) -> None:
    linked = link_correlations(
        [made("inner", "a", "b"), made("outer", "inner", generate=loud)],
        [("a", None), ("b", None), ("c", None)],
    )
    assert linked.only_for_correlation() == expected


def test_one_correlation_that_lets_a_rule_speak_is_enough() -> None:
    linked = link_correlations(
        [made("quiet", "a", "b"), made("loud", "a", generate=True)], [("a", None), ("b", None)]
    )
    assert linked.only_for_correlation() == {"b"}


def test_documents_that_can_not_be_read_are_errors_beside_the_others() -> None:
    good = {"type": "event_count", "rules": "a", "timespan": "1h", "condition": {"gte": 1}}
    documents = [
        ({"title": "good", "correlation": good}, "good.yml"),
        ({"title": "bad", "correlation": {**good, "timespan": "soon"}}, "bad.yml"),
        ({"title": "lost", "correlation": {**good, "rules": "b"}}, "lost.yml"),
    ]
    linked = load_correlations(documents, [("a", None)])
    assert [c.title for c in linked.correlations] == ["good"]
    assert [error.at for error in linked.errors] == ["bad.yml", "lost.yml"]
