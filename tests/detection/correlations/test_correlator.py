from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from exopsy.core.errors import ContentError
from exopsy.core.limits import Limits
from exopsy.detection.correlations.correlation import Correlation
from exopsy.detection.correlations.correlator import Correlator, correlate
from exopsy.detection.correlations.hit import Hit
from exopsy.detection.correlations.linking import link_correlations
from exopsy.detection.correlations.match import Correlated, CorrelationLoss, CorrelationMatch
from exopsy.detection.correlations.plain import correlate_plainly
from exopsy.detection.correlations.reading import read_correlation
from exopsy.schema.row import Origin

START = datetime(2021, 3, 3, 4, 0, tzinfo=UTC)
RULES = ("a", "b", "c")


def hit(rule: str, second: float | None, line: int = 0, /, **fields: Any) -> Hit:
    many = {name: value for name, value in fields.items() if isinstance(value, tuple)}
    return Hit(
        rule=rule,
        timestamp=None if second is None else START + timedelta(seconds=second),
        fields={name: "\n".join(v) if isinstance(v, tuple) else v for name, v in fields.items()},
        many=many,
        origin=Origin(artifact="logs/x.evtx", offset=line * 100, line=line),
    )


def hits(rule: str, *seconds: float, **fields: str) -> list[Hit]:
    return [hit(rule, second, 1000 + n, **fields) for n, second in enumerate(seconds)]


def link(*blocks: Mapping[str, Any], rules: Iterable[str] = RULES) -> tuple[Correlation, ...]:
    read = []
    for number, block in enumerate(blocks):
        block = {"timespan": "60s", **block}
        name = block.pop("name", f"corr{number}")
        document = {"title": f"Title {number}", "name": name, "level": "high"}
        read.append(read_correlation({**document, "correlation": block}, f"{name}.yml"))
    linked = link_correlations(read, [(rule, None) for rule in rules])
    assert not linked.errors, linked.errors
    return linked.correlations


def run(block: Mapping[str, Any] | list[Mapping[str, Any]], found: Iterable[Hit]) -> Correlated:
    """Correlate, and hold the outcome against the plain definition."""
    blocks = block if isinstance(block, list) else [block]
    correlations = link(*blocks)
    found = sorted(found, key=Hit.order)
    made = correlate(correlations, found)
    assert made.matches == correlate_plainly(correlations, found)
    return made


def spans(outcome: Correlated, rule: str = "corr0") -> list[tuple[float, float, int]]:
    return [
        (
            (m.first_seen - START).total_seconds(),
            (m.last_seen - START).total_seconds(),
            m.count,
        )
        for m in outcome.matches
        if m.rule_id == rule
    ]


COUNT3 = {"type": "event_count", "rules": "a", "group-by": "User", "condition": {"gte": 3}}


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ((0, 30, 60), [(0, 60, 3)]),  # both ends belong to the window
        ((0, 30, 60.000001), []),
        ((0, 0, 0), [(0, 0, 3)]),
        ((0, 50, 70, 100), [(50, 100, 3)]),  # no grid: the window begins wherever a hit is
        ((0, 1, 2, 50, 100, 101), [(0, 101, 6)]),  # windows that overlap are one match
        ((0, 1, 2, 63, 64, 65), [(0, 2, 3), (63, 65, 3)]),
        ((0, 1, 2, 40, 70, 95, 96), [(0, 96, 7)]),
        # the windows between them don't hold
        ((0, 1, 2, 50, 105, 163, 164), [(0, 50, 4), (105, 164, 3)]),
        ((0, 1), []),
    ],
)
def test_more_than_a_number_in_a_sliding_window(
    seconds: tuple[float, ...], expected: list[tuple[float, float, int]]
) -> None:
    assert spans(run(COUNT3, hits("a", *seconds, User="u"))) == expected


