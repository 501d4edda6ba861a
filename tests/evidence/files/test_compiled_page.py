from __future__ import annotations

import random

import pytest

from exopsy.evidence.files.compiled_page import read_file, recognise
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Row, Skipped

PATH = "EX01/C/Temporary ASP.NET Files/owa/a/b/x.aspx.cdcab7d2.compiled"
NOTE = (
    '<?xml version="1.0" encoding="utf-8"?>\r\n<preserve resultType="3" virtualPath="/owa/x.aspx" '
    'assembly="App_Web_x" type="ASP.x_aspx">\r\n <filedeps>\r\n  <filedep name="/owa/x.aspx" />\r\n'
    '  <filedep name="/owa/y.ascx" />\r\n </filedeps>\r\n</preserve>'
)


def read(data: bytes):
    return list(read_file(data, FileFacts(path=PATH, size=len(data), sha256="ab")))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_note(encoding: str) -> None:
    data = NOTE.replace("utf-8", encoding).encode(encoding)
    (row,) = read(data)
    assert isinstance(row, Row)
    assert row.fields["VirtualPath"] == "/owa/x.aspx"
    assert row.fields["Type"] == "ASP.x_aspx"
    assert row.many["Depends"] == ("/owa/x.aspx", "/owa/y.ascx")
    assert (row.fields["Sha256"], row.timestamp) == ("ab", None)
    assert data[row.origin.offset :].startswith(row.raw)


@pytest.mark.parametrize("text", ["", "text", "<other/>", "<preserve/>"])
def test_what_is_no_note_is_counted(text: str) -> None:
    (skipped,) = read(text.encode())
    assert isinstance(skipped, Skipped)
    assert skipped.reason == "no-virtual-path"


def test_a_cut_note_still_names_its_page() -> None:
    items = read(NOTE.encode()[: NOTE.index("<filedeps>")])
    assert items[0].fields["VirtualPath"] == "/owa/x.aspx"
    assert [item.reason for item in items[1:]] == ["damaged-markup"]


def test_entities_are_not_unfolded() -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 9))
    bomb = (
        f'<!DOCTYPE preserve [<!ENTITY e0 "x">{levels}]>'
        '<preserve virtualPath="/a&e8;.aspx"><filedeps/></preserve>'
    )
    items = read(bomb.encode())
    assert items[0].fields["VirtualPath"] == "/a&e8;.aspx"
    assert isinstance(items[-1], Skipped)


@pytest.mark.parametrize("seed", range(30))
def test_damage_never_raises(seed: int) -> None:
    rng = random.Random(seed)
    data = bytearray(NOTE.encode())
    for _ in range(rng.choice([1, 5, 50])):
        data[rng.randrange(len(data))] = rng.randrange(256)
    read(bytes(data[: rng.randrange(len(data))]))


def test_what_is_a_note() -> None:
    assert recognise(NOTE.encode(), PATH)
    assert recognise(NOTE.encode("utf-16"), PATH.upper())
    assert not recognise(NOTE.encode(), "x.xml")
    assert not recognise(b"text", PATH)
