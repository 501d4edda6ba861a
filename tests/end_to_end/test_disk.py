"""Files as a collector leaves them: dumps, loot, remains of pages, and what became of backdoors.

Nothing here works: dumps and archives hold a few bytes, pages hold a word.
"""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import py7zr
import pytest

from exopsy.schema.case import CaseDocument, encode_case

HEAD = (
    "#Software: Microsoft Internet Information Services 10.0\r\n"
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip"
    " cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n"
)
WWW = "C/inetpub/wwwroot"
OWA = "C/Program Files/Microsoft/Exchange Server/V15/FrontEnd/HttpProxy/owa"
NOTE = '<preserve virtualPath="{0}" assembly="App_Web_x"><filedeps><filedep name="{0}"/></filedeps></preserve>'
CHANGED = datetime(2021, 3, 3, 4, 5, 6, tzinfo=UTC)


def request(path: str, second: int, method: str = "POST") -> str:
    return (
        f"2021-03-04 04:00:{second:02} 192.0.2.10 {method} {path} - 443 - 198.51.100.7 Agent/1.0 -"
        " 200 0 0 9\r\n"
    )


def archive(password: str | None = None) -> bytes:
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(
        buffer, "w", password=password, header_encryption=bool(password)
    ) as made:
        made.writestr(b"text", "mail.txt")
    return buffer.getvalue()


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, data in files.items():
            made.writestr(name, data)
    return buffer.getvalue()


FILES = {
    "C/inetpub/logs/LogFiles/W3SVC1/u_ex210304.log": (
        HEAD
        + request("/aspnet_client/here.aspx", 1)
        + request("/owa/auth/gone.aspx", 2)
        + request("/ecp/auth/who.aspx", 3)
    ).encode(),
    f"{WWW}/aspnet_client/here.aspx": b"a page",
    f"{OWA}/auth/logon.aspx": b"a page",
    f"{OWA}/auth/logon.css": b"a style",
    "C/Windows/Temporary ASP.NET Files/owa/1/2/gone.aspx.cdc.compiled": NOTE.format(
        "/owa/auth/gone.aspx"
    ).encode(),
    "C/Windows/Temporary ASP.NET Files/ecp/1/2/who.aspx.cdc.compiled": NOTE.format(
        "/ecp/auth/who.aspx"
    ).encode(),
    "C/ProgramData/it.jpg": archive("secret"),
    "C/ProgramData/it.zip": zipped(**{"a.txt": b"text"}),
    f"{WWW}/aspnet_client/o.zip": zipped(**{"x.aspx": b"a page", "C/inetpub/wwwroot/y.aspx": b"b"}),
    "C/Windows/Temp/lsass.dmp": b"no dump",
    "C/CrashDumps/w3wp.exe.9.dmp": b"MDMP" + bytes(60),
    # a zip by its first bytes, a page to the web server
    f"{WWW}/aspnet_client/poly.aspx": zipped(**{"a.txt": b"text"}),
}


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    root = tmp_path / "evidence" / "EX01"
    for name, data in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (CHANGED.timestamp(), CHANGED.timestamp()))
    return tmp_path / "evidence"


def titles(case: CaseDocument) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in case.findings:
        if finding.log not in ("", "iis-w3c"):
            told = finding.subject.get("Path") or finding.subject.get("VirtualPath", "")
            found.setdefault(finding.title, []).append(told.rpartition("\\")[2])
    return {title: sorted(told) for title, told in sorted(found.items())}


WANTED = {
    "Archive in a folder into which everybody may write": ["it.zip"],
    "Archive in a folder of the web server": ["o.zip"],
    "Archive under the name of something else in a shared folder": ["it.jpg"],
    "Archive with a password in a shared folder": ["it.jpg"],
    "Memory dump of the logon service among the files": ["lsass.dmp"],
    "Page that no build ships was compiled": ["/ecp/auth/who.aspx"],
    "Page that no build ships was compiled, and its file is gone": ["/owa/auth/gone.aspx"],
}


def disk_titles(case: CaseDocument) -> dict[str, list[str]]:
    """Return what this room's rules found; rules about what is in a page have tests of their own."""
    return {title: told for title, told in titles(case).items() if title in WANTED}


def test_what_lies_where_it_does_not_belong(examine, collection: Path) -> None:
    case = examine(collection)
    assert disk_titles(case) == WANTED
    (host,) = case.hosts
    states = {b.path: (b.state, b.state_basis) for b in host.backdoors if b.kind == "web-shell"}
    assert (
        states.items()
        >= {
            "/aspnet_client/here.aspx": ("present", "collection"),
            "/owa/auth/gone.aspx": ("removed", "collection"),
            "/ecp/auth/who.aspx": ("unknown", ""),
        }.items()
    )
    here = next(b for b in host.backdoors if b.path == "/aspnet_client/here.aspx")
    assert (here.modified, here.times_basis) == ("2021-03-03T04:05:06Z", "collection")
    assert here.sha256 == next(
        a.sha256 for a in case.artifacts if a.path.endswith("aspnet_client/here.aspx")
    )
    assert host.impact.exfiltration
    assert host.impact.credentials
    kinds = {a.path.removeprefix("EX01/"): a.kind for a in case.artifacts}
    assert kinds["C/ProgramData/it.jpg"] == "data-file"
    assert kinds["C/ProgramData/it.zip"] == "data-file"
    assert kinds["C/ProgramData/it.zip!/a.txt"] == ""
    assert kinds[f"{WWW}/aspnet_client/poly.aspx"] == "web-page"
    assert not any(a.state == "failed" for a in case.artifacts)


