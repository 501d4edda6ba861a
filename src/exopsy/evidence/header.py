"""Header lines of a text log -> the layout in force. What all families share."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import msgspec

from exopsy.core.text import decode_utf8
from exopsy.schema.format import Layout

# "#Fields: a,b", "# Fields: a b", "#Log-type: HttpProxy Logs"
_COMMENT = re.compile(r"#\s*([A-Za-z-]+)\s*:\s*(.*)$", re.DOTALL)
_CACHED_BYTES = 8_192
"""Header lines come again in every file of a log; longer ones are no header that a server wrote."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
# 15.01.2375.007: Exchange pads with zeros; 15.0.0.0 is the format's version, not a build
_BUILD = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{1,5})\.(\d{1,5})$")


def comment_of(line: bytes) -> tuple[str, str] | None:
    """Split ``#Name: value`` into its lower-case name and its value; None if it is not that."""
    return _known_comment(line) if len(line) <= _CACHED_BYTES else _comment(line)


def _comment(line: bytes) -> tuple[str, str] | None:
    found = _COMMENT.match(decode_utf8(line))
    return (found[1].lower(), found[2].rstrip()) if found else None


_known_comment = lru_cache(maxsize=1_024)(_comment)


def build_of(version: str) -> str:
    """Return ``15.1.2375.7`` for ``15.01.2375.007``, and "" for what is no Exchange build."""
    found = _BUILD.match(version)
    if found is None or not int(found[3]):
        return ""
    return ".".join(str(int(part)) for part in found.groups())


def with_columns(layout: Layout, names: tuple[str, ...]) -> Layout:
    """Return the layout with other columns; nameless ones at the end are dropped."""
    return msgspec.structs.replace(layout, columns=_named(names))


@lru_cache(maxsize=256)
def _named(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Drop nameless columns at the end; one object for equal lists, so that caches hit quickly."""
    end = len(columns)
    while end and not columns[end - 1]:
        end -= 1
    return columns[:end]


def read_comment(line: bytes, layout: Layout, *, split: Callable[[str], tuple[str, ...]]) -> Layout:
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
