r"""What a collector noted of the files that it copied, or left: their times on the server.

KAPE's ``*_CopyLog.csv`` and ``*_SkipLog.csv``, and the table of files that Velociraptor's collector
writes into ``results`` (one JSON object a line, with ``SourceFile``). Times are UTC in all of them.
``State``: copied; left (with the reason): the file was there, and is not in the collection.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import BinaryIO, cast

import msgspec

from exopsy.core.clock import parse_utc
from exopsy.evidence.files.volume import listed_fields, put_times
from exopsy.schema.file import FileFacts, Interest
from exopsy.schema.row import Origin, Row, Skipped

NAME = "copy-list"
_LINE = 1 << 16
_COPY = b"SourceFile,DestinationFile,FileSize,SourceFileSha1"
_SKIP = b"SourceFile,SourceFileSha1,Reason"
_TOLD_MOST = 1_000
_VALUE_MOST = 2_048


def recognise(head: bytes, path: str) -> bool:
    """Recognise the column row, or the keys of the first object."""
    if b"SourceFile" not in head[:_LINE]:
        return False
    first = head[:_LINE].removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0]
    if _COPY in first or first.startswith(_SKIP):
        return True
    return (
        first.startswith(b"{")
        and path.lower().endswith((".json", ".jsonl"))
        and b'"SourceFile"' in first
        and b'"LastAccessed"' in first
    )


def read_table(stream: BinaryIO, file: FileFacts, interest: Interest) -> Iterator[Row | Skipped]:
    """Yield a row for each wanted file, in the order of the list.

    Raises:
        OSError: the stream can't be read on; rows of what was read were given.
    """
    buffered = io.BufferedReader(cast("io.RawIOBase", stream), 1 << 18)
    columns: list[str] = []
    offset = rows = 0
    lost = {"not-readable": 0, "too-long": 0, "too-many": 0}
    number = 0
    while raw := buffered.readline(_LINE):
        number += 1
        start, offset = offset, offset + len(raw)
        if len(raw) == _LINE and not raw.endswith(b"\n"):
            lost["too-long"] += 1
            while (rest := buffered.readline(_LINE)) and not rest.endswith(b"\n"):
                offset += len(rest)
            offset += len(rest)
            continue
        line = raw.decode("utf-8-sig", "replace").rstrip("\r\n")
        if not line:
            continue
        entry = _entry(line, columns)
        if entry is None:
            lost["not-readable"] += 1
            continue
        origin = Origin(artifact=file.path, offset=start, line=number)
        row = _row(entry, origin, raw, interest) if entry else None
        if row is not None:
            rows += 1
            if rows <= interest.most:
                yield row
    lost["too-many"] = max(0, rows - interest.most)
    for reason, count in lost.items():
        for _ in range(min(count, _TOLD_MOST)):
            yield Skipped(reason=reason, origin=Origin(artifact=file.path, offset=0, line=1))


def _entry(line: str, columns: list[str]) -> Mapping[str, str] | None:
    """Return one line's values; empty for the column row, None where it can't be read."""
    if line.startswith("{"):
        try:
            found = msgspec.json.decode(line, type=dict[str, object])
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            return None
        return {name: str(value) for name, value in found.items() if value is not None}
    try:
        cells = next(csv.reader([line]), [])
    except csv.Error:
        return None
    if not columns:
        columns += cells
        return {}
    return dict(zip(columns, cells, strict=True)) if len(cells) == len(columns) else None


def _row(entry: Mapping[str, str], origin: Origin, raw: bytes, interest: Interest) -> Row | None:
    path = entry.get("SourceFile", "").replace("/", "\\")
    for prefix in ("\\\\.\\", "\\\\?\\"):
        path = path.removeprefix(prefix)
    if not interest.fits(path):
        return None
    fields = listed_fields(path[:_VALUE_MOST])
    fields["State"] = "left" if "Reason" in entry else "copied"
    for field, names in (
        ("Size", ("FileSize", "Size")),
        ("Sha1", ("SourceFileSha1",)),
        ("Reason", ("Reason",)),
    ):
        value = next((entry[name] for name in names if entry.get(name)), "")
        if value:
            fields[field] = value[:_VALUE_MOST]
    put_times(
        fields,
        Created=parse_utc(entry.get("CreatedOnUtc") or entry.get("Created", "")),
        Modified=parse_utc(entry.get("ModifiedOnUtc") or entry.get("Modified", "")),
    )
    return Row(log=NAME, host="", timestamp=None, fields=fields, origin=origin, raw=raw[:4_096])
