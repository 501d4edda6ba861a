"""A row of any log -> the common words of ``schema.activity``.

Which column is which word is content: ``content/mappings/activity.yml``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from exopsy.core.content import read_yaml
from exopsy.core.errors import ContentError
from exopsy.schema.activity import Activity
from exopsy.schema.columns import COLUMNS
from exopsy.schema.row import Row

_TEXT_MOST = 1_024
# The back end's site listens on these; what was renamed or flattened has no folder that says so.
_BACK_END_PORTS = frozenset(("444", "81"))
_BACK_END_SITE = "W3SVC2"
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_WORDS = frozenset(
    (
        "client",
        "method",
        "stem",
        "query",
        "url",
        "status",
        "user",
        "user_agent",
        "bytes_in",
        "bytes_out",
        "request_id",
        "what",
        "detail",
    )
)


class ActivityMapping(msgspec.Struct, frozen=True):
    """For each log, which columns give which word; the first that a row has."""

    words: dict[str, dict[str, tuple[str, ...]]]

    def make(self, row: Row, site: str) -> Activity | None:
        """Return the row in common words, or None when it carries no time."""
        if row.timestamp is None:
            return None
        values = {**row.fields, **row.decoded} if row.decoded else row.fields
        found: dict[str, str] = {}
        for word, columns in self.words.get(row.log, {}).items():
            for column in columns:
                if column in values:
                    found[word] = values[column]
                    break
        stem, query = found.get("stem", ""), found.get("query", "")
        if not stem and "url" in found:
            stem, _, query = found["url"].partition("?")
        guid = _GUID.search(found["request_id"].lower()) if "request_id" in found else None
        return Activity(
            time=row.timestamp,
            host=row.host,
            log=row.log,
            site=site or _site_of(row),
            client=found.get("client", "")[:64],
            method=found.get("method", "")[:16].upper(),
            stem=stem[:_TEXT_MOST],
            query=query.removeprefix("?")[:_TEXT_MOST],
            status=_number(found.get("status")),
            user=found.get("user", "")[:256],
            user_agent=found.get("user_agent", "")[:512],
            bytes_in=_number(found.get("bytes_in")),
            bytes_out=_number(found.get("bytes_out")),
            request_id=guid[0] if guid else "",
            what=found.get("what", "")[:256],
            detail=found.get("detail", "")[:_TEXT_MOST],
            artifact=row.origin.artifact,
            offset=row.origin.offset,
            line=row.origin.line,
        )

    def columns(self, log: str, word: str) -> tuple[str, ...]:
        """Return the columns of ``log`` that give ``word``."""
        return self.words.get(log, {}).get(word, ())


def load_activity_mapping(path: Path) -> ActivityMapping:
    """Read the mapping.

    Raises:
        ContentError: a log, a word or a column that does not exist.
    """
    document: Mapping[str, Mapping[str, str | list[str]]] = read_yaml(path)
    made: dict[str, dict[str, tuple[str, ...]]] = {}
    for log, words in document.items():
        if log not in COLUMNS:
            raise ContentError(f"{log!r} is no log format", at=str(path))
        for word, given in words.items():
            columns = (given,) if isinstance(given, str) else tuple(given)
            if word not in _WORDS or not all(COLUMNS[log].knows(column) for column in columns):
                raise ContentError(f"{log}: {word}: {given} is not known", at=str(path))
            made.setdefault(log, {})[word] = columns
    return ActivityMapping(made)


def _site_of(row: Row) -> str:
    return _BACK_END_SITE if row.fields.get("s-port") in _BACK_END_PORTS else ""


def _number(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 18:
        return None
    return int(text)