@pytest.mark.parametrize(
    ("condition", "seconds", "expected"),
    [
        # the first hit of a flood is not "fewer than three"
        ({"lt": 3}, (0, 1, 2, 3), []),
        ({"lt": 3}, (0, 30), [(0, 30, 2)]),
        ({"lt": 3}, (0, 61), [(0, 0, 1), (61, 61, 1)]),
        ({"lte": 1}, (0, 60), []),
        ({"eq": 2}, (0, 10, 20, 200, 201), [(200, 201, 2)]),
        ({"neq": 2}, (0, 10, 100, 110, 120), [(100, 120, 3)]),
        ({"gt": 1, "lte": 3}, (0, 1, 200, 201, 202, 203, 400), [(0, 1, 2)]),
    ],
)
def test_conditions_that_a_further_hit_can_undo_are_asked_of_full_windows(
    condition: dict[str, int],
    seconds: tuple[float, ...],
    expected: list[tuple[float, float, int]],
) -> None:
    block = {"type": "event_count", "rules": "a", "condition": condition}
    assert spans(run(block, hits("a", *seconds))) == expected


def test_a_match_says_what_it_is_about() -> None:
    found = [*hits("a", *range(7), User="Admin", Host="ex01"), hit("b", 8, 5, User="ADMIN")]
    block = {"type": "event_count", "rules": ["a", "b"], "group-by": "User", "condition": {"gt": 6}}
    (match,) = run(block, found).matches
    assert match.group == {"User": "Admin"}
    assert (match.rule_id, match.title, match.level) == ("corr0", "Title 0", "high")
    assert match.count == match.measured == 8
    assert match.by_rule == {"a": 7, "b": 1}
    # the first of each rule is among the samples, though five of the other came before it
    assert [s.rule for s in match.samples] == ["a", "a", "a", "a", "b"]
    assert match.samples[-1].origin == Origin(artifact="logs/x.evtx", offset=500, line=5)
    assert match.first_seen == START
    assert match.last_seen == match.samples[-1].timestamp == START + timedelta(seconds=8)
    assert msgspec.json.decode(msgspec.json.encode(match), type=CorrelationMatch) == match


def test_groups_are_told_apart_without_case_and_a_missing_field_is_no_group() -> None:
    found = [
        hit("a", 0, 1, User="x"),
        hit("a", 1, 2, User="X"),
        hit("a", 2, 3, User="y"),
        hit("a", 3, 4),
        hit("a", 4, 5),
        hit("a", 5, 6),
    ]
    outcome = run({**COUNT3, "condition": {"gte": 2}}, found)
    assert [m.group for m in outcome.matches] == [{"User": "x"}]
    assert outcome.losses == {"corr0": CorrelationLoss(ungrouped=3)}


def test_hits_without_a_time_are_counted_and_not_used() -> None:
    found = [*hits("a", 0, 1, User="u"), hit("a", None, 1, User="u"), hit("z", None, 1)]
    outcome = run(COUNT3, found)
    assert outcome.matches == ()
    assert outcome.untimed == 1


def test_late_hits_are_counted_and_not_used() -> None:
    correlations = link(COUNT3)
    correlator = Correlator(correlations, Limits())
    for second in (10, 20, 5, 20):
        correlator.add(hit("a", second, second, User="u"))
    outcome = correlator.finish()
    assert outcome.late == 1
    assert outcome.matches == ()


def test_a_record_that_two_rules_matched_is_one_event() -> None:
    found = [hit(rule, 0, line) for line in (1, 2) for rule in ("a", "b")]
    block = {"type": "event_count", "rules": ["a", "b"], "condition": {"gte": 3}}
    assert run(block, found).matches == ()
    assert spans(run({**block, "condition": {"gte": 2}}, found)) == [(0, 0, 2)]


def test_values_are_counted_once_and_missing_ones_not_at_all() -> None:
    block = {"type": "value_count", "rules": "a", "condition": {"field": "User", "gte": 3}}
    found = [hit("a", n, n, User=user) for n, user in enumerate(("x", "X", "y"))] + [hit("a", 4, 4)]
    outcome = run(block, found)
    assert outcome.matches == ()
    assert outcome.losses == {"corr0": CorrelationLoss(valueless=1)}
    (match,) = run(block, [*found, hit("a", 60, 9, User="z")]).matches
    assert (match.count, match.measured) == (4, 3)
    assert not run(block, [*found, hit("a", 63, 9, User="z")]).matches


