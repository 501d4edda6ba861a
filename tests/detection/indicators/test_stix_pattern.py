from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.detection.indicators.stix_pattern import Atom, read_pattern


def atoms(text):
    return [(a.path, a.operator, a.value) for a in read_pattern(text).atoms]


def test_every_comparison_is_taken_and_what_joined_them_is_named():
    text = (
        "([ipv4-addr:value = '203.0.113.5' AND file:hashes.'SHA-256' IN ('aa', 'bb')] FOLLOWEDBY "
        "[url:value LIKE '%/x' OR ipv6-addr:value ISSUBSET '2001:db8::/32']) WITHIN 5 SECONDS"
    )
    assert atoms(text) == [
        ("ipv4-addr:value", "=", "203.0.113.5"),
        ("file:hashes.SHA-256", "IN", "aa"),
        ("file:hashes.SHA-256", "IN", "bb"),
        ("url:value", "LIKE", "%/x"),
        ("ipv6-addr:value", "ISSUBSET", "2001:db8::/32"),
    ]
    assert read_pattern(text).losses == ("AND", "FOLLOWEDBY", "WITHIN")


def test_what_is_denied_or_only_near_is_left_out_and_named():
    text = "[a:b != 'x' OR a:b NOT = 'y' OR a:b MATCHES 'z' OR a:c > 5 OR a:d = 'k']"
    assert atoms(text) == [("a:d", "=", "k")]
    assert read_pattern(text).losses == ("NOT", "operator MATCHES", "operator >")


def test_quotes_and_backslashes_are_undone():
    assert atoms(r"[file:name = 'it\'s a \\ b']") == [("file:name", "=", "it's a \\ b")]


def test_a_path_through_extensions():
    text = "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'x/1']"
    (found,) = atoms(text)
    assert found[0] == "network-traffic:extensions.http-request-ext.request_header.User-Agent"


@pytest.mark.parametrize(
    "text", ["", "x", "[a:b]", "[a:b = ]", "[a:b IN 'x']", "[a:b IN ('x'", "a:b = 'x'", "[a:b = 'x"]
)
def test_what_is_no_pattern_is_an_error(text):
    with pytest.raises(ValueError):
        read_pattern(text)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["[", "]", "(", ")", "a:b", "=", "IN", "'x'", "'", "\\", "NOT", " ", "AND", ","]
        )
    )
)
def test_any_text_gives_atoms_or_an_error(pieces):
    try:
        found = read_pattern("".join(pieces))
    except ValueError:
        return
    assert all(isinstance(a, Atom) for a in found.atoms)


def test_a_hostile_pattern_costs_little():
    started = time.process_time()
    for text in ("[" * 100_000, "[a:b = '" + "\\" * 99_000, "[a:" + "b." * 49_000, "/*" * 50_000):
        with contextlib.suppress(ValueError):
            assert not read_pattern(text).atoms
    assert time.process_time() - started < 5
