"""A row and a rule -> whether it matches, and with which grade. The only step that decides.

Two-valued: a test on a field that the record does not carry is false, whatever the test.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping

from exopsy.core.text import decode_utf8
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
)
from exopsy.detection.rule import Rule, ValueList
from exopsy.schema.case import Grade
from exopsy.schema.row import Row

_ABSOLUTE = re.compile(r"https?://[a-z0-9.:-]+(?=/)", re.ASCII)
_VERSION_FOLDER = re.compile(r"/\d{1,3}(?:\.\d{1,5}){2,3}(?=/)", re.ASCII)


class RowView:
    """A row with its case-folded values remembered, so that many rules share the work."""

    __slots__ = ("_folded", "extra", "row")

    def __init__(self, row: Row) -> None:
        self.row = row
        self.extra: dict[str, str] = {}
        """Fields that a rule's extracts made."""
        self._folded: dict[str, str | None] = {}

    def value(self, field: str) -> str | None:
        """Return a field as rules see it (decoded), or None when it is absent."""
        found = self.row.value(field)
        return self.extra.get(field) if found is None and self.extra else found

    def folded(self, field: str) -> str | None:
        """Return the case-folded value, or None when the field is absent."""
        try:
            return self._folded[field]
        except KeyError:
            value = self.value(field)
            result = None if value is None else fold(value)
            self._folded[field] = result
            return result

    def keyword(self) -> str:
        """Return the text in which keywords are looked for: raw record and decoded values."""
        raw = decode_utf8(self.row.raw)
        return "\n".join([raw, *self.row.decoded.values()]) if self.row.decoded else raw


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
            return lambda row: all(test(row) for test in tests)
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
            return lambda row: (value := row.value(field)) is not None and found(value) is not None
        case Missing(absent):
            return lambda row: row.value(absent) is None
        case Present(present):
            return lambda row: row.value(present) is not None
        case Network(address, cidr):
            return _compile_network(address, cidr)
        case Compare(number_field, op, number):
            return _compile_compare(number_field, op, number)
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


def _compile_some(items: tuple[Expression, ...], lists: Mapping[str, ValueList]) -> Test:
    """Alternatives; whole values of one field are one set look-up."""
    plain: dict[str, set[str]] = {}
    tests: list[Test] = []
    for item in items:
        if (
            isinstance(item, Text)
            and item.field is not None
            and not item.cased
            and len(item.parts) == 1
            and isinstance(item.parts[0], str)
        ):
            plain.setdefault(item.field, set()).add(item.parts[0])
        else:
            tests.append(compile_expression(item, lists))
    for field, values in plain.items():
        tests.append(lambda row, field=field, values=values: row.folded(field) in values)  # type: ignore[misc]
    if len(tests) == 1:
        return tests[0]
    return lambda row: any(test(row) for test in tests)


def _compile_text(text: Text) -> Test:
    field = text.field
    check = _text_check(text.parts)
    if field is None:
        if text.cased:
            return lambda row: check(row.keyword())
        return lambda row: check(fold(row.keyword()))
    if text.cased:
        return lambda row: (value := row.value(field)) is not None and check(value)
    return lambda row: (value := row.folded(field)) is not None and check(value)


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
    return lambda row: (value := row.folded(field)) is not None and normalise(value, how) in values


def _compile_network(field: str, cidr: str) -> Test:
    network = ipaddress.ip_network(cidr, strict=False)

    def inside(row: RowView) -> bool:
        value = row.value(field)
        if value is None:
            return False
        try:
            return ipaddress.ip_address(value.partition("%")[0]) in network
        except ValueError:
            return False

    return inside


_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
}


def _compile_compare(field: str, op: str, number: float) -> Test:
    compare = _COMPARE[op]

    def holds(row: RowView) -> bool:
        value = row.value(field)
        if value is None:
            return False
        try:
            return compare(float(value), number)
        except ValueError:
            return False

    return holds


def _compile_same(field: str, other: str, how: str) -> Test:
    def same(row: RowView) -> bool:
        mine, theirs = row.folded(field), row.folded(other)
        if mine is None or theirs is None:
            return False
        if how == "startswith":
            return mine.startswith(theirs)
        return mine.endswith(theirs) if how == "endswith" else mine == theirs

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