def test_several_values_of_a_field_all_count_and_all_group() -> None:
    block = {"type": "value_count", "rules": "a", "condition": {"field": "Data", "gte": 3}}
    assert run(block, [hit("a", 0, 1, Data=("x", "y")), hit("a", 1, 2, Data=("y", "z"))]).matches
    grouped = {**COUNT3, "group-by": "Data", "condition": {"gte": 2}}
    outcome = run(grouped, [hit("a", 0, 1, Data=("x", "y")), hit("a", 1, 2, Data=("y", "z"))])
    assert [m.group for m in outcome.matches] == [{"Data": "y"}]


def test_combinations_of_several_fields_are_counted() -> None:
    block = {"type": "value_count", "rules": "a", "condition": {"field": ["U", "H"], "gte": 3}}
    found = [hit("a", n, n, U=u, H=h) for n, (u, h) in enumerate([("x", "1"), ("y", "1")])]
    assert not run(block, found).matches
    assert run(block, [*found, hit("a", 3, 3, U="x", H="2")]).matches


@pytest.mark.parametrize(
    ("kind", "condition", "holds"),
    [
        ("value_sum", {"gte": 10.6}, True),
        ("value_sum", {"gt": 10.6}, False),
        ("value_avg", {"eq": 2.65}, True),
        ("value_median", {"eq": 2.5}, True),
        ("value_median", {"lt": 2.5}, False),
        ("value_percentile", {"percentile": 75, "eq": 3}, True),
        ("value_percentile", {"percentile": 50, "eq": 2}, True),
        ("value_percentile", {"percentile": 76, "eq": 4.6}, True),
        ("value_percentile", {"percentile": 0, "eq": 1}, True),
    ],
)
def test_numbers_are_reckoned_exactly(kind: str, condition: dict[str, Any], holds: bool) -> None:
    block = {"type": kind, "rules": "a", "condition": {"field": "Size", **condition}}
    sizes = ("1", "3.0", "4.6", "2e0", "much", "NaN", "1_0", "٣")
    found = [hit("a", n, n, Size=size) for n, size in enumerate(sizes)]
    outcome = run(block, found)
    assert bool(outcome.matches) == holds
    assert outcome.losses == {"corr0": CorrelationLoss(not_numbers=4)}


def test_rules_come_together_in_any_order() -> None:
    block = {"type": "temporal", "rules": ["a", "b", "c"], "group-by": "User"}
    found = [hit("c", 0, 1, User="u"), hit("a", 30, 2, User="u"), hit("b", 60, 3, User="u")]
    assert spans(run(block, found)) == [(0, 60, 3)]
    assert not run(block, [*found[:2], hit("b", 60, 3, User="v")]).matches
    assert not run(block, [*found[:2], hit("b", 61, 3, User="u")]).matches
    two = {**block, "condition": {"gte": 2}}
    assert spans(run(two, found[:2])) == [(0, 30, 2)]


def test_order_is_asked_for_but_not_within_one_time() -> None:
    block = {"type": "temporal_ordered", "rules": ["a", "b"]}
    assert spans(run(block, [hit("a", 0, 1), hit("b", 1, 2)])) == [(0, 1, 2)]
    assert not run(block, [hit("b", 0, 1), hit("a", 1, 2)]).matches
    assert spans(run(block, [hit("b", 5, 1), hit("a", 5, 2)])) == [(5, 5, 2)]
    assert not run(block, [hit("a", 0, 1), hit("b", 61, 2)]).matches


def test_a_rule_may_be_a_step_twice() -> None:
    block = {"type": "temporal_ordered", "rules": ["a", "b", "a"]}
    assert run(block, [hit("a", 0, 1), hit("b", 1, 2), hit("a", 2, 3)]).matches
    assert not run(block, [hit("a", 0, 1), hit("a", 1, 2), hit("b", 2, 3)]).matches


