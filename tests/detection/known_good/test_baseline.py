from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exopsy.core.content import CONTENT
from exopsy.core.errors import ContentError
from exopsy.detection.known_good.baseline import (
    Baseline,
    Content,
    parse_baseline,
    read_baseline,
    render_baseline,
    write_range,
)

SHIPPED = CONTENT / "facts" / "shipped_files.txt"
A, B = "a" * 64, "b" * 64
TEXT = f"""exopsy-baseline 1
# a comment
origin: clean server
covers: aspx
builds: 15.1.2106.2 15.1.2106.13

clientaccess/owa/a page.aspx
 {A} 12 0
 {B} - 0-1
"""


def test_what_is_read_is_what_was_written() -> None:
    baseline = parse_baseline(TEXT, "x")
    assert baseline.files == {
        "clientaccess/owa/a page.aspx": {A: Content(12, (0,)), B: Content(None, (0, 1))}
    }
    assert baseline.builds == ((15, 1, 2106, 2), (15, 1, 2106, 13))
    assert render_baseline(baseline, "a comment") == TEXT


_HASHES = st.integers(0, 1 << 256).map(lambda n: f"{n % (1 << 256):064x}")
_PLACES = st.text("abcü {}.'", min_size=1, max_size=9).map(lambda s: f"clientaccess/{s}x")
_CONTENTS = st.builds(
    Content,
    st.one_of(st.none(), st.integers(0, 1 << 40)),
    st.sets(st.integers(0, 2), min_size=1).map(lambda s: tuple(sorted(s))),
)


@given(st.dictionaries(_PLACES, st.dictionaries(_HASHES, _CONTENTS, min_size=1)))
def test_every_baseline_survives_being_written(files: dict[str, dict[str, Content]]) -> None:
    baseline = Baseline(
        origin="x",
        covers=frozenset(("aspx", "js")),
        builds=((15, 0, 1, 1), (15, 1, 1, 1), (15, 1, 1, 2)),
        files=files,
    )
    text = render_baseline(baseline)
    assert parse_baseline(text, "x") == baseline
    assert parse_baseline(text.replace("\n", "\r\n"), "x") == baseline
    assert render_baseline(parse_baseline(text, "x")) == text


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("exopsy-baseline 1", "exopsy-baseline 2", ""),
        ("covers: aspx", "covers aspx", ":4"),
        ("15.1.2106.13", "15.1.x", ":1"),
        ("15.1.2106.2 15.1.2106.13", "15.1.2106.13 15.1.2106.2", ":1"),
        (f" {A} 12 0", f" {A} 12 2", ":8"),
        (f" {A} 12 0", f" {A} 12 1-0", ":8"),
        (f" {A} 12 0", f" {A} twelve 0", ":8"),
        (f" {A} 12 0", f" {A[1:]} 12 0", ":8"),
        (f" {A} 12 0", f" {A} 12", ":8"),
        ("clientaccess/owa/a page.aspx\n", "", ":7"),
        (f" {A} 12 0", "x" * 5000, ":8"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(old: str, new: str, line: str) -> None:
    assert old in TEXT
    with pytest.raises(ContentError) as error:
        parse_baseline(TEXT.replace(old, new, 1), "x.txt")
    assert error.value.at == f"x.txt{line}"
    assert "exopsy baseline make" in str(error.value)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="can't be read"):
        read_baseline(tmp_path / "missing.txt")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ContentError, match="UTF-8"):
        read_baseline(tmp_path / "binary.txt")
    (tmp_path / "empty.txt").write_bytes(b"")
    with pytest.raises(ContentError, match="first line"):
        read_baseline(tmp_path / "empty.txt")


@given(st.text(max_size=400))
def test_no_text_is_too_odd(text: str) -> None:
    for tried in (
        text,
        f"exopsy-baseline 1\n{text}",
        f"exopsy-baseline 1\nbuilds: 1.2.3\n\n{text}",
    ):
        try:
            parse_baseline(tried, "x")
        except ContentError:
            continue


def test_ranges() -> None:
    assert write_range([5, 1, 2, 3]) == "1-3,5"
    assert write_range([]) == "-"


def test_the_shipped_list_is_in_its_own_form_and_holds_what_it_says() -> None:
    text = SHIPPED.read_text("utf-8")
    baseline = read_baseline(SHIPPED)
    comment = "\n".join(line[2:] for line in text.splitlines() if line.startswith("# "))
    assert render_baseline(baseline, comment) == text
    assert "MIT" in comment
    assert len(baseline.files) == 1267
    assert sum(map(len, baseline.files.values())) == 3425
    assert baseline.builds[0] == (15, 0, 516, 32)
    assert baseline.builds[-1] == (15, 2, 858, 5)
    assert {place.split("/")[0] for place in baseline.files} == {"clientaccess", "frontend"}
    assert {place.rpartition(".")[2] for place in baseline.files} == baseline.covers
