"""README, CONTRIBUTING and CHANGELOG say what is true."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from exopsy import __version__
from exopsy.cli.arguments import build_parser
from exopsy.core.exit_code import ExitCode

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PAPERS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")


def commands(parser=None, name=""):
    """Yield every command that can be run, and its parser."""
    parser = parser or build_parser()
    inner = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not inner:
        yield name, parser
    for action in inner:
        for word, sub in action.choices.items():
            yield from commands(sub, f"{name} {word}".strip())


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_every_command_is_in_the_readme(name):
    assert f"`exopsy {name}" in README


def test_every_option_explains_itself():
    for name, parser in commands():
        assert parser.description, name
        for action in parser._actions:
            assert action.help, f"{name} {action.option_strings}"


def test_every_command_leads_to_a_function_that_exists():
    for name, parser in commands():
        module, function = parser.get_default("run").split(":")
        source = ROOT / "src" / Path(*module.split(".")).with_suffix(".py")
        assert f"def {function}(" in source.read_text("utf-8"), name


def test_the_readmes_exit_codes_are_the_real_ones():
    rows = re.findall(r"^\| (\d+) \| ([a-z-]+) \|", README, re.MULTILINE)
    assert rows == [(str(int(c)), c.name.lower().replace("_", "-")) for c in ExitCode]


def test_the_help_tells_the_exit_codes_too():
    told = build_parser().format_help()
    for code in ExitCode:
        assert re.search(rf"\b{int(code)}\b", told), code


@pytest.mark.parametrize("paper", PAPERS)
def test_every_make_target_and_file_that_is_named_exists(paper):
    text = (ROOT / paper).read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"(?:`|^)make ([a-z]+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / link).exists(), link


def test_the_demo_lies_where_the_readme_says():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "exopsy demo --out demo" in makefile
    assert "`demo/case/report.html`" in README


def test_the_version_is_one():
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert f'version = "{__version__}"' in project
