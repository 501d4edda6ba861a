"""``exopsy rules`` lists what is looked for, and names every mistake with its place."""

from __future__ import annotations

import pytest

from exopsy.cli.main import main
from exopsy.core.errors import ContentError


def test_the_rules_are_listed(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main(["rules", "list"]) == 0
    out = capsys.readouterr().out
    assert "proxylogon" in out
    assert out.splitlines()[-1].endswith("rules)")


@pytest.mark.parametrize("action", ["lint", "test"])
def test_every_problem_is_said_and_counted(action, monkeypatch, capsys):
    problems = [ContentError("bad \x1b[2J", at=f"rule{n}.yml:2") for n in range(2)]
    answer = problems if action == "lint" else (5, problems)
    monkeypatch.setattr(f"exopsy.pipeline.commands.{action}_rules", lambda folders: answer)
    assert main(["rules", action]) == 65
    assert capsys.readouterr().err.splitlines() == [
        "rule0.yml:2: bad \\x1b[2J",
        "rule1.yml:2: bad \\x1b[2J",
        "exopsy: 2 problems",
    ]


def test_no_problem_is_said_too(monkeypatch, capsys):
    monkeypatch.setattr("exopsy.pipeline.commands.test_rules", lambda folders: (7, []))
    assert main(["rules", "test"]) == 0
    assert "7" in capsys.readouterr().out


def test_coverage_says_what_runs_and_why_the_rest_does_not(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "rules"
    folder.mkdir()
    for name, product in (("a", "windows"), ("b", "linux")):
        (folder / f"{name}.yml").write_text(
            f"title: {name}\nlogsource: {{product: {product}, category: process_creation}}\n"
            "detection: {s: {OriginalFileName: x}, condition: s}\n"
        )
    assert main(["rules", "coverage", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "windows-event  Security 4688  0      1" in out
    assert "windows-event  Sysmon 1       1" in out
    assert "1      no log that is read here is product: linux" in out
    assert "1 rules can run, 1 can't, 0 are not wanted" in out
    (folder / "c.yml").write_text("title: [")
    assert main(["rules", "coverage", str(folder)]) == 65
    assert "c.yml" in capsys.readouterr().err
