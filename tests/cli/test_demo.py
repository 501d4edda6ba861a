"""The demo shows the whole way, says what it did, and can be repeated."""

from __future__ import annotations

from exopsy.cli.main import main


def test_the_demo_ends_well_and_says_what_examine_would_have_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("exopsy.cli.demo.DAYS", 2)
    monkeypatch.setattr("exopsy.cli.demo.REQUESTS_PER_DAY", 100)
    for _ in range(2):
        assert main(["demo", "--out", "demo"]) == 0
        out = capsys.readouterr().out
        assert "VERDICT: COMPROMISED" in out
        assert "demo/case/report.html" in out
        assert "would end with exit code 40; the demo ends with 0" in out
    assert (tmp_path / "demo" / "case" / "report.html").is_file()


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path, capsys):
    (tmp_path / "collection").mkdir()
    assert main(["demo", "--out", str(tmp_path)]) == 64
    assert "not a demo" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["collection"]