def packed(folder: Path, kind: str) -> bytes:
    buffer = io.BytesIO()
    paths = sorted(p for p in folder.rglob("*") if p.is_file())
    if kind == "tar":
        with tarfile.open(fileobj=buffer, mode="w") as made:
            for path in paths:
                made.add(path, path.relative_to(folder).as_posix())
    else:
        with zipfile.ZipFile(buffer, "w") as made:
            for path in paths:
                made.write(path, path.relative_to(folder).as_posix())
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_in_an_archive_it_is_the_same(examine, collection: Path, tmp_path: Path, kind: str) -> None:
    (tmp_path / f"out.{kind}").write_bytes(packed(collection, kind))
    case = examine(tmp_path / f"out.{kind}")
    assert disk_titles(case) == WANTED
    (host,) = case.hosts
    states = {b.path: b.state for b in host.backdoors if b.kind == "web-shell"}
    assert states["/owa/auth/gone.aspx"] == "removed"
    assert states["/aspnet_client/here.aspx"] == "present"


def test_a_collectors_nested_archive_is_no_loot(examine, collection: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    inner = packed(collection / "EX01", "zip")
    (outer / "EX01.zip").write_bytes(inner)
    case = examine(outer)
    assert disk_titles(case) == WANTED
    assert "EX01.zip" not in {a.path for a in case.artifacts}


def test_every_way_of_reading_says_the_same(examine, collection: Path, monkeypatch) -> None:
    usual = encode_case(examine(collection, workers=1))
    assert encode_case(examine(collection, workers=2)) == usual
    assert encode_case(examine(collection, plain=True)) == usual
    monkeypatch.setattr("exopsy.pipeline.scan_processes.WORTH", 1)
    assert encode_case(examine(collection, workers=2)) == usual


# ---- a file table beside the logs


def ticks(moment: datetime) -> int:
    return (moment - datetime(1601, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10


def record(number: int, name: str, parent: int, *, flags: int, made: datetime = CHANGED) -> bytes:
    def attribute(kind: int, body: bytes) -> bytes:
        size = (24 + len(body) + 7) & ~7
        head = struct.pack("<2IBBHHHIH2x", kind, size, 0, 0, 0, 0, 0, len(body), 24)
        return (head + body).ljust(size, b"\0")

    times = struct.pack("<4Q", *[ticks(made)] * 4)
    text = name.encode("utf-16-le")
    body = attribute(0x10, times.ljust(72, b"\0")) + attribute(
        0x30, struct.pack("<Q", parent) + times + bytes(24) + bytes([len(name), 1]) + text
    )
    body += b"\xff\xff\xff\xff" + bytes(4)
    head = struct.pack(
        "<4s2HQ4H2IQHHI", b"FILE", 48, 3, 0, 1, 1, 56, flags, 56 + len(body), 1024, 0, 9, 0, number
    )
    return (head.ljust(56, b"\0") + body).ljust(1024, b"\0")


def change(name: str, reason: int, when: datetime) -> bytes:
    text = name.encode("utf-16-le")
    body = struct.pack(
        "<4Q4I2H", 41 | 1 << 48, 32 | 1 << 48, 0, ticks(when), reason, 0, 0, 32, len(text), 60
    )
    size = (68 + len(text)) & ~7
    return (struct.pack("<I2H", size, 2, 0) + body + text).ljust(size, b"\0")


def test_a_file_table_and_a_journal(examine, collection: Path) -> None:
    one = 1 << 48
    records = {
        0: record(0, "$MFT", 5 | 5 << 48, flags=1),
        30: record(30, "inetpub", 5 | 5 << 48, flags=3),
        31: record(31, "wwwroot", 30 | one, flags=3),
        32: record(32, "aspnet_client", 31 | one, flags=3),
        40: record(40, "here.aspx", 32 | one, flags=1),
        41: record(41, "late.aspx", 32 | one, flags=0),
    }
    root = collection / "EX01" / "C"
    (root / "$MFT").write_bytes(b"".join(records.get(n, bytes(1024)) for n in range(42)))
    (root / "$Extend").mkdir()
    gone = CHANGED + timedelta(days=2)
    (root / "$Extend" / "$J").write_bytes(
        bytes(4096)
        + change("late.aspx", 0x80000100, CHANGED)
        + change("late.aspx", 0x80000200, gone)
    )
    case = examine(collection)
    (host,) = case.hosts
    late = next(b for b in host.backdoors if b.path == "/aspnet_client/late.aspx")
    assert (late.state, late.state_basis) == ("removed", "file-table")
    assert (late.created, late.removed_at) == ("2021-03-03T04:05:06Z", "2021-03-05T04:05:06Z")
    assert late.planted_at == "2021-03-03T04:05:06Z"
    here = next(b for b in host.backdoors if b.path == "/aspnet_client/here.aspx")
    assert (here.state, here.state_basis, here.times_basis) == (
        "present",
        "collection",
        "file-table",
    )
    assert here.planted_at == here.created == "2021-03-03T04:05:06Z"
    times = {f.title: f.first_seen for f in case.findings if f.log == "change-journal"}
    assert times == {
        "Page that no build ships was created, says the change journal": "2021-03-03T04:05:06Z",
        "Page that no build ships was deleted, says the change journal": "2021-03-05T04:05:06Z",
    }
    logs = {entry.log: entry.state for entry in host.coverage}
    assert (logs["file-table"], logs["change-journal"]) == ("read", "read")
