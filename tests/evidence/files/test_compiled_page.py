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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_note(encoding: str) -> None:
    (row,) = read(NOTE.encode(encoding))
    assert isinstance(row, Row)
    assert row.fields["VirtualPath"] == "/owa/x.aspx"
    assert row.fields["Type"] == "ASP.x_aspx"
    assert row.many["Depends"] == ("/owa/x.aspx", "/owa/y.ascx")
    assert (row.fields["Sha256"], row.timestamp) == ("ab", None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "xml"),
        ("<preserve", "xml"),
        ("<other/>", "no-virtual-path"),
        ("<preserve/>", "no-virtual-path"),
    ],
)
def test_what_can_not_be_read_is_counted(text: str, reason: str) -> None:
    (skipped,) = read(text.encode())
    assert isinstance(skipped, Skipped)
    assert skipped.reason == reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_what_declares_entities_is_not_read(encoding: str) -> None:
    text = (
        '<!DOCTYPE preserve [<!ENTITY e "x">]><preserve virtualPath="/a&e;.aspx"><filedeps/>'
        "</preserve>"
    )
    (skipped,) = read(text.encode(encoding))
    assert isinstance(skipped, Skipped)
    assert skipped.reason == "doctype"


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
