"""Raw spaces inside values do not shift the columns after them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.evidence.alignment import plan

COLUMNS = tuple(
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs-user-agent "
    "cs-referer sc-status sc-substatus sc-win32-status time-taken".split()
)
HEAD = "2021-03-03 04:00:01 192.0.2.10 GET /owa/"
TAIL = "200 0 0 31"


def align(line: str) -> dict[str, str] | None:
    values = plan(COLUMNS).align(line.split(" "))
    return None if values is None else dict(zip(COLUMNS, values, strict=True))


@pytest.mark.parametrize(
    ("middle", "column", "value"),
    [
        ("a b c 443 - 198.51.100.7 agent -", "cs-uri-query", "a b c"),
        ("a 443 EX\\some one 198.51.100.7 agent -", "cs-username", "EX\\some one"),
        ("a 443  EX\\one 198.51.100.7 agent -", "cs-username", "EX\\one"),
        ("a 443 - 198.51.100.7 an agent (x; y) -", "cs-user-agent", "an agent (x; y)"),
        # a query that imitates what follows it stays a query
        ("x 443 - 203.0.113.9 y 443 - 198.51.100.7 agent -", "c-ip", "198.51.100.7"),
        (
            "x 443 - 203.0.113.9 y 443 - 198.51.100.7 agent -",
            "cs-uri-query",
            "x 443 - 203.0.113.9 y",
        ),
        ("a 443 - 2001:db8::1%3 an agent -", "c-ip", "2001:db8::1%3"),
    ],
)
def test_excess_words_go_where_they_belong(middle: str, column: str, value: str) -> None:
    fields = align(f"{HEAD} {middle} {TAIL}")
    assert fields is not None
    assert fields[column] == value
    assert fields["sc-status"] == "200"
    assert fields["c-ip"] in ("198.51.100.7", "2001:db8::1%3")


@pytest.mark.parametrize(
    "line",
    [
        f"{HEAD} a b c d e f g h {TAIL}",
        f"{HEAD} a 443 - 198.51.100.7 an agent - 200 0 0 31x",
        "a b " + f"{HEAD} a 443 - 198.51.100.7 agent - {TAIL}",
    ],
)
def test_no_anchor_no_alignment(line: str) -> None:
    assert align(line) is None


@given(
    query=st.lists(st.sampled_from(["a", "443", "80", "-", "192.0.2.1", "x=1"]), min_size=1),
    user=st.sampled_from(["-", "EX\\one"]),
)
@settings(max_examples=100, deadline=None)
def test_a_query_of_any_words_is_given_back(query: list[str], user: str) -> None:
    line = f"{HEAD} {' '.join(query)} 443 {user} 198.51.100.7 agent - {TAIL}"
    fields = align(line)
    assert fields is not None
    assert fields["cs-uri-query"] == " ".join(query)
    assert fields["cs-username"] == user


def test_a_hostile_line_costs_little() -> None:
    fields = align(f"{HEAD} {'443 192.0.2.1 ' * 20_000}443 - 198.51.100.7 agent - {TAIL}")
    assert fields is not None
    assert fields["c-ip"] == "198.51.100.7"
