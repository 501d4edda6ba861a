"""``exopsy examine``: a collection in, a case folder and a verdict out, nothing beside the evidence."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

import exopsy
from exopsy.cli.arguments import build_parser
from exopsy.cli.errors import WrongCommandError
from exopsy.cli.examine import print_json, settings_from
from exopsy.cli.main import main
from exopsy.core.exit_code import ExitCode
from exopsy.lab.make import make_lab
from exopsy.reports.words import exit_code
from exopsy.store.case_folder import read_case

CASE = Path(__file__).parents[1] / "reports" / "data" / "case.json"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    make_lab(folder, scenario="proxylogon", seed=7, days=2, requests_per_day=150, events=False)
    return folder / "collection"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch, cache):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))


def listing(folder):
    return sorted((str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in folder.rglob("*"))


def settings(*words):
    arguments = build_parser().parse_args(["examine", "x", *words])
    return settings_from(arguments, arguments.collection)


def test_what_the_case_states_of_chosen_rules_is_in_order(tmp_path):
    words = ["--rules", str(tmp_path)]
    for status in ("unsupported", "experimental", "stable", "deprecated", "test"):
        words += ["--status", status]
    chosen = settings(*words).options()["rules_from_outside"]["statuses"]
    assert chosen == sorted(chosen)
    assert len(chosen) == 5


def test_a_case_is_written_and_told(lab, tmp_path, capsys):
    before = listing(lab)
    code = main(["examine", str(lab), "--since", "2021-02-27", "--workers", "1"])
    done = capsys.readouterr()
    case = read_case(tmp_path / "collection-case")
    assert "\n    collection-case/report.html\n" in done.out
    assert code == exit_code(case.verdict.conclusion) == ExitCode.COMPROMISED, done.err
    assert done.out.startswith("VERDICT: COMPROMISED")
    assert case.hosts[0].backdoors[0].path in done.out
    assert "exopsy: " in done.err  # progress, as plain lines
    assert (tmp_path / "collection-case" / "report.html").read_text("utf-8").startswith("<!doctype")
    assert listing(lab) == before
    assert main(["sql", "collection-case", "SELECT path FROM backdoor", "--json"]) == 0
    paths = [json.loads(line)["path"] for line in capsys.readouterr().out.splitlines()]
    assert paths == [backdoor.path for backdoor in case.hosts[0].backdoors]
    assert main(["sql", "collection-case", "SELECT count(*) AS n FROM activity", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] > 0


def test_json_quiet_and_the_library_give_the_same_case(lab, tmp_path, cache, capsys):
    main(["examine", str(lab), "--json", "--quiet", "--case", "one", "--workers", "1"])
    done = capsys.readouterr()
    written = (tmp_path / "one" / "case.json").read_bytes()
    assert done.out.encode() == written
    assert done.err == ""
    case = exopsy.examine(lab, case=tmp_path / "two", cache=cache / "exopsy")
    assert case == read_case(tmp_path / "one")
    assert (tmp_path / "two" / "case.json").read_bytes() == written


def test_a_collection_that_is_not_there_is_66(capsys, tmp_path):
    assert main(["examine", "nowhere"]) == 66
    assert "There is no nowhere" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_from_inside_the_evidence_nothing_is_written(tmp_path, monkeypatch, capsys):
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    monkeypatch.chdir(evidence)
    assert main(["examine", "."]) == 64
    assert "inside the evidence" in capsys.readouterr().err
    assert list(evidence.iterdir()) == []


def test_a_foreign_folder_is_not_written_to(tmp_path, capsys):
    (tmp_path / "evidence").mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("three years")
    assert main(["examine", "evidence", "--case", "mine"]) == 64
    assert "not a case" in capsys.readouterr().err
    assert len(list((tmp_path / "mine").iterdir())) == 1


def test_the_options_become_settings(tmp_path):
    (tmp_path / "pw").write_bytes("﻿infected\r\n# note\n\nzwölf\n".encode())
    (tmp_path / "ours").write_text("192.0.2.0/24\n")
    made = settings(
        *("--since", "2021-01-03", "--until", "2021-03-01", "--plain", "--workers", "3"),
        *("--password-file", "pw", "--trusted", "ours"),
    )
    assert (made.since, made.until) == (date(2021, 1, 3), date(2021, 3, 1))
    assert (made.plain, made.workers) == (True, 3)
    assert made.passwords == (b"infected", "zwölf".encode())
    assert made.trusted == ("192.0.2.0/24",)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--since", "2021-03-02", "--until", "2021-03-01"), "before --since"),
        (("--password-file", "none"), "none can't be read"),
        (("--trusted", "."), "can't be read"),
    ],
)
def test_options_that_do_not_fit_are_said(words, told):
    with pytest.raises(WrongCommandError, match=told):
        settings(*words)


def test_json_for_a_terminal_has_no_raw_characters(capsys, monkeypatch):
    case = read_case(CASE)
    case.collection.name = "\u202e\x9b31m"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    print_json(case)
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out)["collection"]["name"] == "\u202e\x9b31m"
