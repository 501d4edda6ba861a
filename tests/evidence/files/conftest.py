"""Files read as the pipeline reads them."""

from __future__ import annotations

import hashlib
from types import ModuleType

import pytest

from exopsy.schema.file import FileFacts
from exopsy.schema.row import Row, Skipped


def read_rows(
    module: ModuleType, data: bytes, path: str = "EX01/C/x"
) -> tuple[list[Row], list[Skipped]]:
    """Return rows and what was skipped."""
    facts = FileFacts(path=path, size=len(data), sha256=hashlib.sha256(data).hexdigest())
    items = list(module.read_file(data, facts))
    return [i for i in items if isinstance(i, Row)], [i for i in items if isinstance(i, Skipped)]


@pytest.fixture
def rows_of():
    return read_rows
