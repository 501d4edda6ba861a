"""Patterns -> cheaper ones, of which every record that a pattern finds holds at least one.

The automaton of all patterns knows every escaped form and every way to stand at the ends of values;
that costs several times what plain literals cost. So a block is scanned for *triggers* first, and
only a record that holds one is scanned with the whole patterns. Triggers differ from patterns:

- Escaped forms are left out. One trigger stands for every escape that was left out, so a record
  that only an escaped form would have found is found by that.
- A value that they tie to its ends has a byte before and behind it. The first record of a block,
  and a last one without a line end, are always looked at with the whole patterns.
- Two literals in neighbouring columns are one literal with the separator between them, for records
  whose columns stand so.
- Values that are passed over are spelled out as many short patterns: see ``exclusion``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

from exopsy.detection.sieve.literals import Both
from exopsy.detection.sieve.pattern import Pattern, literal_pattern
from exopsy.schema.columns import LogColumns

_ESCAPE = re.compile(r"%\(\?:25\)\*\(\?:u00\)\?([0-9a-f]{2})")
_ESCAPED_FORM = re.compile(r"\|" + _ESCAPE.pattern + r"(?=\))")
_LONE = re.compile(r"\(\?:(\\x[0-9a-f]{2})\)")
_START = "(?:^|"
_END = r"|\z"


class Triggers(msgspec.Struct, frozen=True):
    """What stands for one pattern."""

    regexes: tuple[str, ...]
    neighbours: tuple[tuple[str, str], ...] = ()
    """Columns that must stand side by side for this to hold."""


def of_pair(both: Both, columns: LogColumns) -> Triggers | None:
    """Return the trigger of two literals where one is the whole column before the other's.

    None where they are not so. Only in logs whose values are separated by single spaces, and for
    columns that never hold one.
    """
    order = [*pairwise(columns.columns)]
    for left, right in ((both.first, both.second), (both.second, both.first)):
        pair = (left.field, right.field)
        is_tied = left.prefix and left.suffix and (right.prefix or right.head)
        if is_tied and pair in order and {*pair} <= {*columns.solid} and not columns.csv:
            before = literal_pattern(left, columns, to_end=False)
            return Triggers((before + literal_pattern(right, columns, first=False),), (pair,))
    return None


def of_patterns(patterns: Sequence[Pattern]) -> list[str]:
    """Return the triggers of all patterns; headers have none, others see to them."""
    wanted = {regex for p in patterns if p.kind != "header" for regex in (p.triggers or (p.regex,))}
    if not wanted:
        return []
    escapes = {
        found for text in (*wanted, *(p.regex for p in patterns)) for found in _ESCAPE.findall(text)
    }
    plain = {_plain(regex) for regex in wanted}
    return [*sorted(plain), *([escape_pattern(escapes)] if escapes else [])]


def _plain(regex: str) -> str:
    """Leave out the escaped forms of a pattern, and the ends of the data as ends of values."""
    edged = regex.replace(_START, "(?:").replace(_END, "")
    return _LONE.sub(r"\1", _ESCAPED_FORM.sub("", edged))


def escape_pattern(escapes: Iterable[str]) -> str:
    """Return a pattern for percent-escapes of any of these characters (two hex digits each)."""
    return f"%(?:25)*(?:u00)?(?:{'|'.join(sorted(escapes))})"
