from __future__ import annotations

import io
import random
import struct
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from exopsy.evidence.files import change_journal
from exopsy.evidence.files.change_journal import read_table, recognise
from exopsy.schema.file import FileFacts, Interest, Wanted
from exopsy.schema.row import Row, Skipped

WHEN = datetime(2021, 3, 3, 4, 5, 6, tzinfo=UTC)
FACTS = FileFacts(path="EX01/C/$Extend/$J", size=0, sha256="")
INTEREST = Interest(wanted=(Wanted(endings=(".aspx",), folders=("\\inetpub\\",)),))
CREATE, DELETE, CLOSE, OLD = 0x100, 0x200, 0x80000000, 0x1000


def record(name: str, reason: int, *, version: int = 2, folder: bool = False) -> bytes:
    text = name.encode("utf-16-le")
    ticks = (WHEN - datetime(1601, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10
    ids = (
        struct.pack("<2Q", 77 | 3 << 48, 31 | 2 << 48)
        if version == 2
        else struct.pack("<4Q", 77 | 3 << 48, 0, 31 | 2 << 48, 0)
    )
    start = 60 if version == 2 else 76
    body = ids + struct.pack(
        "<2Q4I2H", 0, ticks, reason, 0, 0, 0x10 if folder else 0x20, len(text), start
    )
    size = (8 + len(body) + len(text) + 7) & ~7
    return (struct.pack("<I2H", size, version, 0) + body + text).ljust(size, b"\0")


def read(data: bytes, interest: Interest = INTEREST):
    items = list(read_table(io.BytesIO(data), FACTS, interest))
    rows = [item for item in items if isinstance(item, Row)]
    return rows, Counter(item.reason for item in items if isinstance(item, Skipped))


@pytest.mark.parametrize("version", [2, 3])
def test_one_row_a_change(version: int) -> None:
    data = bytes(8192) + b"".join(
        record(name, reason, version=version)
        for name, reason in (
            ("A.ASPX", CREATE),
            ("A.ASPX", CREATE | 2),
            ("A.ASPX", CREATE | 2 | CLOSE),
            ("b.txt", CREATE | CLOSE),
            ("A.ASPX", OLD),
            ("c.aspx", DELETE | CLOSE),
        )
    )
    rows, skipped = read(data)
    assert not skipped
    assert [(r.fields["FileName"], r.many["Reason"]) for r in rows] == [
        ("A.ASPX", ("DataExtend", "FileCreate")),
        ("A.ASPX", ("RenameOldName",)),
        ("c.aspx", ("FileDelete",)),
    ]
    assert {r.timestamp for r in rows} == {WHEN}
    assert rows[0].fields["Parent"] == "31-2"
    assert rows[0].fields["Record"] == "77-3"
    for row in rows:
        assert data[row.origin.offset :].startswith(row.raw)


def test_a_length_that_begins_with_nul() -> None:
    name = "a" * 93 + ".aspx"
    made = record(name, CREATE | CLOSE)
    assert made[0] == 0
    assert len(read(bytes(16) + made + record("b.aspx", CREATE | CLOSE))[0]) == 2


def test_folders_are_no_pages() -> None:
    assert read(record("x.aspx", CREATE | CLOSE, folder=True)) == ([], {})


@pytest.mark.parametrize("size", [512, 4104, 1 << 14])
def test_pieces_of_any_size_give_the_same(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(size)
    data = b"".join(
        rng.choice(
            [bytes(8 * rng.randrange(600)), record("x" * rng.randrange(100) + ".aspx", CLOSE | 2)]
        )
        for _ in range(300)
    )
    whole = read(data)
    assert len(whole[0]) > 100
    monkeypatch.setattr(change_journal, "_PIECE", size)
    assert read(data) == whole


@pytest.mark.parametrize("seed", range(20))
def test_damage_is_counted_and_never_raises(seed: int) -> None:
    rng = random.Random(seed)
    data = bytearray(b"".join(record(f"{n}.aspx", CREATE | CLOSE) for n in range(200)))
    for _ in range(rng.choice([1, 10, 1000])):
        data[rng.randrange(len(data))] = rng.randrange(256)
    rows, skipped = read(bytes(data[: rng.randrange(len(data))]))
    assert len(rows) + sum(skipped.values()) <= 5_000


def test_after_damage_it_reads_on() -> None:
    data = record("a.aspx", CLOSE | 1) + b"\xff" * 8 + record("b.aspx", CLOSE | 1)
    rows, skipped = read(data)
    assert [r.fields["FileName"] for r in rows] == ["a.aspx", "b.aspx"]
    assert skipped == {"damaged-record": 1}


def test_the_rest_is_counted() -> None:
    data = record("a.aspx", CLOSE | 1) * 5
    rows, skipped = read(data, Interest(wanted=INTEREST.wanted, most=2))
    assert (len(rows), skipped) == (2, {"too-many": 3})


def test_what_is_a_journal() -> None:
    data = record("a.aspx", CLOSE | 1)
    for path in ("C/$Extend/$J", "C/$Extend/$UsnJrnl%3A$J", "x/$UsnJrnl_$J", "x/$UsnJrnl-$J"):
        assert recognise(data, path)
        assert recognise(bytes(4096), path)
    assert not recognise(data, "C/$Extend/$UsnJrnl%3A$Max")
    assert not recognise(data, "C/x.bin")
    assert not recognise(b"text" * 100, "C/$Extend/$J")
