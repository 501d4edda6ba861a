"""Logs in W3C extended form (IIS, HTTP.sys): header lines -> layout, a line -> a row.

Reference: https://www.w3.org/TR/WD-logfile and
https://learn.microsoft.com/windows/win32/http/w3c-logging (columns, ``-`` for absent values).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import BinaryIO

from exopsy.core.text import decode_utf8
from exopsy.evidence import alignment, framing
from exopsy.evidence.decoding import decode_fields
from exopsy.evidence.header import read_comment
from exopsy.evidence.times import read_iso
from exopsy.schema.columns import COLUMNS
from exopsy.schema.format import Layout
from exopsy.schema.row import Origin, Row, Skipped

_OF_CLIENT = re.compile(r"(?:cs|sc|s|c|rs|sr)\((.+)\)$")


def normalise(name: str) -> str:
    """Return a column's name as rules use it: ``cs(User-Agent)`` -> ``cs-user-agent``."""
    found = _OF_CLIENT.match(name)
    return (f"{name[: name.index('(')]}-{found[1]}" if found else name).lower()


@lru_cache(maxsize=256)
def _names(text: str) -> tuple[str, ...]:
    """Return the column names behind ``#Fields:``."""
    return tuple(normalise(name) for name in text.split())


class W3cFormat:
    """One format of the family: what its module's functions are bound to.

    Args:
        name: format name in the registry.
        guesses: column lists to try, in order, when no header was seen (a fragment).
        derive: adds fields that stand inside other fields.
    """

    def __init__(
        self,
        name: str,
        *,
        guesses: tuple[tuple[str, ...], ...] = (),
        derive: Callable[[dict[str, str]], None] | None = None,
    ) -> None:
        self.name = name
        self._guesses = guesses
        self._derive = derive
        known = COLUMNS[name]
        self._decodings = tuple(
            (field, how)
            for field in (*known.columns, *known.derived)
            if (how := known.decoding(field)) is not None
        )

    def is_header(self, line: bytes) -> bool:
        """Say whether a line is one of the ``#`` lines."""
        return line[:1] == b"#"

    def read_header(self, line: bytes, layout: Layout) -> Layout:
        """Return the layout in force after a ``#`` line."""
        return read_comment(line, layout, split=_names)

    def parse_record(self, raw: bytes, layout: Layout, origin: Origin, host: str) -> Row | Skipped:
        """Turn one line into a row; columns go by the header, raw spaces by the columns' types."""
        text = decode_utf8(raw)
        values = text.split(" ")
        columns = layout.columns
        if not columns:
            columns, fitting = self._guess(values)
        elif len(values) == len(columns) and alignment.plan(columns).is_likely(values):
            fitting = values
        else:
            fitting = alignment.plan(columns).align(values)
        if not fitting:
            reason = "field-count" if columns else "no-columns"
            return Skipped(reason=reason, origin=origin)
        fields = {
            name: value
            for name, value in zip(columns, fitting, strict=False)
            if value and value != "-"
        }
        if self._derive is not None:
            self._derive(fields)
        return Row(
            log=self.name,
            host=host,
            timestamp=_time_of(fields, layout),
            fields=fields,
            decoded=decode_fields(fields, self._decodings),
            origin=origin,
            raw=raw,
        )

    def parse(
        self,
        stream: BinaryIO,
        *,
        artifact: str,
        host: str,
        record_bytes: int = framing.RECORD_BYTES,
    ) -> Iterator[Row | Skipped]:
        """Yield every record of a stream in order."""
        return framing.parse_plainly(
            stream,
            is_header=self.is_header,
            read_header=self.read_header,
            parse_record=self.parse_record,
            artifact=artifact,
            host=host,
            record_bytes=record_bytes,
        )

    def _guess(self, values: list[str]) -> tuple[tuple[str, ...], list[str] | None]:
        """Find a usual column list that a line without header fits; exact fits go first."""
        for columns in self._guesses:
            if len(columns) == len(values) and alignment.plan(columns).is_exact(values):
                return columns, values
        for columns in self._guesses:
            if len(columns) < len(values) and (found := alignment.plan(columns).align(values)):
                return columns, found
        return (), None


def _time_of(fields: dict[str, str], layout: Layout) -> datetime | None:
    time = fields.get("time")
    # a log without the date column has the day in #Date
    date = fields.get("date") or layout.date
    if time is None or not date:
        return None
    return read_iso(f"{date}T{time}+00:00")