def test_some_of_the_steps_in_order() -> None:
    block = {"type": "temporal_ordered", "rules": ["a", "b", "c"], "condition": {"gte": 2}}
    assert run(block, [hit("c", 0, 1), hit("a", 1, 2), hit("b", 2, 3)]).matches
    assert not run(block, [hit("c", 0, 1), hit("b", 1, 2), hit("a", 2, 3)]).matches


def test_one_rule_and_not_another() -> None:
    block = {"type": "temporal", "rules": ["a", "b"], "condition": "a and not b"}
    assert spans(run(block, [hit("a", 0, 1)])) == [(0, 0, 1)]
    # what undoes it may come later, or have come before
    assert not run(block, [hit("a", 0, 1), hit("b", 60, 2)]).matches
    assert not run(block, [hit("b", 0, 1), hit("a", 60, 2)]).matches
    assert spans(run(block, [hit("a", 0, 1), hit("b", 61, 2)])) == [(0, 0, 1)]


def test_an_ordered_choice() -> None:
    block = {
        "type": "temporal_ordered",
        "rules": ["a", "b", "c"],
        "condition": "a AND (b OR NOT c)",
    }
    assert run(block, [hit("a", 0, 1), hit("b", 1, 2), hit("c", 2, 3)]).matches
    assert not run(block, [hit("b", 0, 1), hit("a", 1, 2), hit("c", 2, 3)]).matches
    assert run(block, [hit("b", 0, 1), hit("a", 1, 2)]).matches


def test_aliases_name_each_rules_own_field() -> None:
    block = {
        "type": "temporal",
        "rules": ["a", "b"],
        "group-by": ["ip"],
        "aliases": {"ip": {"a": "Source", "b": "Destination"}},
    }
    found = [hit("a", 0, 1, Source="192.0.2.1"), hit("b", 1, 2, Destination="192.0.2.1")]
    (match,) = run(block, found).matches
    assert match.group == {"ip": "192.0.2.1"}
    found = [hit("a", 0, 1, ip="192.0.2.1"), hit("b", 1, 2, Destination="192.0.2.1")]
    assert run(block, found).losses == {"corr0": CorrelationLoss(ungrouped=1)}


FAILED = {
    "type": "event_count",
    "name": "many_failed",
    "rules": "a",
    "group-by": "Host",
    "condition": {"gte": 3},
}
THEN = {
    "type": "temporal_ordered",
    "name": "then",
    "rules": ["many_failed", "b"],
    "group-by": "Host",
}


def test_many_failed_then_one_that_worked() -> None:
    failed = hits("a", 0, 10, 20, Host="h")
    outcome = run([THEN, FAILED], [*failed, hit("b", 30, 1, Host="h")])
    assert spans(outcome, "many_failed") == [(0, 20, 3)]
    # of the inner match all records are in the outer one's span
    assert spans(outcome, "then") == [(0, 30, 2)]
    # it counts from when there were enough, not from the first one
    assert not spans(run([THEN, FAILED], [*failed, hit("b", 10, 1, Host="h")]), "then")
    assert spans(run([THEN, FAILED], [*failed, hit("b", 80, 1, Host="h")]), "then")
    assert not spans(run([THEN, FAILED], [*failed, hit("b", 81, 1, Host="h")]), "then")


def test_an_inner_match_is_there_as_long_as_it_goes_on() -> None:
    failed = hits("a", *range(0, 500, 20), Host="h")
    for second in (41, 250, 530):
        outcome = run([THEN, FAILED], [*failed, hit("b", second, 1, Host="h")])
        assert spans(outcome, "then"), second


def test_the_outer_one_groups_by_its_own_field() -> None:
    outer = {**THEN, "group-by": "User"}
    found = [hit("a", n, n, Host="h", User=user) for n, user in enumerate(("x", "y", "z"))]
    outcome = run([outer, FAILED], [*found, hit("b", 30, 9, Host="other", User="X")])
    assert [m.group for m in outcome.matches if m.rule_id == "then"] == [{"User": "x"}]


