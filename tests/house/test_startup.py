"""The help is quick because it loads nothing heavy: a list of names, not a stopwatch."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"hyperscan", "duckdb", "pyarrow", "sigma", "jinja2", "numpy", "rich", "yaml", "py7zr"}
PROBE = """
import json, sys
from exopsy.cli.main import main
code = main({words!r})
loaded = sorted({{name.partition(".")[0] for name in sys.modules}})
print("\\n" + json.dumps([code, loaded]))
"""


def run(*words):
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(words=words)], capture_output=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["examine", "--help"], ["wrong"]])
def test_help_loads_no_heavy_library(words):
    code, loaded = run(*words)
    assert code == (64 if words == ["wrong"] else 0)
    assert HEAVY & set(loaded) == set()


def test_the_package_itself_loads_nothing():
    probe = "import sys, exopsy; print([n for n in sys.modules if n.startswith('exopsy.')])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"
