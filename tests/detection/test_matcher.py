from __future__ import annotations

from typing import Any

import msgspec
import pytest

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
from exopsy.detection.matcher import Matcher, RowView, compile_expression, normalise
from exopsy.detection.rule import Extract, GradeWhen, Rule, ValueList
from exopsy.schema.row import Origin, Row
from exopsy.schema.rule import RuleInfo

LISTS = {
    "plain": ValueList(name="plain", values=frozenset(("/a", "b"))),
    "folders": ValueList(
        name="folders", values=frozenset(("/owa/{ver}/x.js",)), normalise="version-folders"
    ),
}


def row(raw: bytes = b"", decoded: dict[str, str] | None = None, **fields: str) -> RowView:
    return RowView(
        Row(
            log="iis-w3c",
            host="EX01",
            timestamp=None,
            fields=fields,
            decoded=decoded or {},
            origin=Origin(artifact="u_ex.log", offset=0, line=1),
            raw=raw,
        )
    )


def holds(expression: Expression, view: RowView) -> bool:
    return compile_expression(expression, LISTS)(view)


TESTS_OF_A_FIELD: list[Expression] = [
    Text("a", ("x",)),
    Text("a", ()),
    Text("a", (ANY,)),
    Text("a", (ANY, "x", ANY)),
    Text("a", ("x",), cased=True),
    Regex("a", ".*"),
    Network("a", "::/0"),
    Present("a"),
    Compare("a", "lt", 1e9),
    InList("a", "plain"),
    SameAs("a", "a"),
    Some((Text("a", ("x",)), Text("a", ("y",)))),
]


@pytest.mark.parametrize("test", TESTS_OF_A_FIELD, ids=repr)
def test_a_missing_field_fails_every_test_and_passes_its_negation(test: Expression) -> None:
    assert not holds(test, row())
    assert holds(No(test), row())


def test_missing_is_the_one_test_that_absence_passes() -> None:
    assert holds(Missing("a"), row())
    assert not holds(Missing("a"), row(a="x"))
    assert holds(Present("a"), row(a="x"))


def test_empty_all_is_true_and_empty_some_is_false() -> None:
    assert holds(All(()), row())
    assert not holds(Some(()), row())


@pytest.mark.parametrize(
    ("parts", "value", "expected"),
    [
        (("abc",), "ABC", True),
        (("abc",), "abcd", False),
        (("abc", ANY), "ABCd", True),
        ((ANY, "abc"), "xabc", True),
        ((ANY, "abc", ANY), "xabcx", True),
        ((ANY, "abc", ANY), "xabx", False),
        (("a", ONE, "c"), "a\nc", True),
        (("a", ONE, "c"), "ac", False),
        (("a", ANY, "c"), "a\nbc", True),
        ((ONE, ANY), "a", True),
        ((ONE,), "ab", False),
        (("a.c",), "abc", False),
        (("a.c", ANY, "["), "A.Cx[", True),
        ((), "x", False),
        (("k",), "\u212a", False),
    ],
)
def test_wildcards(parts: tuple[str | int, ...], value: str, expected: bool) -> None:
    assert holds(Text("a", parts), row(a=value)) is expected


def test_cased_text_keeps_its_case() -> None:
    assert holds(Text("a", (ANY, "aB", ANY), cased=True), row(a="xaBx"))
    assert not holds(Text("a", (ANY, "aB", ANY), cased=True), row(a="xabx"))


@pytest.mark.parametrize(
    ("pattern", "flags", "value", "expected"),
    [
        ("abc", "", "xABCx", False),
        ("abc", "i", "xABCx", True),
        ("k", "i", "\u212a", False),
        (r"\w", "", "\u00e9", False),
        (r"\d", "", "\u0663", False),
        ("^b", "", "a\nb", False),
        ("^b", "m", "a\nb", True),
        ("a.b", "", "a\nb", False),
        ("a.b", "s", "a\nb", True),
        ("b$", "", "b\n", True),
    ],
)
def test_regular_expressions(pattern: str, flags: str, value: str, expected: bool) -> None:
    assert holds(Regex("a", pattern, flags), row(a=value)) is expected


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        ("gte", "500", True),
        ("gt", "500", False),
        ("lt", "499.5", True),
        ("lte", "500", True),
        ("gte", "many", False),
        ("lt", "", False),
        ("lt", "nan", False),
    ],
)
def test_comparisons_are_of_numbers(op: str, value: str, expected: bool) -> None:
    assert holds(Compare("a", op, 500), row(a=value)) is expected


