"""A row and a rule -> whether it matches, and with which grade. The only step that decides.

Two-valued: a test on a field that the record does not carry is false, whatever the test. A test on
a field with several values holds when it holds for one of them.
"""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from exopsy.detection.casefold import fold
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
    TimePart,
)
from exopsy.detection.row_view import RowView as RowView
from exopsy.detection.rule import Rule, ValueList
from exopsy.schema.case import Grade

_ABSOLUTE = re.compile(r"https?://[a-z0-9.:-]+(?=/)", re.ASCII)
_VERSION_FOLDER = re.compile(r"/\d{1,3}(?:\.\d{1,5}){2,3}(?=/)", re.ASCII)


Test = Callable[[RowView], bool]


def normalise(value: str, how: str) -> str:
    """Bring a case-folded value into the form in which a list holds it.

    ``version-folders``: ``/owa/15.1.2106.2/x`` is ``/owa/{ver}/x``, and a target in absolute form
    (``https://mail.example.com/owa/x``) is its path.
    """
    if how == "version-folders":
        if value.startswith("http"):
            found = _ABSOLUTE.match(value)
            value = value[found.end() :] if found else value
        return _VERSION_FOLDER.sub("/{ver}", value)
    return value


def glob_regex(parts: Iterable[str | int]) -> str:
    """Write a wildcard pattern as a regular expression for ``fullmatch``."""
    return "".join(
        ".*" if part == ANY else "." if part == ONE else re.escape(str(part)) for part in parts
    )


def compile_expression(expression: Expression, lists: Mapping[str, ValueList]) -> Test:
    """Turn an expression into a function of a row.

    Raises:
        KeyError: a list that is not loaded.
        re.error: a regular expression that Python refuses.
    """
    match expression:
        case All(items):
            tests = [compile_expression(item, lists) for item in items]
            if len(tests) == 1:
                return tests[0]
            return _all(tests)
        case Some(items):
            return _compile_some(items, lists)
        case No(item):
            test = compile_expression(item, lists)
            return lambda row: not test(row)
        case Text():
            return _compile_text(expression)
        case Regex(field, pattern, flags):
            found = compile_regex(pattern, flags).search
            if field is None:
                return lambda row: found(row.keyword()) is not None
            return _on_values(field, lambda value: found(value) is not None)
        case Missing(absent):
            return lambda row: row.value(absent) is None
        case Present(present):
            return lambda row: row.value(present) is not None
        case Network(address, cidr):
            return _compile_network(address, cidr)
        case Compare(number_field, op, number):
            return _compile_compare(number_field, op, number)
        case TimePart(part, op, whole):
            return _compile_time(part, op, whole)
        case InList(listed, name):
            return _compile_list(listed, lists[name])
        case SameAs(mine, other, how):
            return _compile_same(mine, other, how)


def compile_regex(pattern: str, flags: str) -> re.Pattern[str]:
    """Compile a rule's regular expression: ASCII classes and ASCII case folding only."""
    bits = re.ASCII
    for letter in flags:
        bits |= {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}[letter]
    return re.compile(pattern, bits)


def _on_values(field: str, check: Callable[[str], bool]) -> Test:
    """Test the field's values as they are."""

    def test(row: RowView) -> bool:
        if row.many and field in row.many:
            return any(check(value) for value in row.many[field])
        value = row.value(field)
        return value is not None and check(value)

    return test


def _on_folded(field: str, check: Callable[[str], bool]) -> Test:
    """Test the field's case-folded values."""

    def test(row: RowView) -> bool:
        if row.many and field in row.many:
            return any(check(value) for value in row.folded_many(field))
        value = row.folded(field)
        return value is not None and check(value)

    return test


def _compile_some(items: tuple[Expression, ...], lists: Mapping[str, ValueList]) -> Test:
    """Alternatives; texts of one shape on one field are one look at its value."""
    alike: dict[tuple[str, str], list[str]] = {}
    tests: list[Test] = []
    for item in items:
        found = _simple(item)
        if found is None:
            tests.append(compile_expression(item, lists))
        else:
            field, shape, text = found
            alike.setdefault((field, shape), []).append(text)
    tests += [
        _on_folded(field, _any_of(shape, tuple(texts))) for (field, shape), texts in alike.items()
    ]
    if len(tests) == 1:
        return tests[0]
    return _some(tests)


def _all(tests: Sequence[Test]) -> Test:
    # a plain loop: a generator costs as much as the tests
    def every(row: RowView) -> bool:
        for test in tests:  # noqa: SIM110
            if not test(row):
                return False
        return True

    return every


def _some(tests: Sequence[Test]) -> Test:
    def one(row: RowView) -> bool:
        for test in tests:  # noqa: SIM110
            if test(row):
                return True
        return False

    return one


