r"""Offline address book generator log -> one row a line of free text.

Reference: https://www.microsoft.com/security/blog/2021/03/02/hafnium-targeting-exchange-servers/ (the
message about a temporary file that needs to be removed); no public sample of the header is known, so a
line is its time, where it begins with one, and its text. Folder ``V15\Logging\OABGeneratorLog``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from exopsy.core.text import decode_utf8
from exopsy.evidence import framing
from exopsy.evidence.header import read_comment
from exopsy.evidence.recognition import recogniser
from exopsy.evidence.times import read_iso
from exopsy.schema.format import Layout
from exopsy.schema.row import Origin, Row, Skipped

# 2021-03-03T04:05:06.789Z,Download failed and temporary file '...' needs to be removed
_LINE = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,7})?(?:Z|[+-]\d\d:\d\d)?)?[\s,;|]*(.*)",
    re.DOTALL,
)

recognise = recogniser("exchange-oab-generator")


def is_header(line: bytes) -> bool:
    """Say whether a line is a ``#`` line."""
    return line[:1] == b"#"


def read_header(line: bytes, layout: Layout) -> Layout:
    """Return the layout in force after a ``#`` line; whatever columns it names, lines are text."""
    return read_comment(line, layout, split=lambda _: ("timestamp", "message"))


def parse_record(raw: bytes, layout: Layout, origin: Origin, host: str) -> Row | Skipped:
    """Turn one line into a row: its leading time and its text."""
    found = _LINE.match(decode_utf8(raw))
    assert found is not None, "every part of the pattern is optional"
    time, message = found[1], found[2]
    fields = {"timestamp": time, "message": message}
    return Row(
        log="exchange-oab-generator",
        host=host,
        timestamp=None if time is None else read_iso(time.replace(",", ".")),
        fields={name: value for name, value in fields.items() if value},
        origin=origin,
        raw=raw,
    )


def parse(
    stream: BinaryIO, *, artifact: str, host: str, record_bytes: int = framing.RECORD_BYTES
) -> Iterator[Row | Skipped]:
    """Yield every line of a stream in order."""
    return framing.parse_plainly(
        stream,
        is_header=is_header,
        read_header=read_header,
        parse_record=parse_record,
        artifact=artifact,
        host=host,
        record_bytes=record_bytes,
    )
