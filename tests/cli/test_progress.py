"""Progress says how far a run is, and shows names from the evidence harmlessly."""

from __future__ import annotations

import io

import pytest

from exopsy.cli.progress import BarProgress, LineProgress, duration, progress_on, size
from exopsy.cli.terminal import has_colour
from exopsy.pipeline.progress import SilentProgress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("NO_COLOR", raising=False)


def run(progress):
    progress.start(4 << 20)
    progress.stage("reading the logs")
    progress.artifact("HttpProxy/\x1b[2J\u202eecp[bold].LOG")
    progress.advance(1 << 20)
    progress.findings(3)
    progress.advance(1 << 20)
    progress.finish()
    progress.finish()


def test_the_stream_decides_how_progress_is_shown(monkeypatch):
    assert isinstance(progress_on(Terminal(), quiet=True), SilentProgress)
    assert isinstance(progress_on(Terminal(), quiet=False), BarProgress)
    assert isinstance(progress_on(io.StringIO(), quiet=False), LineProgress)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(progress_on(Terminal(), quiet=False), LineProgress)


def test_plain_lines_say_stage_bytes_rate_and_findings():
    stream = io.StringIO()
    run(LineProgress(stream, pause_s=0))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "exopsy: reading the logs"
    assert lines[1].startswith("exopsy: 1.0 MiB of 4.0 MiB read, ")
    assert "left, 1 artifacts, 0 findings so far" in lines[1]
    assert lines[-1].startswith("exopsy: done: 2.0 MiB of 4.0 MiB read, ")
    assert lines[-1].endswith("3 findings so far")
    assert len(lines) == 4


def test_plain_lines_are_few():
    stream = io.StringIO()
    progress = LineProgress(stream)
    progress.start(None)
    for _ in range(1000):
        progress.advance(10)
    assert stream.getvalue() == ""


def test_the_bar_escapes_names_and_leaves_nothing_behind():
    stream = Terminal()
    run(BarProgress(stream))
    text = stream.getvalue()
    assert "reading the logs" in text
    assert "\x1b[2J" not in text.replace("\\x1b[2J", "")
    assert "\u202e" not in text
    assert "[bold]" in text  # no markup is read from a name


def test_no_color_is_respected(monkeypatch):
    assert has_colour(Terminal())
    assert not has_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not has_colour(Terminal())


def test_figures_are_written_for_people():
    assert [size(n) for n in (812, 1536, 5 << 30)] == ["812 B", "1.5 KiB", "5.0 GiB"]
    assert [duration(s) for s in (40, 720, 11_100)] == ["40 s", "12 min", "3 h 05 min"]
