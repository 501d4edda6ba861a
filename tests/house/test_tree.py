"""The tree: tests mirror the package, and no file speaks of the place where it was written."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "exopsy"
ROOMS = sorted(p.name for p in PACKAGE.iterdir() if (p / "__init__.py").is_file())
# Written in two parts, so that this file does not find itself.
PLACES = re.compile(
    "|".join(
        (
            r"(?<![\w.%-])/wor" + r"k/",
            r"(?<![\w.%-])/far" + r"m/",
            r"(?<![\w.%-])/roo" + r"t/",
            "/hom" + r"e/[a-z]",
            "extra-index" + "-url",
            "index" + "-url",
            r"localhost:\d{4,5}/(simple|pypi)",
        )
    )
)


def tracked():
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout: what belongs to the project can't be told")
    return [ROOT / name for name in done.stdout.decode().split("\0") if name]


def modules_of(room):
    files = (p for p in (PACKAGE / room).rglob("*.py") if p.name != "__init__.py")
    folders = (p for p in (PACKAGE / room).rglob("*") if (p / "__init__.py").is_file())
    return {path.stem for path in (*files, *folders)}


@pytest.mark.parametrize("room", ROOMS)
def test_every_test_file_mirrors_a_module(room):
    modules = modules_of(room)
    for path in sorted((ROOT / "tests" / room).rglob("test_*.py")):
        about = path.stem.removeprefix("test_")
        # test_matcher.py, and test_matcher_speed.py where one module needs two files
        assert any(about == m or about.startswith(f"{m}_") for m in modules), path


def test_no_file_speaks_of_the_place_where_it_was_written():
    found = []
    for path in tracked():
        if not path.is_file():  # taken away, but not yet committed
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line[:120]}"
            for number, line in enumerate(text.splitlines(), start=1)
            if PLACES.search(line)
        ]
    assert found == []


def test_the_pattern_finds_what_it_looks_for():
    for place in ("see /wor" + "k/x", "path=/roo" + "t/.cache", "pip --index" + "-url x"):
        assert PLACES.search(place)
    assert not PLACES.search("https://example.com/wor" + "k/x")


def test_every_python_file_has_a_door_plate():
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text("utf-8")
        assert not text.strip() or text.lstrip().startswith(('"""', 'r"""')), path