def test_fields_are_handed_on_through_several_levels() -> None:
    middle = {"type": "temporal", "name": "middle", "rules": ["many_failed", "b"]}
    outer = {"type": "temporal", "name": "outer", "rules": ["middle", "c"], "group-by": "User"}
    found = [hit("a", n, n, Host="h", User=user) for n, user in enumerate(("x", "y", "z"))]
    found += [hit("b", 10, 10, Host="h")]
    for user in ("x", "y", "z"):
        outcome = run([outer, middle, FAILED], [*found, hit("c", 20, 20, User=user)])
        assert [m.group for m in outcome.matches if m.rule_id == "outer"] == [{"User": user}]


def test_matches_of_one_time_enter_by_where_their_records_lie() -> None:
    inner = [
        {
            "type": "event_count",
            "name": name,
            "rules": rule,
            "group-by": "U",
            "condition": {"gte": 1},
        }
        for name, rule in (("one", "a"), ("two", "b"))
    ]
    outer = {"type": "temporal", "name": "outer", "rules": ["one", "two"], "group-by": "U"}
    for first, second in ((1, 2), (2, 1)):
        found = [hit("a", 0, first, U="x"), hit("b", 0, second, U="X")]
        outcome = run([*inner, outer], found)
        (match,) = [m for m in outcome.matches if m.rule_id == "outer"]
        assert match.group == {"U": "x" if first == 1 else "X"}


def test_counting_types_count_matches_not_moments() -> None:
    outer = {
        "type": "event_count",
        "name": "outer",
        "rules": "many_failed",
        "timespan": "1h",
        "condition": {"gte": 2},
    }
    one = hits("a", *range(0, 200, 10), Host="h")
    assert not spans(run([outer, FAILED], one), "outer")
    two = [*one, *hits("a", 1000, 1001, 1002, Host="h")]
    assert spans(run([outer, FAILED], two), "outer") == [(0, 1002, 2)]


def test_what_can_be_undone_is_known_when_the_window_is_over() -> None:
    lonely = {"type": "temporal", "name": "lonely", "rules": ["a", "b"], "condition": "a and not b"}
    outer = {"type": "temporal_ordered", "name": "outer", "rules": ["lonely", "c"]}
    found = [hit("a", 0, 1)]
    assert not spans(run([outer, lonely], [*found, hit("c", 59, 2)]), "outer")
    assert spans(run([outer, lonely], [*found, hit("c", 60, 2)]), "outer") == [(0, 60, 2)]
    assert spans(run([outer, lonely], [*found, hit("c", 120, 2)]), "outer") == [(0, 120, 2)]
    assert not spans(run([outer, lonely], [*found, hit("c", 121, 2)]), "outer")
    # at the very end of its window it can still be undone
    assert not spans(run([outer, lonely], [*found, hit("b", 60, 2), hit("c", 90, 3)]), "outer")


def test_too_many_hits_are_a_loss_that_is_said() -> None:
    limits = Limits(correlation_hits=10)
    flood = [hit("a", 1 + n / 1000, n, User=f"u{n}") for n in range(50)]
    found = [*hits("a", 0, 0.5, User="v"), *flood, *hits("a", 2, User="v")]
    correlations = link(COUNT3)
    assert correlate(correlations, found).matches
    outcome = correlate(correlations, found, limits)
    assert outcome.matches == ()
    assert outcome.losses["corr0"].forgotten == 43
    # what never was too much is found as before
    late = hits("a", 100, 101, 102, User="w")
    assert len(correlate(correlations, [*found, *late], limits).matches) == 1


def test_few_is_not_said_of_a_window_that_lost_hits() -> None:
    few = link({**COUNT3, "condition": {"lt": 3}})
    found = [hit("a", n / 10, n, User="u") for n in range(40)] + hits("a", 500, User="u")
    outcome = correlate(few, found, Limits(correlation_hits=2))
    assert spans(outcome) == [(500, 500, 1)]
    assert outcome.losses["corr0"].forgotten == 38
    assert outcome.losses["corr0"].unjudged == 1


