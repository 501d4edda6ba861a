"""Literals that a rule needs -> patterns over the bytes of a log's records."""

from __future__ import annotations

from typing import Literal

import msgspec

from exopsy.detection.sieve import literals
from exopsy.detection.sieve.encodings import markers, pattern_of
from exopsy.detection.sieve.exclusion import end_of_value
from exopsy.schema.columns import Codec, LogColumns


class Pattern(msgspec.Struct, frozen=True):
    """One necessary pattern and the rules that need it."""

    regex: str
    kind: Literal["rule", "marker", "header"] = "rule"
    """A marker stands for all rules; a header line changes how the records after it are read."""
    rules: tuple[int, ...] = ()
    """Indexes into the sieve's rules."""
    field: str = ""
    unless: str = ""
    """Name of a list: see ``literals.Literal.unless``."""
    also: tuple[str, ...] = ()
    """Further patterns of which the record must hold one, looked for once the first was found."""
    triggers: tuple[str, ...] = ()
    """Cheaper patterns: see ``sieve.triggers``."""
    neighbours: tuple[tuple[str, str], ...] = ()
    """Columns that the triggers take to stand side by side."""


_HEADER = Pattern(r"[\n\x00\xbf]#", kind="header")
_COLUMN_ROW = Pattern(r"[\n\x00\xbf][#a-z]", kind="header")


def header_pattern(columns: LogColumns) -> Pattern:
    """Return the pattern of lines that may be headers: all records start with a digit.

    Quoted CSV may have a bare row of column names. (0xBF ends a byte-order mark.)
    """
    return _COLUMN_ROW if columns.csv else _HEADER


def marker_patterns(columns: LogColumns) -> list[Pattern]:
    """Return the markers of a log: see ``encodings``."""
    codecs: list[Codec] = list(columns.codecs.values())
    if columns.derived_prefixes:
        codecs.append("json")
    return [Pattern(regex, "marker") for regex in markers(codecs)]


def literal_pattern(
    literal: literals.Literal, columns: LogColumns, *, first: bool = True, to_end: bool = True
) -> str:
    """Return the pattern of one literal, tied to the ends of its value where it must be.

    Args:
        literal: what to look for.
        columns: of its log.
        first: whether it can stand at the very beginning of the data.
        to_end: whether the byte behind the value is part of the pattern.
    """
    if not literal.field:
        return pattern_of(_one_column(literal.text, columns), "any", csv=columns.csv)
    if literal.field in columns.joined:
        text = _one_column(literal.text, columns)
        return pattern_of(text, columns.codec(literal.field), csv=columns.csv)
    pattern = pattern_of(literal.text, columns.codec(literal.field), csv=columns.csv)
    if literal.field not in columns.columns or not columns.separated:
        return pattern  # a derived field's ends stand inside another field
    if literal.inner and not columns.csv:
        pattern = r"[^ \n]" + pattern
    end = end_of_value(csv=columns.csv) if to_end else ""
    start = _start_of_value(columns, first=first)
    if literal.head:
        return start + _headed_pattern(literal, columns) + end
    if literal.prefix:
        pattern = start + pattern
    return pattern + end if literal.suffix else pattern


def _one_column(text: str, columns: LogColumns) -> str:
    """Return a piece of a literal that stands in one column: joined values may hold the whole."""
    for joined in columns.joined.values():
        text = max(text.split(joined.separator), key=len)
    return text


def _headed_pattern(literal: literals.Literal, columns: LogColumns) -> str:
    """Return the pattern of a value that starts with one literal and ends with another."""
    codec = columns.codec(literal.field)
    between = r"[^ \n]*" if literal.field in columns.solid else _BETWEEN
    head = pattern_of(literal.head, codec, csv=columns.csv)
    tail = pattern_of(literal.text, codec, csv=columns.csv)
    joined = (
        pattern_of(text, codec, csv=columns.csv)
        for text in literals.overlaps(literal.head, literal.text)
        if text.startswith(literal.head) and text.endswith(literal.text)
    )
    return f"(?:{'|'.join([head + between + tail, *sorted(joined)])})"


_BETWEEN = r"[^\n]*"


def _start_of_value(columns: LogColumns, *, first: bool) -> str:
    before = r'[,"\n\x00\xbf]' if columns.csv else r"[ \n\x00\xbf]"
    return f"(?:^|{before})" if first else before


def both_patterns(both: literals.Both, columns: LogColumns) -> str:
    """Return a pattern for records that hold two literals, in any order, overlapping or not."""
    first, second = both.first, both.second
    if _share_no_byte(first, second, columns):
        # The byte between two neighbouring values belongs to the second.
        a, b = (literal_pattern(x, columns, to_end=False) for x in (first, second))
        then_a, then_b = (
            literal_pattern(x, columns, first=False, to_end=False) for x in (first, second)
        )
        return f"(?:{a}{_BETWEEN}{then_b}|{b}{_BETWEEN}{then_a})"
    # Not tied to the ends of values: two values may end and begin at one and the same byte.
    loose = (
        msgspec.structs.replace(x, prefix=False, suffix=False, head="", inner=False)
        for x in (first, second)
    )
    a, b = (literal_pattern(x, columns) for x in loose)
    if (
        not first.field
        or not second.field
        or _one_holds_other(first, second, columns)
        or first.field in columns.joined
        or second.field in columns.joined
    ):
        return a  # the same bytes read in two ways: there is no telling how they overlap
    between = (
        r"[^ \n]*" if first.field == second.field and first.field in columns.solid else _BETWEEN
    )
    orders = [a + between + b, b + between + a]
    if first.field == second.field and (first.prefix or second.prefix):
        # The one begins the value, so that the other stands behind it.
        begin, behind = (a, b) if first.prefix else (b, a)
        orders = [begin + between + behind]
    orders += sorted(
        pattern_of(text, "any", csv=columns.csv)
        for text in literals.overlaps(first.text, second.text)
    )
    return f"(?:{'|'.join(orders)})"


def _share_no_byte(a: literals.Literal, b: literals.Literal, columns: LogColumns) -> bool:
    """Say whether two literals stand in different columns of the log, so that they can't overlap."""
    own = columns.columns
    return a.field != b.field and a.field in own and b.field in own


def _one_holds_other(a: literals.Literal, b: literals.Literal, columns: LogColumns) -> bool:
    """Say whether one is a field that is taken out of a column, and the other may be that column."""
    return (a.field in columns.columns) != (b.field in columns.columns)
