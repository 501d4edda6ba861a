"""``exopsy exposure`` lists open holes first and counts the closed ones."""

from __future__ import annotations

import json

import pytest

from exopsy.cli.main import main


def listed(capsys, *options, build="15.1.2106.2"):
    assert main(["exposure", "--build", build, *options]) == 0
    return capsys.readouterr().out


def line_of(out, cve):
    (line,) = [line for line in out.splitlines() if line.startswith(f"{cve} ")]
    return line


def test_open_holes_are_listed_with_what_closes_them(capsys):
    out = listed(capsys, "--date", "2021-03-03")
    assert "Exchange 2016 CU18 (15.1.2106.2), of 2020-09-15" in out
    line = line_of(out, "CVE-2021-26855")
    assert "open" in line
    assert "15.1.2106.13" in line
    assert "2021-03-02 " in line and "yes" in line
    assert "(later)" in line_of(out, "CVE-2021-34473")
    assert "CVE-2020-0688" not in out
    assert "--all lists them" in out


def test_all_of_them_on_request(capsys):
    out = listed(capsys, "--all")
    assert "CVE-2020-0688" in out
    assert "--all" not in out


def test_builds_are_called_in_many_ways(capsys):
    asked = ("15.1.2176.9", "15.01.2176.009", "Exchange 2016 CU19 Mar21SU", "2016 cu19 mar21su")
    assert len({listed(capsys, build=build) for build in asked}) == 1


def test_what_a_number_does_not_decide_is_said_beside_it(capsys):
    out = listed(capsys, build="15.1.2507.37")
    assert "depends on the configuration" in line_of(out, "CVE-2024-21410")
    assert "CVE-2024-21410: configuration: Extended Protection" in out
    assert "silent on holes of Windows" in out


def test_an_unlisted_build_is_answered_from_its_neighbours(capsys):
    out = listed(capsys, build="15.1.2106.5")
    assert "15.1.2106.5 is not in the list of builds" in out
    assert "open" in line_of(out, "CVE-2021-26855")


def test_json_holds_everything(capsys):
    found = json.loads(listed(capsys, "--json", "--date", "2021-03-01"))
    assert found["build"] == "15.1.2106.2"
    assert found["date"] == "2021-03-01"
    holes = {hole["cve"]: hole for hole in found["holes"]}
    assert holes["CVE-2021-26855"]["state"] == "vulnerable"
    assert holes["CVE-2021-26855"]["is_public"] is False
    assert holes["CVE-2020-0688"]["state"] == "not-affected"


@pytest.mark.parametrize(
    ("build", "why"),
    [
        ("latest", "no build that is known"),
        ("99.1.1.1", "begins with 99.1"),
        ("Exchange 2016 CU19 Jan21SU", "Like it are"),
        ("15.1", "four numbers"),
        ("\x1b[31m", "no build that is known"),
    ],
)
def test_what_is_no_build_is_a_wrong_command(capsys, build, why):
    assert main(["exposure", "--build", build]) == 64
    told = capsys.readouterr()
    assert why in told.err
    assert told.out == ""
    assert "\x1b" not in told.err
