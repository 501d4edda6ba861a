"""Damaged, foreign and hostile input: a sentence for each, and everything else is still examined."""

from __future__ import annotations

import gzip
import html
import io
import os
import re
import zipfile
from pathlib import Path

import pytest
import pyzipper

from exopsy.core.exit_code import ExitCode

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + bytes(range(256)) * 8
FIELDS = (
    b"#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n"
    b"#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip "
    b"cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n"
)
RECORD = (
    b"2021-03-01 00:00:00 192.0.2.1 GET /owa/auth/logon.aspx - 443 - 198.51.100.1 Mozilla/5.0 - "
    b"200 0 0 15\r\n"
)
PASSWORD = b"inf3cted\xc3\xa9"


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def encrypted(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with pyzipper.AESZipFile(
        buffer, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES
    ) as archive:
        archive.setpassword(PASSWORD)
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def found_attack(told) -> bool:
    """Whether the attack of the control panel log was found and decided the verdict."""
    assert told.case is not None, told.err
    assert told.code == ExitCode.COMPROMISED, told.err
    return any(f.chain == "proxylogon" and f.grade == "success" for f in told.case.findings)


def told_of(told, name: str) -> str:
    """Return the sentences on one artifact; each must be one."""
    sentences = [p for p in told.case.problems if p.startswith(name)]
    assert sentences, told.case.problems
    assert all(len(s) > len(name) + 15 for s in sentences)
    return " ".join(sentences)


def entry(told, name: str):
    return next(a for a in told.case.artifacts if a.path == name)


@pytest.fixture
def beside(tmp_path, attack, command):
    """Examine a folder with the attack's log and one other file."""

    def run(name: str, content: bytes, *words: object):
        folder = tmp_path / "evidence"
        folder.mkdir(exist_ok=True)
        (folder / attack[0]).write_bytes(attack[1])
        (folder / name).write_bytes(content)
        told = command(folder, *words)
        assert found_attack(told)
        classes = [sum(c.classes.values()) == c.bytes for h in told.case.hosts for c in h.coverage]
        assert all(classes)
        return told

    return run


# What is no collection at all: one sentence on stderr, 66, no case.


def test_a_path_that_is_not_there(tmp_path, command):
    told = command(tmp_path / "nowhere")
    assert told.code == ExitCode.COLLECTION_UNREADABLE
    assert told.case is None
    assert "nowhere" in told.err
    assert "folder" in told.err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("picture.jpg", JPEG),
        ("empty.log", b""),
        ("disk.vhdx", b"vhdxfile" + bytes(4096)),
        ("evidence.rar", b"Rar!\x1a\x07\x01\x00" + bytes(100)),
        ("program.exe", b"MZ\x90\x00" + bytes(range(256)) * 20),
    ],
)
def test_a_file_that_is_no_collection(tmp_path, command, name, content):
    (tmp_path / name).write_bytes(content)
    told = command(tmp_path / name)
    assert told.code == ExitCode.COLLECTION_UNREADABLE
    assert told.case is None
    assert told.out == ""
    assert name in told.err
    assert re.search(r"name the folder|copy it again|name a folder", told.err), told.err


def test_an_empty_folder(tmp_path, command):
    (tmp_path / "empty" / "inner").mkdir(parents=True)
    told = command(tmp_path / "empty")
    assert told.code == ExitCode.COLLECTION_UNREADABLE
    assert "holds no file" in told.err


def test_a_folder_of_pictures_says_that_nothing_can_be_said(tmp_path, command):
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(JPEG)
    told = command(folder)
    assert told.code == ExitCode.INCONCLUSIVE
    assert [a.state for a in told.case.artifacts] == ["not-evidence"]
    assert "Nothing can be said" in " ".join(told.out.split())


def test_a_pipe_is_no_collection(tmp_path, command):
    os.mkfifo(tmp_path / "pipe")
    told = command(tmp_path / "pipe")
    assert told.code == ExitCode.COLLECTION_UNREADABLE
    assert "pipe" in told.err


# What lies beside good evidence: said, counted, and the good evidence decides.


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file"
)
def test_a_file_that_may_not_be_read(tmp_path, attack, command):
    (tmp_path / attack[0]).write_bytes(attack[1])
    closed = tmp_path / "u_ex210301.log"
    closed.write_bytes(FIELDS + RECORD)
    closed.chmod(0)
    told = command(tmp_path)
    assert found_attack(told)
    assert "permissions" in told_of(told, closed.name)


