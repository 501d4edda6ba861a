"""The file table, against tables built here and against an independent reader."""

from __future__ import annotations

import io
import random
import struct
from collections import Counter
from datetime import UTC, datetime, timedelta

import mft
import pytest

from exopsy.evidence.files import file_table
from exopsy.evidence.files.file_table import read_table, recognise
from exopsy.schema.file import FileFacts, Interest, Wanted
from exopsy.schema.row import Row, Skipped

MADE = datetime(2021, 3, 3, 4, 5, 6, 123_456, tzinfo=UTC)
EARLY = datetime(2019, 1, 1, tzinfo=UTC)
FACTS = FileFacts(path="EX01/C/$MFT", size=0, sha256="")
INTEREST = Interest(
    wanted=(
        Wanted(endings=(".aspx", ".ashx"), folders=("\\inetpub\\",)),
        Wanted(endings=("ntds.dit",)),
        Wanted(endings=(".dmp",), name="lsass"),
    )
)


def ticks(moment: datetime) -> int:
    return (moment - datetime(1601, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10


def attribute(kind: int, body: bytes) -> bytes:
    size = (24 + len(body) + 7) & ~7
    return struct.pack("<2IBBHHHIH2x", kind, size, 0, 0, 0, 0, 0, len(body), 24) + body.ljust(
        size - 24, b"\0"
    )


def file_name(parent: int, name: str, times: tuple[datetime, datetime], space: int = 1) -> bytes:
    made, changed = map(ticks, times)
    head = struct.pack("<5Q2Q2I", parent, made, changed, changed, changed, 0, 0, 0, 0)
    return attribute(0x30, head + bytes([len(name), space]) + name.encode("utf-16-le"))


def record(
    number: int,
    name: str,
    parent: int,
    *,
    sequence: int = 1,
    folder: bool = False,
    used: bool = True,
    si: tuple[datetime, datetime] = (MADE, MADE),
    fn: tuple[datetime, datetime] = (MADE, MADE),
    dos: str = "",
    size: int = 0,
    length: int = 1024,
) -> bytes:
    """Build one record, its sectors marked as NTFS does; ``parent`` is number | sequence << 48."""
    standard = struct.pack("<4Q", ticks(si[0]), ticks(si[1]), ticks(si[1]), ticks(si[1]))
    body = attribute(0x10, standard.ljust(72, b"\0"))
    if dos:
        body += file_name(parent, dos, fn, 2)
    body += file_name(parent, name, fn)
    if not folder:
        body += attribute(0x80, b"x" * size)
    body += b"\xff\xff\xff\xff" + bytes(4)
    sectors = length // 512
    first = 56 if length == 1024 else 80
    head = struct.pack(
        "<4s2HQ4H2IQHHI", b"FILE", 48, sectors + 1, 0, sequence, 1, first,
        used | folder << 1, first + len(body), length, 0, 9, 0, number,
    )  # fmt: skip
    made = bytearray(head.ljust(first, b"\0") + body).ljust(length, b"\0")
    struct.pack_into("<H", made, 48, 7)
    for sector in range(1, sectors + 1):
        end = 512 * sector - 2
        made[48 + 2 * sector : 50 + 2 * sector] = made[end : end + 2]
        struct.pack_into("<H", made, end, 7)
    return bytes(made)


def ref(number: int, sequence: int = 1) -> int:
    return number | sequence << 48


ROOT = ref(5, 5)


def table(*records: bytes, length: int = 1024) -> bytes:
    """Put records at their numbers, with the table's own record and the root."""
    own = {
        0: record(0, "$MFT", ROOT, length=length),
        5: record(5, ".", ROOT, folder=True, sequence=5, length=length),
    }
    own |= {struct.unpack_from("<I", one, 44)[0]: one for one in records}
    return b"".join(own.get(n, bytes(length)) for n in range(max(own) + 1))


def read(data: bytes, interest: Interest = INTEREST):
    items = list(read_table(io.BytesIO(data), FACTS, interest))
    rows = [item for item in items if isinstance(item, Row)]
    return rows, Counter(item.reason for item in items if isinstance(item, Skipped))


SITE = (
    record(30, "inetpub", ROOT, folder=True),
    record(31, "wwwroot", ref(30), folder=True, sequence=3),
    record(40, "Shell Page.ASPX", ref(31, 3), si=(EARLY, EARLY), dos="SHELLP~1.ASP", size=9),
    record(41, "gone.aspx", ref(31, 3), used=False, sequence=2),
    record(42, "other.aspx", ref(33)),
    record(43, "iisstart.htm", ref(31, 3)),
    record(44, "LSASS_1.dmp", ROOT),
    record(45, "app.dmp", ROOT),
    record(46, "ntds.dit", ref(31, 9)),
)


def test_files_folders_and_times() -> None:
    rows, skipped = read(table(*SITE))
    assert [(r.fields["Path"], r.fields["State"]) for r in rows] == [
        (r"C:\inetpub\wwwroot\Shell Page.ASPX", "present"),
        (r"C:\inetpub\wwwroot\gone.aspx", "deleted"),
        (r"C:\LSASS_1.dmp", "present"),
        (r"C:\?\ntds.dit", "present"),  # its folder's number belongs to another one by now
        (r"C:\inetpub", "folder"),
        (r"C:\inetpub\wwwroot", "folder"),
    ]
    assert not skipped
    shell = rows[0]
    assert shell.timestamp is None
    assert shell.origin.offset == 40 * 1024
    assert shell.fields["SiCreated"] == "2019-01-01T00:00:00Z"
    assert shell.fields["FnCreated"] == "2021-03-03T04:05:06.123Z"
    assert (shell.fields["SetBack"], shell.fields["WholeSeconds"]) == ("yes", "yes")
    assert (shell.fields["Size"], shell.fields["Extension"]) == ("9", "aspx")
    assert shell.fields["Record"] == "40-1"
    assert (rows[1].fields["SetBack"], rows[1].fields["WholeSeconds"]) == ("no", "no")


def test_a_deleted_folder_still_names_its_files() -> None:
    gone = record(32, "old", ref(30), folder=True, used=False, sequence=5)
    rows, _ = read(table(*SITE, gone, record(50, "x.ashx", ref(32, 4), used=False)))
    assert r"C:\inetpub\old\x.ashx" in [row.fields["Path"] for row in rows]


def test_an_independent_reader_says_the_same() -> None:
    data = table(*SITE)
    known = {}
    for entry in mft.PyMftParser(io.BytesIO(data)).entries():
        if not isinstance(entry, RuntimeError) and entry.entry_id >= 24:
            known[entry.entry_id] = (entry.full_path, "ALLOCATED" in entry.flags)
    for row in read(data)[0]:
        path, used = known[int(row.fields["Record"].partition("-")[0])]
        if "?" not in row.fields["Path"]:
            assert row.fields["Path"] == "C:\\" + path.replace("/", "\\")
        assert used == (row.fields["State"] != "deleted")


@pytest.mark.parametrize("length", [1024, 4096])
def test_names_over_the_ends_of_sectors_are_whole(length: int) -> None:
    rng = random.Random(1)
    records = [record(30, "inetpub", ROOT, folder=True, length=length)]
    wanted = []
    for number in range(40, 400):
        name = "a" * rng.randrange(0, 220) + rng.choice([".aspx", ".AsHx", ".txt", ".aspx.bak"])
        records.append(record(number, name, ref(30), length=length))
        if name.lower().endswith((".aspx", ".ashx")):
            wanted.append(f"C:\\inetpub\\{name}")
    rows, skipped = read(table(*records, length=length))
    assert len(wanted) > 100
    assert [r.fields["Path"] for r in rows if r.fields["State"] != "folder"] == wanted
    assert not skipped


@pytest.mark.parametrize("size", [1024, 3 << 10, 1 << 15])
def test_pieces_of_any_size_give_the_same(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(table(*SITE))
    monkeypatch.setattr(file_table, "_PIECE", size)
    assert read(table(*SITE)) == whole


@pytest.mark.parametrize("seed", range(20))
def test_damage_is_counted_and_never_raises(seed: int) -> None:
    rng = random.Random(seed)
    data = bytearray(table(*SITE))
    for _ in range(rng.choice([1, 5, 100, 2000])):
        data[rng.randrange(len(data))] = rng.randrange(256)
    cut = bytes(data[: rng.randrange(len(data))])
    rows, _ = read(cut)
    assert len(rows) <= 9
    read(bytes(rng.randrange(256) for _ in range(5000)))


def test_a_torn_record_is_not_believed() -> None:
    data = bytearray(table(*SITE))
    data[40 * 1024 + 510] ^= 1
    rows, skipped = read(bytes(data))
    assert "C:\\inetpub\\wwwroot\\Shell Page.ASPX" not in [r.fields["Path"] for r in rows]
    assert skipped == {"damaged-record": 1}


def test_folders_in_a_circle() -> None:
    rows, _ = read(
        table(
            record(30, "inetpub", ref(31), folder=True),
            record(31, "b", ref(30), folder=True),
            record(40, "x.aspx", ref(31)),
        )
    )
    assert all(row.fields["Path"].startswith("C:\\?") for row in rows)


def test_the_rest_is_counted() -> None:
    some = Interest(wanted=INTEREST.wanted, most=2)
    rows, skipped = read(table(*SITE), some)
    assert (len(rows), skipped) == (2, {"too-many": 4})


def test_what_is_a_table() -> None:
    data = table(*SITE)
    assert recognise(data, "x")
    assert not recognise(data[1024:], "$MFT")
    assert not recognise(record(9, "a.txt", ROOT), "$MFT")
