"""Every way a command can end has its exit code and its sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from exopsy import __version__
from exopsy.cli.main import main
from exopsy.core.errors import CollectionError, ContentError
from exopsy.core.exit_code import ExitCode

CASE = Path(__file__).parents[1] / "reports" / "data" / "case.json"


@pytest.mark.parametrize(
    "words",
    [
        "",
        "no-such-command",
        "examine",
        "examine x --since yesterday",
        "examine x --workers 0",
        "report x --format pdf",
        "sql x",
        "sql x q --csv --json",
        "exposure",
        "exposure --build 15.1.2106.2 --date yesterday",
        "lab",
        "lab make x --scenario s --days -1",
        "lab bulk x --bytes 10 --hit-share 2",
        "rules",
    ],
)
def test_a_wrong_command_is_64_with_one_hint(words, capsys):
    assert main(words.split()) == 64
    told = capsys.readouterr().err
    assert "--help" in told
    assert len(told.splitlines()) == 2


def test_wrong_words_are_shown_escaped(capsys):
    assert main(["\x1b[2J"]) == 64
    assert "\x1b" not in capsys.readouterr().err


def test_help_and_version_are_no_error(capsys):
    assert main(["--help"]) == 0
    assert main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


def run_with(monkeypatch, error, *words):
    def fail(folders):
        raise error

    monkeypatch.setattr("exopsy.pipeline.commands.list_rules", fail)
    return main([*words, "rules", "list"])


def test_an_unreadable_collection_is_66(monkeypatch, capsys):
    assert run_with(monkeypatch, CollectionError("The archive \x1b[2J is cut off.")) == 66
    assert capsys.readouterr().err == "exopsy: The archive \\x1b[2J is cut off.\n"


def test_unusable_content_is_65_and_every_problem_is_said(monkeypatch, capsys):
    errors = [ContentError("not YAML", at=f"rule{n}.yml:3", remedy="Quote it") for n in (1, 2)]
    assert run_with(monkeypatch, errors[0]) == 65
    assert run_with(monkeypatch, ExceptionGroup("rules", errors)) == 65
    told = capsys.readouterr().err.splitlines()
    assert told[1:] == [f"exopsy: rule{n}.yml:3: not YAML. Quote it" for n in (1, 2)]


def test_a_defect_is_70_and_says_how_to_see_more(monkeypatch, capsys):
    assert run_with(monkeypatch, KeyError("x")) == 70
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert "--traceback" in told
    mixed = ExceptionGroup("both", [ContentError("bad", at="x"), KeyError("y")])
    assert run_with(monkeypatch, mixed, "--traceback") == 70
    assert "test_main.py" in capsys.readouterr().err


def test_ctrl_c_is_130(monkeypatch, capsys):
    assert run_with(monkeypatch, KeyboardInterrupt()) == 130
    assert "stopped" in capsys.readouterr().err


def test_a_reader_that_has_gone_is_no_error():
    # The pipe is closed before anything is written, as by "exopsy rules list | true".
    read, write = os.pipe()
    os.close(read)
    words = ["report", str(CASE), "--format", "text"]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, exopsy.cli.main as m; sys.exit(m.main({words}))"],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_exit_codes_are_never_renumbered():
    assert {code.name: int(code) for code in ExitCode} == {
        "NO_EVIDENCE_FOUND": 0,
        "INCONCLUSIVE": 10,
        "ATTEMPTED": 20,
        "SUSPICIOUS": 25,
        "EXPLOITED": 30,
        "COMPROMISED": 40,
        "WRONG_COMMAND": 64,
        "UNUSABLE_CONTENT": 65,
        "COLLECTION_UNREADABLE": 66,
        "DEFECT": 70,
    }
