"""Each modifier of the specification on values: what it finds, and what it just misses."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from exopsy.core.errors import ContentError
from exopsy.detection.matcher import compile_expression
from exopsy.detection.row_view import RowView
from exopsy.detection.rule import ValueList
from exopsy.detection.sigma_reader import MissingListError, read_condition, read_detections
from exopsy.schema.row import Origin, Row

LISTS = {
    "admins": ValueList(name="admins", values=frozenset(("alice", "b.b"))),
    "drives": ValueList(name="drives", values=frozenset(("c:", "d:"))),
}
ORIGIN = Origin(artifact="a", offset=0, line=1)
# Monday 2 January 2023 04:05 UTC: week 1
TIME = datetime(2023, 1, 2, 4, 5, tzinfo=UTC)


def view(
    fields: dict[str, str], many: dict[str, tuple[str, ...]] | None = None, time: Any = TIME
) -> RowView:
    joined = {name: "\n".join(values) for name, values in (many or {}).items()}
    return RowView(
        Row(
            log="windows-event",
            host="h",
            timestamp=time,
            fields=fields | joined,
            many=many or {},
            origin=ORIGIN,
            raw=b'{"Event": "name of a key"}',
        )
    )


def holds(detection: str, row: RowView) -> bool:
    document = {"detection": yaml.safe_load(detection)}
    condition = read_condition(read_detections(document, "a.yml"), "a.yml", lists=LISTS)
    return compile_expression(condition, LISTS)(row)


def b64(text: str, encoding: str) -> str:
    return base64.b64encode(text.encode(encoding)).decode("ascii")


WIDE = b64("xxxmärkeryy", "utf-16-le")


@pytest.mark.parametrize(
    ("item", "hits", "misses"),
    [
        ("a: Word", ["word", "WORD"], ["words", "a word", "", "wörd"]),
        ("a: 4624", ["4624"], ["46240", "0x1210"]),
        ("a: '4624'", ["4624"], ["46240"]),
        ("a: true", ["true", "True"], ["1"]),
        ("a: W*d", ["wd", "word", "W\nd"], ["wordy", "aword"]),
        ("a: 'W?d'", ["wod"], ["wd", "wood"]),
        (r"a: 'a\*b'", ["a*b"], ["axb", "a\\*b", "ab"]),
        (r"a: 'a\?b'", ["a?b"], ["axb"]),
        (r"a: 'a\\*b'", ["a\\b", "a\\xb"], ["a*b", "axb"]),
        (r"a: 'a\\\*b'", ["a\\*b"], ["a\\xb"]),
        (r"a: 'a\b'", ["a\\b"], ["ab", "a\\\\b"]),
        (r"a: '\\\\srv\c'", ["\\\\srv\\c"], ["\\srv\\c"]),
        ("a|contains: Word", ["word", "a WORD b"], ["wor d", ""]),
        ("a|contains: 443", ["x443y"], ["44"]),
        ("a|startswith: Word", ["wordy"], ["a word"]),
        ("a|endswith: Word", ["a word"], ["wordy"]),
        (r"a|endswith: '\x*'", ["a\\x", "a\\xy"], ["a\\"]),
        ("a|contains|all: [x, y]", ["yx", "x y"], ["x", "y"]),
        ("a|all|contains: [x, y]", ["yx"], ["x"]),
        ("a: [x, y]", ["x", "Y"], ["xy"]),
        ("a|cased: Word", ["Word"], ["word"]),
        ("a|contains|cased: [Word, K]", ["a Word", "K"], ["a word", "\u212a"]),
        ("a: k", ["k", "K"], ["\u212a"]),
        ("a: É", ["É"], ["é"]),
        ("a|re: 'W.+d'", ["a Word b", "Wxxd"], ["word", "W\nd"]),
        ("a|re|i: 'W.+d'", ["a word b"], ["wd"]),
        ("a|re|m: '^b$'", ["a\nb\nc"], ["a\nbb"]),
        ("a|re: '^b$'", ["b"], ["a\nb\nc"]),
        ("a|re|s: 'a.b'", ["a\nb"], ["ab"]),
        ("a|re|i|m|s: '^A.b'", ["x\na\nB"], ["xa\nb"]),
        ("a|re|expand: '^%admins%@'", ["alice@x", "B.B@x"], ["bxb@x", "carol@x"]),
        ("a|cidr: 192.0.2.0/24", ["192.0.2.9", "::ffff:192.0.2.9"], ["192.0.3.1", "x", "192.0.2"]),
        ("a|cidr: [2001:db8::/32]", ["2001:db8::1", "2001:DB8::1%3"], ["2001:db9::1"]),
        ("a|lt: 5", ["4", "-1", "4.9"], ["5", "x", ""]),
        ("a|lte: 5", ["5"], ["5.1"]),
        ("a|gt: 5", ["5.5", "1e3"], ["5"]),
        ("a|gte: 5", ["5", "5.0"], ["4"]),
        ("a|neq: x", ["y", "xx"], ["x", "X"]),
        ("a|neq: 5", ["6"], ["5"]),
        ("a|contains|neq: x", ["y"], ["axb"]),
        ("a|neq|contains: [x, y]", ["z"], ["axb", "y"]),
        ("a|exists: true", ["", "x"], []),
        ("a|exists: false", [], ["", "x"]),
        ("a: null", [], ["x"]),
        ("a: ''", [], ["x"]),
        ("a: '-'", [], ["x", "--"]),
        ("a: ['', x]", ["x"], ["y"]),
        ("a|base64: marker", ["bWFya2Vy"], ["bWFya2Vy=", "bWFya2V5"]),
        (
            "a|base64offset|contains: marker",
            [b64("{" * n + "marker" + "y", "ascii") for n in range(4)],
            [b64("marked", "ascii"), "marker"],
        ),
        ("a|utf16le|base64offset|contains: märker", [WIDE], [b64("märker", "utf-8")]),
        ("a|wide|base64offset|contains: märker", [WIDE], [b64("märker", "utf-16-be")]),
        ("a|base64|wide|contains: mark", ["b\0W\0F\0y\0a\0w\0=\0=\0"], ["bWFyaw=="]),
        ("a|utf16be|base64: mä", [b64("mä", "utf-16-be")], [b64("mä", "utf-16-le")]),
        ("a|utf16|base64: mä", [b64("mä", "utf-16")], [b64("mä", "utf-16-le")]),
        ("a|wide: ab", ["a\0b\0"], ["ab"]),
        (
            "a|windash|contains: ' -x '",
            ["p -x y", "p /x y", "p \u2013x y", "p \u2014x y", "p \u2015x y"],
            ["p x y", "p +x y"],
        ),
        ("a|expand: '%admins%'", ["alice", "ALICE"], ["alice ", "%admins%"]),
        (
            r"a|expand: '%drives%\Users\%admins%\\*'",
            ["C:\\users\\alice\\x", "D:\\Users\\b.b\\"],
            ["C:\\users\\carol\\x", "E:\\users\\alice\\x", "C:\\users\\bxb\\x"],
        ),
        ("a|contains|expand: '%admins%'", ["x alice y"], ["alic"]),
        ("a: '%admins%'", ["%admins%"], ["alice"]),
    ],
)
def test_modifiers(item: str, hits: list[str], misses: list[str]) -> None:
    detection = f"s: {{{item}}}\ncondition: s"
    for value in hits:
        assert holds(detection, view({"a": value})), value
        assert holds(detection, view({}, {"a": ("nothing of it", value)})), value
    for value in misses:
        assert not holds(detection, view({"a": value})), value
    # a field that is missing fails every test but those on its absence
    is_absence = item in ("a: null", "a: ''", "a: '-'", "a: ['', x]", "a|exists: false")
    assert holds(detection, view({"b": "x"})) == is_absence


@pytest.mark.parametrize(
    ("item", "same", "other"),
    [
        ("a|fieldref: b", ("Word", "word"), ("word", "words")),
        ("a|fieldref|startswith: b", ("WORDS", "word"), ("word", "words")),
        ("a|fieldref|endswith: b", ("a word", "Word"), ("word a", "word")),
        ("a|fieldref|contains: b", ("a word b", "Word"), ("wo rd", "word")),
        ("a|contains|fieldref: b", ("a word b", "Word"), ("wo rd", "word")),
        ("a|fieldref|neq: b", ("a", "b"), ("A", "a")),
    ],
)
def test_references_to_fields(item: str, same: tuple[str, str], other: tuple[str, str]) -> None:
    detection = f"s: {{{item}}}\ncondition: s"
    assert holds(detection, view({"a": same[0], "b": same[1]}))
    assert not holds(detection, view({"a": other[0], "b": other[1]}))
    assert not holds(detection, view({"b": "x"}))
    if "neq" not in item:
        assert holds(detection, view({"b": same[1]}, {"a": ("none", same[0])}))
        assert not holds(detection, view({"a": "x"}))


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("x|minute: 5", True),
        ("x|minute: 6", False),
        ("x|hour: 4", True),
        ("x|hour|gte: 5", False),
        ("x|hour|lt: 5", True),
        ("x|day: 2", True),
        ("x|week: 1", True),
        ("x|week: 52", False),
        ("x|month: [1, 2]", True),
        ("x|year: 2023", True),
        ("x|year|gt: 2023", False),
    ],
)
def test_parts_of_the_records_time(item: str, expected: bool) -> None:
    detection = f"s: {{{item}}}\ncondition: s"
    assert holds(detection, view({})) == expected
    assert not holds(detection, view({}, time=None))


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ("[nothing, 'two W']", True),
        ("[nothing]", False),
        ("one*WORDS", True),
        ("{'|all': [one, words]}", True),
        ("{'|all': [one, nothing]}", False),
        ("{'|contains|all': [one, words]}", True),
        ("{'|re': 't[vw]o'}", True),
        ("{'|re': 'T[vw]o'}", False),
        ("{'|cased': [Two]}", False),
        ("[5, 42]", True),
        ("['name of a key']", False),
        ("{'|base64offset|contains': marker}", False),
        ("[one, {b: nothing}]", True),
    ],
)
def test_keywords_are_sought_in_all_values(keywords: str, expected: bool) -> None:
    row = view({"a": "one", "b": "two words", "c": "42"})
    assert holds(f"k: {keywords}\ncondition: k", row) == expected


BLOCK = "s_a: {a: x}\ns_b: {b: x}\n_s_c: {c: x}\nother: {d: x}\ntimeframe: 5m\n"


@pytest.mark.parametrize(
    ("condition", "fields", "expected"),
    [
        ("1 of s_*", "b", True),
        ("1 of s_*", "d", False),
        ("any of s_*", "a", True),
        ("all of s_*", "ab", True),
        ("all of s_*", "a", False),
        ("1 of them", "d", True),
        ("1 of them", "c", False),
        ("all of them", "abd", True),
        ("all of them", "ab", False),
        ("1 of _s*", "c", True),
        ("_s_c", "c", True),
        ("s_a and not (s_b or other)", "a", True),
        ("s_a and not (s_b or other)", "ad", False),
        ("s_a or s_b and other", "a", True),
        ("not s_a and not s_b", "", True),
        ("not 1 of s_*", "b", False),
        ("[s_a, 's_b and other']", "bd", True),
        ("[s_a, 's_b and other']", "b", False),
    ],
)
def test_conditions(condition: str, fields: str, expected: bool) -> None:
    row = view(dict.fromkeys(fields, "x"))
    assert holds(f"{BLOCK}condition: {condition}", row) == expected


def test_a_placeholder_without_a_list_is_told() -> None:
    with pytest.raises(MissingListError, match="list 'nowhere' does not exist"):
        holds("s: {a|expand: 'x%nowhere%'}\ncondition: s", view({}))


@pytest.mark.parametrize(
    ("detection", "problem"),
    [
        ("s: {a|utf16: mä}\ncondition: s", "no text once it is encoded"),
        ("s: {a|base64: 'x*'}\ncondition: s", "wildcards"),
        ("s: {a: x}\ncondition: s | count() > 5", "condition can't be parsed"),
        ("s: {a|hour: x}\ncondition: s", "detection can't be read"),
        ("s: {a|nonsense: x}\ncondition: s", "detection can't be read"),
        ("s: {a: x}", "detection can't be read"),
        ("x", "detection can't be read"),
    ],
)
def test_what_can_not_be_read(detection: str, problem: str) -> None:
    with pytest.raises(ContentError, match=problem):
        holds(detection, view({}))
