"""``exopsy exposure`` lists open holes first and counts the closed ones."""

from __future__ import annotations

from exopsy.cli.main import main


def listed(capsys, *options):
    assert main(["exposure", "--build", "15.1.2106.2", *options]) == 0
    return capsys.readouterr().out


def test_open_holes_are_listed_with_what_closes_them(capsys):
    out = listed(capsys, "--date", "2021-03-03")
    (line,) = [line for line in out.splitlines() if line.startswith("CVE-2021-26855")]
    assert "open" in line
    assert "15.1.2106.13" in line
    assert "CVE-2020-0688" not in out
    assert "--all lists them" in out


def test_all_of_them_on_request(capsys):
    out = listed(capsys, "--all")
    assert "CVE-2020-0688" in out
    assert "--all" not in out
