"""An intruder writes part of a log; it stays a log, whatever kind of file that part looks like."""

from __future__ import annotations

from pathlib import Path

import pytest

from exopsy.evidence import registry

FIXTURES = [
    path
    for path in sorted((Path(__file__).parents[1] / "data").rglob("*"))
    if path.is_file() and registry.recognise(path.read_bytes()[:65_536], "x") is not None
]
HOSTILE = (
    b'<%@ Page Language="C#" %>',
    b'<script language="JScript" runat="server">',
    b"<?xml version='1.0'?><configuration><system.webServer>",
    b"<configuration><system.webServer><globalModules/></system.webServer></configuration>",
    b"<Task xmlns='http://schemas.microsoft.com/windows/2004/02/mit/task'>",
    b"<Objs Version='1.1.0.1'><Obj RefId='0'>",
    b"dn: CN=OAB\nobjectClass: msExchOABVirtualDirectory",
    b"ExternalUrl : http://x/",
    b"Microsoft Safety Scanner",
    b"!BDN", b"MDMP", b"regf", b"FILE0", b"MZ", b"Rar!\x1a\x07", b"PK\x03\x04",
)  # fmt: skip


def test_there_are_fixtures() -> None:
    assert len(FIXTURES) > 5


def test_a_usual_log_is_told_without_asking_any_reader(monkeypatch) -> None:
    head = b"#Software: Microsoft Internet Information Services 10.0\r\n" + HOSTILE[0]
    monkeypatch.setattr(registry, "load_file", None)
    for start in (b"", b"\xef\xbb\xbf"):
        assert registry.recognise_file(start + head, "W3SVC1/u_ex210303.LOG") is None
    monkeypatch.undo()
    spec = registry.recognise_file(head, "aspnet_client/u_ex210303.aspx")
    assert spec is not None
    assert spec.name == "web-page"


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12].decode("latin-1"))
def test_a_log_with_hostile_text_is_a_log(path: Path, text: bytes) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    for at in range(1, min(len(lines), 8)):
        head = b"".join([*lines[:at], lines[at].rstrip(b"\r\n"), b" ", text, b"\r\n", *lines[at:]])
        for name in ("u_ex210303.log", "collected.txt", "x/ECPServer.LOG", "export"):
            spec = registry.recognise_file(head[:65_536], name)
            assert spec is None, (spec and spec.name, at, name)