def _simple(item: Expression) -> tuple[str, str, str] | None:
    """Return field, shape and literal of a text that is one literal at some place of the value."""
    if not isinstance(item, Text) or item.field is None or item.cased:
        return None
    match item.parts:
        case (str() as whole,):
            return item.field, "equals", whole
        case (str() as start, 0):
            return item.field, "startswith", start
        case (0, str() as end):
            return item.field, "endswith", end
        case (0, str() as piece, 0):
            return item.field, "contains", piece
    return None


def _any_of(shape: str, texts: tuple[str, ...]) -> Callable[[str], bool]:
    if shape == "equals":
        return frozenset(texts).__contains__
    if shape == "startswith":
        return lambda value: value.startswith(texts)
    if shape == "endswith":
        return lambda value: value.endswith(texts)

    def contains(value: str) -> bool:
        for text in texts:  # noqa: SIM110
            if text in value:
                return True
        return False

    return contains


def _compile_text(text: Text) -> Test:
    check = _text_check(text.parts)
    if text.field is None:
        if text.cased:
            return lambda row: check(row.keyword())
        return lambda row: check(fold(row.keyword()))
    return (_on_values if text.cased else _on_folded)(text.field, check)


def _text_check(parts: tuple[str | int, ...]) -> Callable[[str], bool]:
    match parts:
        case ():
            return lambda value: value == ""
        case (str() as whole,):
            return whole.__eq__
        case (0, str() as piece, 0):
            return lambda value: piece in value
        case (str() as start, 0):
            return lambda value: value.startswith(start)
        case (0, str() as end):
            return lambda value: value.endswith(end)
    full = re.compile(glob_regex(parts), re.DOTALL).fullmatch
    return lambda value: full(value) is not None


def _compile_list(field: str, known: ValueList) -> Test:
    values, how = known.values, known.normalise
    return _on_folded(field, lambda value: normalise(value, how) in values)


def _compile_network(field: str, cidr: str) -> Test:
    network = ipaddress.ip_network(cidr, strict=False)

    def inside(value: str) -> bool:
        try:
            address = ipaddress.ip_address(value.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return address in network or (mapped is not None and mapped in network)

    return _on_values(field, inside)


_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "eq": operator.eq,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


def _compile_compare(field: str, op: str, number: float) -> Test:
    compare = _COMPARE[op]

    def holds(value: str) -> bool:
        try:
            return compare(float(value), number)
        except ValueError:
            return False

    return _on_values(field, holds)


_PARTS: dict[str, Callable[[datetime], int]] = {
    "minute": lambda time: time.minute,
    "hour": lambda time: time.hour,
    "day": lambda time: time.day,
    "week": lambda time: time.isocalendar().week,
    "month": lambda time: time.month,
    "year": lambda time: time.year,
}


def _compile_time(part: str, op: str, number: int) -> Test:
    part_of, compare = _PARTS[part], _COMPARE[op]

    def holds(row: RowView) -> bool:
        time = row.row.timestamp
        return time is not None and compare(part_of(time), number)

    return holds


_SAME: dict[str, Callable[[str, str], bool]] = {
    "equals": operator.eq,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": operator.contains,
}


def _compile_same(field: str, other: str, how: str) -> Test:
    compare = _SAME[how]

    def same(row: RowView) -> bool:
        theirs = [fold(value) for value in row.values(other)]
        return any(compare(fold(mine), value) for mine in row.values(field) for value in theirs)

    return same


class Matcher:
    """One rule, ready to run."""

    __slots__ = ("_condition", "_extracts", "_grades", "keys", "rule", "subject")

    def __init__(self, rule: Rule, lists: Mapping[str, ValueList]) -> None:
        self.rule = rule
        self.subject = rule.info.subject
        self.keys = rule.keys
        self._condition = compile_expression(rule.condition, lists)
        self._grades = [
            (None if g.when is None else compile_expression(g.when, lists), g.grade)
            for g in rule.grades
        ]
        self._extracts = [(e.name, e.field, compile_regex(e.pattern, "i")) for e in rule.extracts]

    def match(self, row: RowView) -> Grade | None:
        """Return the grade with which the rule matches, or None."""
        if not self._condition(row):
            return None
        for test, grade in self._grades:
            if test is None or test(row):
                return grade
        return None

    def subject_of(self, row: RowView) -> dict[str, str]:
        """Return what a match on this row is about; absent fields are left out."""
        if self._extracts:
            self._extract(row)
        return {
            name: _encodable(value[:512])
            for name in self.subject
            if (value := row.value(name)) is not None
        }

    def _extract(self, row: RowView) -> None:
        for name, field, pattern in self._extracts:
            value = row.value(field)
            found = None if value is None else pattern.search(value)
            if found is not None and found.group(1) is not None:
                row.extra[name] = found.group(1)


def _encodable(text: str) -> str:
    r"""Spell out halves of surrogate pairs, which JSON can say (``\ud800``) and UTF-8 can not."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