def test_hits_of_one_time_are_bounded_too() -> None:
    correlator = Correlator(link(COUNT3), Limits(correlation_hits=10))
    for n in range(1000):
        correlator.add(hit("a", 0, n, User=f"u{n}"))
        assert correlator._held <= 10
        assert sum(len(node._groups) + len(node._touched) for node in correlator._nodes) <= 20


def test_matches_beyond_the_limit_are_counted() -> None:
    found = hits("a", *range(0, 10_000, 100), User="u")
    outcome = correlate(
        link({**COUNT3, "condition": {"gte": 1}}), found, Limits(correlation_matches=7)
    )
    assert len(outcome.matches) == 7
    assert outcome.losses == {"corr0": CorrelationLoss(folded=93)}


def test_a_field_with_too_many_values_is_a_loss_that_is_said() -> None:
    block = {"type": "value_count", "rules": "a", "condition": {"field": "Data", "gte": 1}}
    data = tuple(str(n) for n in range(99))
    outcome = correlate(link(block), [hit("a", 0, 1, Data=data)])
    assert outcome.matches[0].measured == 16
    assert outcome.losses == {"corr0": CorrelationLoss(unfolded=1)}


def test_windows_that_are_over_are_not_kept() -> None:
    correlator = Correlator(link(COUNT3, {**THEN, "rules": ["a", "corr0"]}), Limits())
    for n in range(5_000):
        correlator.add(hit("a", n * 30, n, User=f"u{n}", Host=f"h{n % 3}"))
        assert correlator._held <= 12
    assert all(len(node._groups) <= 3 for node in correlator._nodes)


# --- the fast one and the plain one agree -------------------------------------------------

FIELDS = ("U", "H")
_bounds = st.dictionaries(
    st.sampled_from(("gt", "gte", "lt", "lte", "eq", "neq")),
    st.integers(1, 4),
    min_size=1,
    max_size=2,
)
_rising = st.fixed_dictionaries({"gte": st.integers(1, 4)})


@st.composite
def _blocks(draw: st.DrawFn, number: int, groups: tuple[tuple[str, ...], ...]) -> dict[str, Any]:
    inner = [f"corr{n}" for n in range(number)]
    kind = draw(
        st.sampled_from(
            (
                "event_count",
                "value_count",
                "temporal",
                "temporal_ordered",
                "value_sum",
                "value_avg",
                "value_percentile",
                "value_median",
            )
        )
    )
    rules = draw(st.lists(st.sampled_from(RULES), min_size=0 if inner else 1, max_size=3))
    if inner:
        # one that is about another is what would need luck
        rules.insert(draw(st.integers(0, len(rules))), draw(st.sampled_from(inner)))
    block: dict[str, Any] = {
        "type": kind,
        "rules": rules,
        "timespan": f"{draw(st.integers(2, 6))}s",
        "group-by": list(draw(st.sampled_from(groups))),
    }
    if "al" in block["group-by"]:
        mapped = draw(st.lists(st.sampled_from(rules), unique=True))
        block["aliases"] = {"al": {rule: draw(st.sampled_from(FIELDS)) for rule in mapped}}
    condition: dict[str, Any] = draw(st.one_of(_rising, _bounds))
    if kind in ("temporal", "temporal_ordered"):
        names = list(dict.fromkeys(rules))
        form = draw(st.sampled_from(("none", "bounds", "and", "or", "not", "mixed")))
        if form == "none":
            return block
        if form == "bounds":
            return {**block, "condition": condition}
        last = names[-1]
        text = {
            "and": " and ".join(names),
            "or": " or ".join(names),
            "not": " and ".join([*names[:-1], f"not {last}"]),
            "mixed": f"({' or '.join(names)}) and not ({' and '.join(names)})",
        }[form]
        return {**block, "condition": text}
    if kind.startswith("value"):
        condition["field"] = draw(st.sampled_from(("N", "U", "al")))
    if kind == "value_percentile":
        condition["percentile"] = draw(st.sampled_from((0, 1, 33, 50, 75, 100)))
    return {**block, "condition": condition}