def test_equality_is_of_texts() -> None:
    assert holds(Text("a", ("200",)), row(a="200"))
    assert not holds(Text("a", ("200",)), row(a="200.0"))
    assert not holds(Text("a", ("200",)), row(a="0200"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("192.0.2.77", True),
        ("198.51.100.1", False),
        ("192.0.2.77%eth0", True),
        ("2001:db8::1", False),
        ("192.0.2", False),
    ],
)
def test_networks(value: str, expected: bool) -> None:
    assert holds(Network("a", "192.0.2.1/24"), row(a=value)) is expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("plain", "/A", True),
        ("plain", "/a/", False),
        ("folders", "/OWA/15.1.2106.2/x.js", True),
        ("folders", "/owa/15.1.2106/x.js", True),
        ("folders", "/owa/15.1/x.js", False),
        ("folders", "/owa/{ver}/x.js", True),
        ("folders", "https://mail.example.com:444/owa/15.1.2106.2/x.js", True),
        ("folders", "/owa/15.1.2106.2x/x.js", False),
        ("plain", "http://h.example/a", False),
    ],
)
def test_lists(name: str, value: str, expected: bool) -> None:
    assert holds(InList("a", name), row(a=value)) is expected


def test_normalise_leaves_the_end_of_a_path_alone() -> None:
    assert normalise("/owa/15.1.2106.2", "version-folders") == "/owa/15.1.2106.2"
    assert normalise("/owa/15.1.2106.2/", "") == "/owa/15.1.2106.2/"


@pytest.mark.parametrize(
    ("how", "mine", "other", "expected"),
    [
        ("equals", "Ab", "aB", True),
        ("equals", "ab", "abc", False),
        ("startswith", "abc", "AB", True),
        ("endswith", "abc", "BC", True),
        ("endswith", "abc", "ab", False),
    ],
)
def test_field_references(how: str, mine: str, other: str, expected: bool) -> None:
    assert holds(SameAs("a", "b", how), row(a=mine, b=other)) is expected
    assert not holds(SameAs("a", "b", how), row(a=mine))


def test_rules_see_the_decoded_value() -> None:
    view = row(decoded={"a": "/ecp/"}, a="%2fecp/")
    assert holds(Text("a", ("/ecp/",)), view)
    assert not holds(Text("a", ("%2fecp/",)), view)


def test_keywords_are_looked_for_in_the_record_and_in_decoded_values() -> None:
    view = row(b"GET %2Fecp/ \xff", {"a": "/ecp/"}, a="%2Fecp/")
    for text in ("get", "%2fecp", "/ecp/"):
        assert holds(Text(None, (ANY, text, ANY)), view)
    assert not holds(Text(None, (ANY, "get /ecp", ANY)), view)
    assert holds(Regex(None, "^/ecp/$", "m"), view)
    assert not holds(Text(None, (ANY, "get", ANY), cased=True), view)


def rule(**more: Any) -> Rule:
    made: dict[str, Any] = {
        "info": RuleInfo(id="r", title="t", level="low", subject=("a", "file", "none")),
        "log": "iis-w3c",
        "condition": Text("a", ("x", ANY)),
        "grades": (
            GradeWhen(when=Text("s", ("200",)), grade="success"),
            GradeWhen(when=None, grade="attempt"),
        ),
        "at": "r.yml",
    }
    return Rule(**{**made, **more})


def test_the_first_grade_that_holds_wins() -> None:
    matcher = Matcher(rule(), {})
    assert matcher.match(row(a="x", s="200")) == "success"
    assert matcher.match(row(a="x", s="404")) == "attempt"
    assert matcher.match(row(a="y", s="200")) is None


def test_no_grade_no_match() -> None:
    only = rule(grades=(GradeWhen(when=Text("s", ("200",)), grade="success"),))
    assert Matcher(only, {}).match(row(a="x", s="404")) is None


def test_the_subject_leaves_out_what_is_absent_and_holds_what_was_extracted() -> None:
    extract = Extract(name="file", field="a", pattern=r"FILE=(\w+)?")
    matcher = Matcher(rule(extracts=(extract,)), {})
    assert matcher.subject_of(row(a="x file=abc")) == {"a": "x file=abc", "file": "abc"}
    assert matcher.subject_of(row(a="x file=")) == {"a": "x file="}
    assert matcher.subject_of(row(a="x" * 600)) == {"a": "x" * 512}


def test_a_subject_can_always_be_encoded() -> None:
    """JSON in an audit log can say half of a surrogate pair; it must not cost the artifact."""
    subject = Matcher(rule(), {}).subject_of(row(a="\u00e9\ud800"))
    assert subject == {"a": "\u00e9\\ud800"}
    assert msgspec.json.encode(subject)
