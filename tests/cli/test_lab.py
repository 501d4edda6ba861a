"""The lab's commands make evidence in empty folders only."""

from __future__ import annotations

import json

from exopsy.cli.main import main
from exopsy.lab.scenarios import SCENARIOS


def test_make_says_what_to_do_with_it(tmp_path, capsys):
    words = ["--scenario", "quiet", "--seed", "3", "--days", "1", "--requests-per-day", "100"]
    assert main(["lab", "make", str(tmp_path / "lab"), *words]) == 0
    out = capsys.readouterr().out
    assert f"exopsy examine {tmp_path}/lab/collection --since 2021-02-20" in out
    assert json.loads((tmp_path / "lab" / "truth.json").read_bytes())["seed"] == 3


def test_what_cannot_be_made_is_64(tmp_path, capsys):
    assert main(["lab", "make", str(tmp_path / "lab"), "--scenario", "none"]) == 64
    assert "there are: quiet" in capsys.readouterr().err
    (tmp_path / "thesis.txt").write_text("three years")
    assert main(["lab", "make", str(tmp_path), "--scenario", "quiet"]) == 64
    assert main(["lab", "bulk", str(tmp_path), "--bytes", "10"]) == 64
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_bulk_makes_about_as_much_as_asked(tmp_path):
    assert main(["lab", "bulk", str(tmp_path / "bulk"), "--bytes", "300000"]) == 0
    made = sum(p.stat().st_size for p in (tmp_path / "bulk").rglob("*") if p.is_file())
    assert 300_000 <= made < 3_000_000


def test_every_scenario_is_listed(capsys):
    assert main(["lab", "scenarios"]) == 0
    out = capsys.readouterr().out
    assert all(scenario.name in out for scenario in SCENARIOS)
