from __future__ import annotations

import pytest
import sieve_law as law
from hypothesis import given
from hypothesis import strategies as st

from exopsy.detection.sieve.literals import Both, Literal, necessary, overlaps

LISTS = {
    "known": frozenset(("/owa/{ver}/a.js", "/ecp/b.js")),
    "many": frozenset(map(str, range(100))),
}


def texts(detection: str, **more: object) -> set[str] | None:
    """Return the needed literals, ends of values marked as in a regular expression."""
    rule = law.rule_of("iis-w3c", detection)
    need = necessary(rule.condition, LISTS, **more)  # type: ignore[arg-type]
    if need is None:
        return None
    return {_text(x) for x in need}


def _text(need: Literal | Both) -> str:
    if isinstance(need, Both):
        return f"{_text(need.first)} & {_text(need.second)}"
    head = f"^{need.head}.." if need.head else ""
    return f"{head}{'^' * need.prefix}{need.text}{'$' * need.suffix}"


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("a|contains: abcd", {"abcd"}),
        ("a|startswith: ABcd", {"^abcd"}),
        ("a|endswith: abcd", {"abcd$"}),
        ("a: abcd", {"^abcd$"}),
        ("a|contains: [abcd, efgh]", {"abcd", "efgh"}),
        ("a|contains|all: [abc, efghij]", {"efghij"}),
        ("a: 'abc*defg'", {"defg$"}),
        ("a|contains: ab", None),
        ("a|contains: [abcd, ab]", None),
        ("a|contains: '\u00e9t\u00e9abc'", {"abc"}),
        ("a|contains|cased: ABcd", {"abcd"}),
        ("a: null", None),
        ("a|exists: true", None),
        ("a|gte: 500000", None),
        ("a|cidr: 192.0.2.0/24", None),
        ("a|fieldref: b", None),
        ("a|expand: '%many%'", None),
        ("a|expand: '%nowhere%'", None),
        ("a|re: abcd", {"abcd"}),
        ("a|re: '^abcd$'", {"^abcd$"}),
        ("a|re: 'abcd.*efghi'", {"efghi"}),
        ("a|re: '(?:abcd|efgh)ij'", {"abcdij", "efghij"}),
        ("a|re: '(?:abcd|x*)ij'", None),
        ("a|re: '(?:abcd)?efgh'", {"efgh"}),
        ("a|re: '(?:abcd)+'", {"abcd"}),
        ("a|re: '(?:abcd){0,3}'", None),
        ("a|re: 'a[bc]de'", {"abde", "acde"}),
        ("a|re: 'a[^b]cdef'", {"cdef"}),
        (r"a|re: '\d+abcd'", {"abcd"}),
        ("a|re: '(?m)^abcd'", {"abcd"}),
        ("a|re|m: '^abcd$'", {"abcd"}),
        ("a|re: '(?m:^abcd)'", {"abcd"}),
    ],
)
def test_what_one_test_needs(item: str, expected: set[str] | None) -> None:
    assert texts(f"one: {{{item}}}\ncondition: one") == expected


def test_long_literals_are_bounded_and_keep_their_end() -> None:
    (text,) = texts(f"one: {{a|endswith: '{'x' * 100}yz'}}\ncondition: one") or ()
    assert text.endswith("xyz$")
    assert len(text) == 49


def test_a_list_is_looked_for_as_it_may_be_written() -> None:
    found = texts("one: {a|expand: '%known%'}\ncondition: one")
    assert found is not None
    assert "/ecp/b.js$" in found
    assert not any("{ver}" in text or text.startswith("^") for text in found)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("x and y", {"yyyyyy"}),
        ("x or y", {"xxxx", "yyyyyy"}),
        ("x and not y", {"xxxx"}),
        ("not x", None),
        ("not not x", {"xxxx"}),
        ("not (x or y)", None),
        ("not (not x and not y)", {"xxxx", "yyyyyy"}),
        ("not (not x or not y)", {"yyyyyy"}),
        ("x or none", None),
        ("x and none", {"xxxx"}),
    ],
)
def test_conditions(condition: str, expected: set[str] | None) -> None:
    block = "x: {a|contains: xxxx}\ny: {b|contains: yyyyyy}\nnone: {c: null}\ncondition: "
    assert texts(block + condition) == expected


def test_common_literals_are_paired() -> None:
    block = "x: {a|contains: xxxx, b|contains: yyyyyy}\ncondition: x"
    (text,) = texts(block, reference=law.Common(50)) or ()
    assert set(text.split(" & ")) == {"xxxx", "yyyyyy"}


def test_rarer_literals_win() -> None:
    class Records:
        records = 100

        def holding(self, text: str, *, starts: bool, ends: bool, inner: bool = False) -> int:
            return 0 if text == "xxxx" else (1 << 60) - 1

    block = "x: {a|contains: xxxx, b|contains: yyyyyy}\ncondition: x"
    assert texts(block, reference=Records()) == {"xxxx"}


def test_an_excluded_list_goes_with_the_end_of_the_same_field_only() -> None:
    block = "x: {a|endswith: abcd}\nk: {FIELD|expand: '%known%'}\ncondition: x and not k"
    for field, unless in (("a", "known"), ("b", "")):
        rule = law.rule_of("iis-w3c", block.replace("FIELD", field))
        (need,) = necessary(rule.condition, LISTS) or ()
        assert isinstance(need, Literal)
        assert need.unless == unless


@given(st.text("ab", min_size=1, max_size=4), st.text("ab", min_size=1, max_size=4))
def test_overlaps(a: str, b: str) -> None:
    """Every text that ends where both are over, and starts where the first starts."""
    wanted = set()
    for left, right in ((a, b), (b, a)):
        for start in range(len(left)):
            text = left[:start] + right
            whole = text if len(text) >= len(left) else left
            if whole.startswith(left) and whole.startswith(right, start):
                wanted.add(whole)
    assert overlaps(a, b) == wanted