@st.composite
def _sets(
    draw: st.DrawFn, groups: tuple[tuple[str, ...], ...], *, most: int
) -> tuple[Correlation, ...]:
    read = []
    for number in range(draw(st.integers(1, most))):
        block = draw(_blocks(len(read), groups))
        name = f"corr{len(read)}"
        try:
            read.append(read_correlation({"title": name, "name": name, "correlation": block}, name))
        except ContentError:
            assume(number)
    linked = link_correlations(read, [(rule, None) for rule in RULES])
    assert not linked.errors
    return linked.correlations


def _records(fields: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[Hit]]:
    """Hits of up to thirty records; one that several rules matched is the same record."""
    second = st.one_of(
        st.integers(0, 24), st.integers(0, 24), st.integers(0, 96).map(lambda n: n / 4)
    )
    rules = st.sampled_from((*RULES, *RULES, "ab", "bc"))
    record = st.tuples(rules, st.one_of(*[second] * 9, st.none()), fields)
    return st.lists(record, min_size=1, max_size=30).map(
        lambda records: [
            hit(rule, second, line, **values)
            for line, (rules, second, values) in enumerate(records)
            for rule in rules
        ]
    )


_texts = st.sampled_from(("x", "x", "X", "y"))
_numbers = st.sampled_from(("1", "2.5", "-3", "0.1"))
_plain_fields = st.fixed_dictionaries({"U": _texts, "N": _numbers})
_rich_fields = st.fixed_dictionaries(
    {"U": st.one_of(_texts, st.tuples(_texts, _texts))},
    optional={"H": _texts, "N": st.one_of(_numbers, st.just("no")), "al": _texts},
)


def _agree(correlations: tuple[Correlation, ...], found: list[Hit], random: Any) -> None:
    in_order = sorted(found, key=Hit.order)
    outcome = correlate(correlations, in_order)
    random.shuffle(found)
    assert outcome.matches == correlate_plainly(correlations, found)
    # among hits of one time and record order is that of rules; nothing else shows
    assert correlate(correlations, sorted(found, key=Hit.order)) == outcome
    read = {rule for c in correlations for rule in c.rules}
    assert outcome.untimed == sum(one.timestamp is None for one in found if one.rule in read)
    assert outcome.late == 0


_MANY = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))


_STEP = st.sampled_from((0, 1, 1, 4, 5, 6, 9, 10, 10.000001, 11))


@given(_bounds, st.lists(_STEP, max_size=20))
@_MANY
def test_windows_begin_and_end_as_the_definition_says(
    condition: dict[str, int], steps: list[float]
) -> None:
    """One rule and no group: here edges of windows meet edges of bursts often."""
    block = {"type": "event_count", "rules": "a", "timespan": "10s", "condition": condition}
    assume(_can_be(block))
    run(block, hits("a", *accumulate(steps)))


def _can_be(block: dict[str, Any]) -> bool:
    try:
        link(block)
    except ContentError:
        return False
    return True


@given(_sets(((), ("U",)), most=1), _records(_plain_fields), st.randoms(use_true_random=False))
@_MANY
def test_the_pass_finds_what_the_definition_says(
    correlations: tuple[Correlation, ...], found: list[Hit], random: Any
) -> None:
    _agree(correlations, found, random)


@given(_sets(((), ("U",)), most=3), _records(_plain_fields), st.randoms(use_true_random=False))
@_MANY
def test_the_pass_nests_as_the_definition_says(
    correlations: tuple[Correlation, ...], found: list[Hit], random: Any
) -> None:
    _agree(correlations, found, random)


_GROUPS = ((), ("U",), ("H",), ("U", "H"), ("al",), ("H", "al"))


@given(_sets(_GROUPS, most=3), _records(_rich_fields), st.randoms(use_true_random=False))
@_MANY
def test_the_pass_groups_as_the_definition_says(
    correlations: tuple[Correlation, ...], found: list[Hit], random: Any
) -> None:
    _agree(correlations, found, random)
