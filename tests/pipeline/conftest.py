from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import exopsy
from exopsy.schema.case import CaseDocument

# --import-mode=importlib leaves the tests' folder out of sys.path
if "sieve_law" not in sys.modules:
    _spec = importlib.util.spec_from_file_location(
        "sieve_law", Path(__file__).parents[1] / "pipeline" / "law.py"
    )
    assert _spec is not None
    assert _spec.loader is not None
    _module = importlib.util.module_from_spec(_spec)
    sys.modules["sieve_law"] = _module
    _spec.loader.exec_module(_module)


@pytest.fixture
def examine_here(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., CaseDocument]:
    """Examine a collection into a folder of its own."""

    def run(collection: Path, **options: object) -> CaseDocument:
        return exopsy.examine(collection, case=tmp_path_factory.mktemp("case"), **options)  # type: ignore[arg-type]

    return run
