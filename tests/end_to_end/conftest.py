"""Labs made once, compiled rules shared by all workers, and the command line called in process."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import exopsy
from exopsy.cli.main import main
from exopsy.lab.make import make_lab
from exopsy.lab.truth import Truth
from exopsy.schema.case import CaseDocument
from exopsy.store.case_folder import read_case

GOLDEN = Path(__file__).parent / "data" / "golden"


class Lab(NamedTuple):
    collection: Path
    truth: Truth


class Told(NamedTuple):
    """What a caller of the command line gets."""

    code: int
    out: str
    err: str
    case: CaseDocument | None
    report: str


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    base = tmp_path_factory.getbasetemp()
    # under xdist each worker has a folder of its own below a shared one
    shared = base.parent if base.name.startswith("popen-") else base
    folder = shared / "compiled"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def lab_of(tmp_path_factory) -> Callable[..., Lab]:
    root = tmp_path_factory.mktemp("labs")
    numbers = itertools.count()

    @functools.cache
    def make(
        scenario: str = "proxylogon",
        *,
        seed: int = 7,
        days: int = 1,
        rate: int = 150,
        host: str = "EX01",
        events: bool = False,
    ) -> Lab:
        folder = root / str(next(numbers))
        truth = make_lab(
            folder,
            scenario=scenario,
            seed=seed,
            days=days,
            requests_per_day=rate,
            host=host,
            events=events,
        )
        return Lab(folder / "collection", truth)

    return make


class Examined(NamedTuple):
    collection: Path
    truth: Truth
    case: CaseDocument
    folder: Path


@pytest.fixture(scope="session")
def case_of(lab_of, examine, tmp_path_factory) -> Callable[..., Examined]:
    """Examine a lab once for all tests that only look at its case."""

    @functools.cache
    def run(scenario: str) -> Examined:
        lab = lab_of(scenario)
        folder = tmp_path_factory.mktemp("case")
        return Examined(*lab, examine(lab.collection, case=folder), folder)

    return run


@pytest.fixture(scope="session")
def examine(tmp_path_factory, cache) -> Callable[..., CaseDocument]:
    """Examine by the library; ``folder`` of the case can be given."""

    def run(collection: Path, **options: object) -> CaseDocument:
        folder = options.pop("case", None) or tmp_path_factory.mktemp("case")
        return exopsy.examine(collection, case=folder, cache=cache / "exopsy", **options)

    return run


@pytest.fixture
def command(tmp_path_factory, cache, monkeypatch, capsys) -> Callable[..., Told]:
    """Call ``exopsy examine``; there is never a traceback, and never a raw control character."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))

    def run(collection: Path, *words: object) -> Told:
        folder = tmp_path_factory.mktemp("case")
        capsys.readouterr()
        code = main(
            ["examine", str(collection), "--case", str(folder), "--quiet", *map(str, words)]
        )
        done = capsys.readouterr()
        for text in (done.out, done.err):
            assert "Traceback" not in text
            assert "a defect of" not in text.lower()
            assert all(char.isprintable() for char in text.replace("\n", "")), text
        case = read_case(folder) if (folder / "case.json").is_file() else None
        if case is not None:
            assert not any("defect of ours" in problem for problem in case.problems)
        report = folder / "report.html"
        page = report.read_text("utf-8") if report.is_file() else ""
        return Told(code, done.out, done.err, case, page)

    return run


@pytest.fixture
def attack() -> tuple[str, bytes]:
    """A control panel log whose attack has to be found whatever lies beside it: name, bytes."""
    path = next(GOLDEN.rglob("ECPServer*.LOG"))
    return path.name, path.read_bytes()
