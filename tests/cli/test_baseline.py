"""``exopsy baseline make`` records a clean server; ``examine --baseline`` compares with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from exopsy.cli.main import main
from exopsy.lab.version_program import program

LOGON = "V15/FrontEnd/HttpProxy/owa/auth/logon.aspx"


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    folder = tmp_path / "clean"
    for name, data in ((LOGON, b"logon"), ("V15/Bin/ExSetup.exe", program((15, 1, 2507, 37)))):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(data)
    return folder


def test_it_writes_what_it_says(clean, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["baseline", "make", "clean"]) == 0
    out = capsys.readouterr().out
    assert "Build: 15.1.2507.37 (the version of ExSetup.exe)" in out
    assert "--baseline baseline-15.1.2507.37.txt" in out
    text = (tmp_path / "baseline-15.1.2507.37.txt").read_bytes()
    assert text.startswith(b"exopsy-baseline 1\n")
    assert main(["baseline", "make", "clean", "-o", "again.txt"]) == 0
    assert (tmp_path / "again.txt").read_bytes() == text


def test_it_overwrites_baselines_only(clean, tmp_path, capsys):
    out = tmp_path / "out.txt"
    out.write_text("something of yours")
    assert main(["baseline", "make", str(clean), "-o", str(out)]) == 64
    assert "is no baseline" in capsys.readouterr().err
    assert out.read_text() == "something of yours"
    out.unlink()
    assert main(["baseline", "make", str(clean), "-o", str(out)]) == 0
    assert main(["baseline", "make", str(clean), "-o", str(out), "--build", "15.1.2507.44"]) == 0
    assert "builds: 15.1.2507.44" in out.read_text()


def test_what_is_no_server_is_said(tmp_path, capsys):
    assert main(["baseline", "make", str(tmp_path / "missing")]) == 66
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "x.aspx").write_text("x")
    assert main(["baseline", "make", str(tmp_path / "empty")]) == 66
    err = capsys.readouterr().err
    assert "There is no" in err and "no web folder" in err
    assert main(["baseline", "make", str(tmp_path / "empty"), "--build", "newest"]) == 64


def test_what_is_no_baseline_stops_the_examination(clean, tmp_path, capsys):
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("no baseline")
    command = ["examine", str(clean), "--case", str(tmp_path / "case"), "--quiet", "--baseline"]
    assert main([*command, str(wrong)]) == 65
    assert main([*command, str(tmp_path / "missing.txt")]) == 65
    err = capsys.readouterr().err
    assert "wrong.txt: is no baseline" in err and "exopsy baseline make" in err
    assert "missing.txt: can't be read" in err