def test_a_link_that_leads_out_is_not_followed(tmp_path, attack, command):
    folder = tmp_path / "evidence"
    folder.mkdir()
    (tmp_path / "secret.log").write_bytes(FIELDS + RECORD)
    (folder / attack[0]).write_bytes(attack[1])
    (folder / "u_ex210301.log").symlink_to(tmp_path / "secret.log")
    told = command(folder)
    assert found_attack(told)
    assert any("symbolic links" in p for p in told.case.problems)
    assert len(told.case.artifacts) == 1


def test_a_locked_zip_says_what_it_needs_and_opens_with_it(tmp_path, beside):
    content = encrypted({"u_ex210301.log": FIELDS + RECORD * 3})
    told = beside("locked.zip", content)
    assert "password" in told_of(told, "locked.zip")
    (tmp_path / "passwords").write_bytes(b"# of the case\r\nwrong\r\n" + PASSWORD + b"\r\n")
    opened = beside("locked.zip", content, "--password-file", tmp_path / "passwords")
    assert entry(opened, "locked.zip!/u_ex210301.log").state == "read"
    assert not [p for p in opened.case.problems if p.startswith("locked.zip")]


def test_a_locked_zip_alone_is_inconclusive_or_unreadable(tmp_path, command):
    (tmp_path / "locked.zip").write_bytes(encrypted({"u_ex210301.log": FIELDS + RECORD}))
    told = command(tmp_path / "locked.zip")
    assert told.code in (ExitCode.INCONCLUSIVE, ExitCode.COLLECTION_UNREADABLE)
    said = told.err + " ".join(told.case.problems if told.case else [])
    assert "password" in said


def test_a_password_file_that_is_not_there(tmp_path, command):
    (tmp_path / "x.log").write_bytes(FIELDS + RECORD)
    told = command(tmp_path / "x.log", "--password-file", tmp_path / "none")
    assert told.code == ExitCode.WRONG_COMMAND
    assert "none can't be read" in told.err


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_a_truncated_zip(beside, share):
    whole = zipped({f"u_ex21030{n}.log": FIELDS + os.urandom(900) * 40 for n in range(1, 8)})
    told = beside("cut.zip", whole[: int(len(whole) * share)])
    told_of(told, "cut.zip")
    if share > 0.1:
        inner = [a for a in told.case.artifacts if a.path.startswith("cut.zip!/")]
        assert inner, "what lies before the cut can be read"


