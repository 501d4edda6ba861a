"""Assemblies built here: headers and heaps as ECMA-335 has them, and no code at all."""

from __future__ import annotations

import random
import struct

import pytest

from exopsy.evidence.files.compiled_assembly import read_file, recognise
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Row, Skipped

FOLDER = "EX01/C/Windows/Microsoft.NET/Framework64/v4.0.30319/Temporary ASP.NET Files"
BUILT = 1_614_744_306


def assembly(*texts: str, classes: tuple[str, ...] = (), built: int = BUILT, wide: bool = True):
    """Build a program with one section that holds nothing but metadata."""
    heap = b"\0" + b"".join(
        bytes([2 * len(text) + 1]) + text.encode("utf-16-le") + b"\0" for text in texts
    )
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in classes)
    streams, offset = b"", 20 + 4 + 2 * 8 + 12 + 4
    for name, body in ((b"#Strings", strings), (b"#US", heap)):
        streams += struct.pack("<2I", offset, len(body)) + name.ljust(len(name) // 4 * 4 + 4, b"\0")
        offset += len(body)
    root = struct.pack("<4s2H2I4s2H", b"BSJB", 1, 1, 0, 4, b"v4\0\0", 0, 2) + streams
    meta = root.ljust(20 + 4 + 2 * 8 + 12 + 4, b"\0") + strings + heap
    section = struct.pack("<I2H2I", 72, 2, 5, 0x2000 + 72, len(meta)).ljust(72, b"\0") + meta
    optional = (112 if wide else 96) + 16 * 8
    header = struct.pack("<4s2H3I2H", b"PE\0\0", 0x8664, 1, built, 0, 0, optional, 0x2022)
    body = bytearray(struct.pack("<H", 0x20B if wide else 0x10B).ljust(optional, b"\0"))
    struct.pack_into("<2I", body, (112 if wide else 96) + 14 * 8, 0x2000, 72)
    table = b".text".ljust(8, b"\0") + struct.pack("<4I", len(section), 0x2000, len(section), 512)
    start = struct.pack("<2s58xI", b"MZ", 64) + header + bytes(body) + table.ljust(40, b"\0")
    return start.ljust(512, b"\0") + section


def read(data: bytes, path: str = f"{FOLDER}/owa/1/2/App_Web_abc.dll"):
    return list(read_file(data, FileFacts(path=path, size=len(data), sha256="ab")))


@pytest.mark.parametrize("wide", [True, False])
def test_a_row_for_each_page(wide: bool) -> None:
    data = assembly(
        "~/auth/x9.aspx", "some text", "~/auth/x9.aspx", "~/a b.ASPX", "~/pic.gif",
        classes=("ASP", "auth_x9_aspx", "Other"), wide=wide,
    )  # fmt: skip
    rows = read(data)
    assert [row.fields["VirtualPath"] for row in rows] == ["/owa/auth/x9.aspx", "/owa/a b.ASPX"]
    assert rows[0].fields["Built"] == "2021-03-03T04:05:06Z"
    assert rows[0].fields["Classes"] == "auth_x9_aspx"


def test_the_folder_says_which_application() -> None:
    data = assembly("~/x.aspx")
    (row,) = read(data, f"{FOLDER}/Root/1/2/App_Web_abc.dll")
    assert row.fields["VirtualPath"] == "/x.aspx"
    (row,) = read(data, "flat/App_Web_abc.dll")
    assert "VirtualPath" not in row.fields
    assert row.fields["PagePath"] == "~/x.aspx"


def test_an_assembly_without_pages_is_one_row() -> None:
    (row,) = read(assembly("text", built=0))
    assert not row.fields.keys() & {"PagePath", "VirtualPath", "Built"}


def test_very_many_pages_are_counted() -> None:
    items = read(assembly(*(f"~/{n}.aspx" for n in range(300))))
    assert sum(isinstance(item, Row) for item in items) == 200
    assert isinstance(items[-1], Skipped)


def test_what_is_no_assembly() -> None:
    assert [item.reason for item in read(b"MZ" + bytes(100))] == ["no-program"]
    header = assembly("~/x.aspx")[:512]
    assert [getattr(item, "reason", "row") for item in read(header)] == ["no-metadata", "row"]


@pytest.mark.parametrize("seed", range(60))
def test_damage_never_raises(seed: int) -> None:
    rng = random.Random(seed)
    data = bytearray(assembly("~/auth/x9.aspx", classes=("auth_x9_aspx",)))
    for _ in range(rng.choice([1, 20, 200])):
        data[rng.randrange(len(data))] = rng.choice([0, 255, rng.randrange(256)])
    read(bytes(data[: rng.randrange(len(data))]))


def test_by_which_it_is_known() -> None:
    assert recognise(b"MZ", f"{FOLDER}/owa/1/2/APP_WEB_x.dll")
    assert not recognise(b"MZ", "EX01/C/System.Web.dll")
    assert not recognise(b"PK", f"{FOLDER}/owa/1/2/App_Web_x.dll")
