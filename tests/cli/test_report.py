"""A case that was written before can be shown again."""

from __future__ import annotations

import shutil
from pathlib import Path

from exopsy.cli.main import main
from exopsy.reports.html import render_html
from exopsy.store.case_folder import CASE_FILE, read_case

CASE = Path(__file__).parents[1] / "reports" / "data" / "case.json"


def test_the_html_report_is_written_into_the_case_folder(tmp_path, capsys):
    shutil.copy(CASE, tmp_path / CASE_FILE)
    assert main(["report", str(tmp_path)]) == 0
    report = tmp_path / "report.html"
    assert report.read_text("utf-8") == render_html(read_case(tmp_path))
    assert str(report) in capsys.readouterr().out


def test_the_summary_is_printed_without_colour_to_a_file(tmp_path, capsys):
    assert main(["report", str(CASE), "--format", "text"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("VERDICT: COMPROMISED")
    assert "\x1b" not in out


def test_what_is_no_case_is_66(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 66
    assert "holds no case" in capsys.readouterr().err
    (tmp_path / CASE_FILE).write_text("{}")
    assert main(["report", str(tmp_path)]) == 66
    assert "not a case" in capsys.readouterr().err
