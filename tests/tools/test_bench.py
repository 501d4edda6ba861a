"""The benchmark's pure parts: what ripgrep gets, what the table says and keeps."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def bench():
    pytest.importorskip("psutil")
    spec = importlib.util.spec_from_file_location("bench", ROOT / "tools" / "bench.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench"] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules["bench"]


def lines(bench, part, mark=""):
    return [bench.Figure(part, "wall", "2 GB", 1.5, "s").line(mark)]


def test_a_pattern_at_the_end_of_data_finds_the_end_of_a_line(bench):
    regex = bench.for_ripgrep(r"(?:\x2e)asp(?:[ \r\n\x00]|\z)")
    assert re.search(regex, "GET /a.asp")
    assert re.search(regex, "GET /a.asp 443")
    assert not re.search(regex, "GET /a.aspx")


@pytest.mark.parametrize("regex", [r"[\n\x00\xbf]#", r"[\n\x00\xbf][#a-z]"])
def test_a_header_is_found_at_the_start_of_its_line(bench, regex):
    found = bench.for_ripgrep(regex, is_header=True)
    assert re.search(found, "#Fields: date")
    assert re.search(found, "\xbf#Fields: date")
    assert not re.search(found, "2021-03-03 # x")
    assert r"\n" not in found


def test_the_processors_name_is_taken_from_its_line(bench):
    text = "processor\t: 0\nmodel name\t: Some  CPU: 2\nflags\t: fpu\nmodel name\t: Other\n"
    assert bench.cpu_model(text) == "Some CPU: 2"


def test_a_figure_over_its_limit_says_so(bench):
    over = bench.Figure("memory", "peak", "2 GB", 401, "MB", 400)
    assert over.is_over
    assert over.line("†") == "| memory† | peak | 2 GB | 401 MB **over** | 400 MB |"
    assert not bench.Figure("memory", "peak", "2 GB", 400, "MB", 400).is_over
    assert not bench.Figure("plain", "rows", "2 GB", 400).is_over


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0594, "0.0594 s"), (0.9214, "0.921 s"), (2.5, "2.50 s"), (12345.6, "12,346 s")],
)
def test_quantities_have_the_digits_that_count(bench, value, text):
    assert bench.quantity(value, "s") == text


def test_a_size_is_named_in_its_unit(bench):
    assert [bench.in_bytes(n) for n in (60_000_000, 2_000_000_000)] == ["60 MB", "2 GB"]


def test_a_part_measured_alone_leaves_the_others_where_they_are(bench):
    page = f"before\n{bench.BEGIN}\n{bench.END}\nafter\n"
    both = [*lines(bench, "hits"), *lines(bench, "speed", "†")]
    page = bench.with_table(page, bench.table(both, "Machine: A."))
    kept = bench.kept_lines(page, "Machine: A.", ["speed"])
    assert kept == lines(bench, "hits")
    again = bench.with_table(page, bench.table([*lines(bench, "speed"), *kept], "Machine: A."))
    assert again.startswith(f"before\n{bench.BEGIN}\nMachine: A.\n\n| Part ")
    assert again.endswith(f"{bench.END}\nafter\n")
    assert again.index("| speed |") < again.index("| hits |")
    assert "†" in page
    assert "†" not in again


def test_figures_of_another_machine_are_not_kept(bench):
    text = bench.table(lines(bench, "hits"), "Machine: A.")
    page = bench.with_table(f"{bench.BEGIN}{bench.END}", text)
    assert bench.kept_lines(page, "Machine: B.", ["speed"]) == []


def test_a_page_without_markers_is_refused(bench):
    with pytest.raises(ValueError, match="bench: begin"):
        bench.with_table("# Performance\n", "text")


def test_the_page_has_its_markers(bench):
    page = bench.PAGE.read_text("utf-8")
    assert bench.with_table(page, "x").count("\nx\n") == 1
