from __future__ import annotations

import io
import json
import random
from collections import Counter

import pytest

from exopsy.evidence.files.copy_list import read_table, recognise
from exopsy.schema.file import FileFacts, Interest, Wanted
from exopsy.schema.row import Row, Skipped

INTEREST = Interest(wanted=(Wanted(endings=(".aspx",), folders=("\\inetpub\\",)),))
COPIES = (
    "\ufeffCopiedTimestamp,SourceFile,DestinationFile,FileSize,SourceFileSha1,DeferredCopy,"
    "CreatedOnUtc,ModifiedOnUtc,LastAccessedOnUtc,CopyDuration\r\n"
    "2021-03-10T00:00:00.0000000,C:\\inetpub\\wwwroot\\x.aspx,F:\\C\\inetpub\\wwwroot\\x.aspx,123,"
    "DA39A3,False,2021-03-03T04:05:06.1234567,2016-01-01T00:00:00.0000000,"
    "2021-03-10T00:00:00.0000000,00:00:00.01\r\n"
    '2021-03-10T00:00:00.0000000,"C:\\inetpub\\a,b.aspx",F:\\x,9,DA,True,bad,,,\r\n'
    "2021-03-10T00:00:00.0000000,C:\\Windows\\x.aspx,F:\\x,9,DA,True,,,,\r\n"
)
SKIPS = "SourceFile,SourceFileSha1,Reason\r\nC:\\inetpub\\y.aspx,DA39A3,Deduped\r\nC:\\a.log,DA,Deduped\r\n"
FOUND = (
    json.dumps(
        {
            "Created": "2021-03-03T04:05:06Z",
            "LastAccessed": "2021-03-03T04:05:06Z",
            "Modified": "2021-03-04T00:00:00Z",
            "Size": 77,
            "SourceFile": "\\\\.\\C:\\inetpub\\z.aspx",
        }
    )
    + "\n"
)


def read(data: bytes, interest: Interest = INTEREST):
    facts = FileFacts(path="x", size=0, sha256="")
    items = list(read_table(io.BytesIO(data), facts, interest))
    rows = [item for item in items if isinstance(item, Row)]
    return rows, Counter(item.reason for item in items if isinstance(item, Skipped))


def test_copies() -> None:
    rows, skipped = read(COPIES.encode())
    assert not skipped
    first, second = rows
    assert first.fields | {"State": "copied"} == first.fields
    assert first.fields["Path"] == r"C:\inetpub\wwwroot\x.aspx"
    assert first.fields["Created"] == "2021-03-03T04:05:06.123Z"
    assert first.fields["Modified"] == "2016-01-01T00:00:00Z"
    assert (first.fields["Sha1"], first.fields["Size"]) == ("DA39A3", "123")
    assert second.fields["FileName"] == "a,b.aspx"
    assert "Created" not in second.fields
    assert first.origin.line == 2
    for row in rows:
        assert COPIES.encode()[row.origin.offset :].startswith(row.raw)


def test_what_was_left() -> None:
    (row,), _ = read(SKIPS.encode())
    assert (row.fields["State"], row.fields["Reason"]) == ("left", "Deduped")


def test_a_table_of_objects() -> None:
    (row,), skipped = read((FOUND + "{broken\n" + FOUND).encode()[: -len(FOUND)])
    assert row.fields["Path"] == r"C:\inetpub\z.aspx"
    assert (row.fields["Created"], row.fields["Size"]) == ("2021-03-03T04:05:06Z", "77")
    assert skipped == {"not-readable": 1}


def test_the_rest_and_long_lines_are_counted() -> None:
    data = (
        SKIPS.encode() + b"C:\\inetpub\\q.aspx,,x\r\n" * 4 + b"x" * 200_000 + b"\r\n" + b"a,b\r\n"
    )
    rows, skipped = read(data, Interest(wanted=INTEREST.wanted, most=2))
    assert len(rows) == 2
    assert skipped == {"too-many": 3, "too-long": 1, "not-readable": 1}


def test_offsets_hold_after_a_long_line() -> None:
    data = SKIPS.encode() + b"y" * 150_000 + b"\r\nC:\\inetpub\\q.aspx,,x\r\n"
    rows, _ = read(data)
    assert data[rows[-1].origin.offset :] == rows[-1].raw


@pytest.mark.parametrize("seed", range(30))
def test_damage_never_raises(seed: int) -> None:
    rng = random.Random(seed)
    for text in (COPIES, SKIPS, FOUND * 3):
        data = bytearray(text.encode())
        for _ in range(rng.choice([1, 10, 100])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        read(bytes(data))


def test_what_is_a_list() -> None:
    assert recognise(COPIES.encode(), "2021_CopyLog.csv")
    assert recognise(SKIPS.encode(), "2021_SkipLog.csv")
    assert recognise(FOUND.encode(), "results/All File Metadata.json")
    assert not recognise(b"SourceFile,Other\r\n", "x.csv")
    assert not recognise(b'{"SourceFile": 1}\n', "x.json")
