from __future__ import annotations

import io
import random
import struct

import py7zr
import pytest
import pyzipper

from exopsy.evidence.files.data_file import read_file, recognise
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Row, Skipped


def fields(data: bytes, path: str = "a.bin") -> dict[str, str]:
    items = list(read_file(data, FileFacts(path=path, size=len(data), sha256="ab")))
    (row,) = [item for item in items if isinstance(item, Row)]
    return row.fields


def minidump(program: str) -> bytes:
    name = program.encode("utf-16-le")
    modules = struct.pack("<I", 1) + struct.pack("<QIIII", 0, 0, 0, 0, 200).ljust(108, b"\0")
    head = struct.pack("<4s3IIIQ", b"MDMP", 0xA793, 2, 32, 0, 0, 0)
    streams = struct.pack("<6I", 3, 0, 0, 4, len(modules), 64)
    return (
        (head + streams).ljust(64, b"\0")
        + modules.ljust(136, b"\0")
        + struct.pack("<I", len(name))
        + name
    )


def hive(root: str, held: str = "", *, ascii_: bool = True) -> bytes:
    name = root.encode("latin-1" if ascii_ else "utf-16-le")
    head = bytearray(struct.pack("<4s8I", b"regf", 1, 1, 0, 0, 1, 5, 0, 1).ljust(4096, b"\0"))
    struct.pack_into("<I", head, 36, 32)
    head[48 : 48 + 2 * len(held)] = held.encode("utf-16-le")
    cell = struct.pack("<i2sH", -120, b"nk", 0x2C if ascii_ else 0x0C).ljust(76, b"\0")
    return bytes(head) + b"hbin".ljust(32, b"\0") + cell + struct.pack("<2H", len(name), 0) + name


def test_dumps_name_their_program() -> None:
    found = fields(minidump("C:\\Windows\\System32\\lsass.exe"))
    assert (found["Format"], found["Process"]) == ("minidump", "lsass.exe")


@pytest.mark.parametrize("narrow", [True, False])
def test_hives_name_their_root(narrow: bool) -> None:
    found = fields(hive("SAM", "\\SystemRoot\\System32\\Config\\SAM", ascii_=narrow))
    assert (found["Format"], found["Root"]) == ("registry-hive", "SAM")
    assert found["Holds"].endswith("\\SAM")


def test_databases() -> None:
    assert fields(bytes(4) + b"\xef\xcd\xab\x89" + bytes(60))["Format"] == "ese-database"


def zipped(password: bytes | None = None) -> bytes:
    buffer = io.BytesIO()
    with pyzipper.AESZipFile(buffer, "w", encryption=pyzipper.WZ_AES if password else None) as made:
        made.setpassword(password)
        made.writestr("mail.pst", b"text")
    return buffer.getvalue()


def seven(password: str | None, *, header: bool = False) -> bytes:
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w", password=password, header_encryption=header) as made:
        made.writestr(b"text" * 50, "mail.pst")
    return buffer.getvalue()


def vint(number: int) -> bytes:
    out = bytearray()
    while True:
        out.append(number & 0x7F | (0x80 if number > 0x7F else 0))
        number >>= 7
        if not number:
            return bytes(out)


def rar5(*, encrypted: bool = False, locked: bool = False) -> bytes:
    def block(kind: int, body: bytes, extra: bytes = b"", flags: int = 0) -> bytes:
        inner = vint(kind) + vint(flags | bool(extra)) + (vint(len(extra)) if extra else b"")
        inner += body + extra
        return b"crc!" + vint(len(inner)) + inner

    start = b"Rar!\x1a\x07\x01\x00"
    if locked:
        return start + block(4, b"\0\0\x0f")
    file = vint(6) + vint(9) + vint(0x20) + b"timecrc!" + vint(0) + vint(1) + vint(8) + b"mail.pst"
    record = vint(3) + vint(1) + b"ab" if encrypted else vint(3) + vint(3) + b"ab"
    return start + block(1, vint(0)) + block(2, file, record)


def rar4(*, encrypted: bool = False, locked: bool = False) -> bytes:
    main = struct.pack("<HBHH6x", 0, 0x73, 0x80 if locked else 0, 13)
    file = struct.pack(
        "<HBHHIIBIIBBHI", 0, 0x74, 0x8004 if encrypted else 0x8000, 40, 0, 0, 2, 0, 0, 29, 48, 8, 32
    )
    return b"Rar!\x1a\x07\x00" + main + file + b"mail.pst"


@pytest.mark.parametrize(
    ("data", "kind", "encrypted", "holds"),
    [
        (zipped(), "zip", "no", "mail.pst"),
        (zipped(b"secret"), "zip", "yes", "mail.pst"),
        (seven(None), "7z", "unknown", None),  # its directory is packed
        (seven("secret", header=True), "7z", "yes", None),
        (rar5(), "rar", "no", "mail.pst"),
        (rar5(encrypted=True), "rar", "yes", "mail.pst"),
        (rar5(locked=True), "rar", "yes", None),
        (rar4(), "rar", "no", "mail.pst"),
        (rar4(encrypted=True), "rar", "yes", "mail.pst"),
        (rar4(locked=True), "rar", "yes", None),
        (b"PK\x05\x06" + bytes(18), "zip", "unknown", None),
    ],
)
def test_archives_say_whether_they_need_a_password(
    data: bytes, kind: str, encrypted: str, holds: str | None
) -> None:
    found = fields(data, "picture.jpg")
    assert (found["Format"], found["Encrypted"], found.get("Holds")) == (kind, encrypted, holds)


def test_by_bytes_and_by_two_names() -> None:
    for data in (
        minidump("x"),
        hive("SAM"),
        zipped(),
        rar5(),
        b"MSCF",
        bytes(4) + b"\xef\xcd\xab\x89",
    ):
        assert recognise(data, "a.txt")
    assert recognise(b"\0\0\0\0", "C/Temp/LSASS_2.dmp")
    assert recognise(b"text", "C/Temp/ntds.dit")
    for path in (
        "C/Windows/System32/lsass.exe",
        "C/notes about lsass.txt",
        "C/a.dit",
        "x/ntds.dit.txt",
    ):
        assert not recognise(b"text", path), path


SAMPLES = (minidump("lsass.exe"), hive("SAM", "x"), zipped(), seven(None), rar5(), rar4())


@pytest.mark.parametrize("seed", range(60))
def test_damage_never_raises_and_is_a_row_all_the_same(seed: int) -> None:
    rng = random.Random(seed)
    for sample in SAMPLES:
        data = bytearray(sample)
        for _ in range(rng.choice([1, 5, 60])):
            data[rng.randrange(4, len(data))] = rng.choice([0, 0x7F, 0x80, 255])
        cut = bytes(data[: rng.randrange(1, len(data))])
        items = list(read_file(cut, FileFacts(path="a", size=len(cut), sha256="ab")))
        assert sum(isinstance(item, Row) for item in items) == 1
        assert all(isinstance(item, Row | Skipped) for item in items)
