"""Header lines of a text log -> the layout in force. What all families share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

import msgspec

from exopsy.core.text import decode_utf8
from exopsy.schema.format import Layout

# "#Fields: a,b", "# Fields: a b", "#Log-type: HttpProxy Logs"
_COMMENT = re.compile(r"#\s*([A-Za-z-]+)\s*:\s*(.*?)\s*$", re.DOTALL)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
# 15.01.2375.007: Exchange pads with zeros; 15.0.0.0 is the format's version, not a build
_BUILD = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{1,5})\.(\d{1,5})$")


def comment_of(line: bytes) -> tuple[str, str] | None:
    """Split ``#Name: value`` into its lower-case name and its value; None if it is not that."""
    found = _COMMENT.match(decode_utf8(line))
    return (found[1].lower(), found[2]) if found else None


def build_of(version: str) -> str:
    """Return ``15.1.2375.7`` for ``15.01.2375.007``, and "" for what is no Exchange build."""
    found = _BUILD.match(version)
    if found is None or not int(found[3]):
        return ""
    return ".".join(str(int(part)) for part in found.groups())


@lru_cache(maxsize=64)
def _interned(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return one object for equal column lists, so that caches by columns hit quickly."""
    return columns


def with_columns(layout: Layout, names: Iterable[str]) -> Layout:
    """Return the layout with other columns; nameless ones at the end are dropped."""
    columns = list(names)
    while columns and not columns[-1]:
        columns.pop()
    return msgspec.structs.replace(layout, columns=_interned(tuple(columns)))


def read_comment(line: bytes, layout: Layout, *, split: Callable[[str], Iterable[str]]) -> Layout:
    """Return the layout after a ``#`` line; a line that says nothing known changes nothing.

    Args:
        line: the header line without its end.
        layout: what was in force before it.
        split: makes column names of the text behind ``#Fields:``.
    """
    comment = comment_of(line)
    if comment is None:
        return layout
    name, value = comment
    if name == "fields":
        return with_columns(layout, split(value))
    if name == "date" and (day := _DATE.match(value)):
        return msgspec.structs.replace(layout, date=day[0])
    if name == "log-type":
        return msgspec.structs.replace(layout, log_type=value)
    if name == "version":
        return msgspec.structs.replace(layout, build=build_of(value))
    return layout