@pytest.mark.parametrize("share", [0.4, 0.99])
def test_a_truncated_gz(beside, share):
    lines = b"".join(
        RECORD.replace(b"00:00:00", b"%02d:%02d:%02d" % (n // 3600, n // 60 % 60, n % 60))
        for n in range(20_000)
    )
    whole = gzip.compress(FIELDS + lines)
    told = beside("u_ex210301.log.gz", whole[: int(len(whole) * share)])
    told_of(told, "u_ex210301.log.gz")
    inner = entry(told, "u_ex210301.log.gz!/u_ex210301.log")
    assert inner.state == "partial"
    assert inner.size > 10_000


def test_an_archive_in_an_archive_in_an_archive(tmp_path, attack, command):
    inner = zipped({f"ECP/Server/{attack[0]}": attack[1]})
    outer = zipped({"logs/inner.zip": zipped({"again.zip": inner})})
    (tmp_path / "outer.zip").write_bytes(outer)
    told = command(tmp_path / "outer.zip")
    assert found_attack(told)
    path = f"outer.zip!/logs/inner.zip!/again.zip!/ECP/Server/{attack[0]}"
    assert {e.artifact for f in told.case.findings for e in f.evidence} == {path}


def test_a_zip_that_climbs_writes_nothing_outside(tmp_path, attack, command):
    folder = tmp_path / "evidence"
    folder.mkdir()
    (folder / "evil.zip").write_bytes(zipped({"../../../evil.log": FIELDS, attack[0]: attack[1]}))
    told = command(folder)
    assert found_attack(told)
    assert all(".." not in a.path for a in told.case.artifacts)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["evidence"]


@pytest.mark.parametrize(
    ("name", "content", "state", "word"),
    [
        # its header was in the part that is missing
        ("HttpProxy_2021030100-1.LOG", b"2021-03-01T00:00:00.000Z,a,b\r\n", "failed", "header"),
        ("u_ex210301.log", b"00:00:00 GET /owa/\r\n" * 9, "failed", "header"),
        ("u_ex210302.log", b"\0" * 50_000, "failed", "NUL"),  # what a crash leaves
        ("u_ex210303.log", b"", "not-evidence", "empty"),
        ("u_ex210304.log", b"\xff" * 5_000, "not-evidence", "damaged"),
        ("u_ex210305.log", (FIELDS + RECORD).decode().encode("utf-16"), "not-evidence", "UTF-16"),
    ],
)
def test_a_log_of_which_nothing_can_be_used(beside, name, content, state, word):
    told = beside(name, content)
    found = entry(told, name)
    assert (found.state, found.size) == (state, len(content))
    assert word in told_of(told, name)
    assert "copy it again" in found.why or "copy the whole" in found.why or "backups" in found.why
    iis = [c for h in told.case.hosts for c in h.coverage if c.log == found.kind and found.kind]
    assert all(c.state == "failed" and not c.days for c in iis)


@pytest.mark.parametrize(
    ("name", "content"), [("notes.txt", b"call the provider\n"), ("picture.jpg", JPEG)]
)
def test_a_file_that_was_never_a_log_needs_no_words(beside, name, content):
    told = beside(name, content)
    assert entry(told, name).state == "not-evidence"
    assert told.case.problems == []


def test_a_log_without_header_is_read_where_its_columns_can_be_told(beside):
    told = beside("u_ex210301.log", RECORD.replace(b"logon.aspx -", b"x.aspx cmd=whoami") * 9)
    assert entry(told, "u_ex210301.log").state == "read"
    assert any(f.log == "iis-w3c" and f.grade == "use" for f in told.case.findings)


def test_many_lost_logs_are_told_in_few_sentences(tmp_path, attack, command):
    for hour in range(24):
        (tmp_path / f"HttpProxy_20210301{hour:02}-1.LOG").write_bytes(b"")
    (tmp_path / attack[0]).write_bytes(attack[1])
    told = command(tmp_path)
    assert found_attack(told)
    assert len(told.case.problems) == 6
    assert any("19 more" in p for p in told.case.problems)


def test_a_log_that_a_crash_tore(beside):
    content = FIELDS + RECORD * 20 + b"\0" * 4096 + RECORD * 5 + RECORD[:40]
    told = beside("u_ex210301.log", content)
    iis = next(c for h in told.case.hosts for c in h.coverage if c.log == "iis-w3c")
    assert iis.classes["nul"] == 4096
    assert iis.classes["cut"] == 40
    assert sum(iis.classes.values()) == len(content)


def test_a_line_of_three_megabytes(beside):
    line = RECORD.replace(b"GET /owa", b"GET /" + b"a" * (3 << 20) + b"/owa")
    content = FIELDS + RECORD + line + RECORD
    told = beside("u_ex210301.log", content)
    iis = next(c for h in told.case.hosts for c in h.coverage if c.log == "iis-w3c")
    assert iis.classes["cut"] > 1 << 20
    assert sum(iis.classes.values()) == len(content)


HOSTILE = {
    "control": "u_ex\x07\r\x1b[2J\x1b[31m210301.log",
    "bidi": "u_ex\u202egol.103012\u200f.log",
    "html": "u_ex<img src=x onerror=alert(1)>'\"&.log",
    "shell": "u_ex$(touch pwned);`id`|x.log",
    "formula": "=cmd|'C'!A1.log",
    "braces": "{{7*7}}{% raw %}%s%n.log",
    "long": f"u_ex{'x' * 240}.log",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_name_does_nothing_but_be_read(tmp_path, attack, command, kind):
    folder = tmp_path / "evidence"
    folder.mkdir()
    (folder / HOSTILE[kind]).write_bytes(attack[1])
    (folder / "cut.gz").write_bytes(gzip.compress(RECORD * 100)[:-30])
    told = command(folder)  # looks for raw control characters itself
    assert found_attack(told)
    paths = [a.path for a in told.case.artifacts]
    assert not any(re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e]", p) for p in paths)
    report = told.report
    assert "<img src=x" not in report
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", report)
    assert not (Path.cwd() / "pwned").exists()


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_name_in_a_zip_does_nothing_but_be_read(tmp_path, attack, command, kind):
    (tmp_path / "evidence.zip").write_bytes(zipped({f"a/{HOSTILE[kind]}": attack[1]}))
    told = command(tmp_path / "evidence.zip")
    assert found_attack(told)
    assert "<img src=x" not in told.report


def test_hostile_text_in_a_record_does_nothing_but_be_read(beside):
    agent = "\x1b[2J\u202e</script><script>alert(1)</script>{{7*7}}=1+1".encode()
    line = RECORD.replace(b"/owa/auth/logon.aspx -", b"/aspnet_client/x.aspx cmd=whoami")
    told = beside("u_ex210301.log", FIELDS + line.replace(b"Mozilla/5.0", agent) * 3)
    assert any(f.log == "iis-w3c" for f in told.case.findings)
    report = told.report
    assert "<script>alert" not in report
    assert "<script>alert" not in html.unescape(report).partition("<body")[0]
    assert "\x1b" not in report
