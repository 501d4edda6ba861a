"""Labs made once for all tests, and readers that go by each file's own header."""

from __future__ import annotations

import csv
import functools
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest

from exopsy.lab.make import make_lab
from exopsy.lab.truth import Truth

DAYS, RATE = 2, 2000


class Lab(NamedTuple):
    folder: Path
    truth: Truth

    @property
    def host(self):
        return self.truth.hosts[0]

    def files(self, part: str) -> list[Path]:
        return sorted(
            p
            for p in (self.folder / "collection").rglob("*")
            if p.is_file() and part in p.as_posix()
        )

    def rows(self, part: str) -> Iterator[dict[str, str]]:
        """Rows of every file whose path holds ``part``; rows cut short are left out."""
        for path in self.files(part):
            yield from (r for r in read_rows(path) if None not in r.values())


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    columns: list[str] = []
    is_iis = path.name.startswith("u_ex")
    for line in path.read_bytes().decode("utf-8-sig").split("\r\n"):
        if line.startswith("#Fields: "):
            columns = line.removeprefix("#Fields: ").split(" " if is_iis else ",")
        elif line and not line.startswith(("#", "DateTime,")):
            if is_iis:
                cells = line.split(" ")
                # the EAS back end writes raw spaces into the query
                extra = len(cells) - len(columns)
                if extra > 0:
                    cells[5 : 6 + extra] = [" ".join(cells[5 : 6 + extra])]
            else:
                cells = next(csv.reader([line]))
            yield dict(zip(columns, cells, strict=False)) | dict.fromkeys(columns[len(cells) :])


@pytest.fixture(scope="session")
def lab_of(tmp_path_factory):
    root = tmp_path_factory.mktemp("labs")

    @functools.cache
    def make(
        scenario: str, seed: int = 1, parameters: str = "default", start: date | None = None
    ) -> Lab:
        folder = Path(tempfile.mkdtemp(dir=root))
        truth = make_lab(
            folder,
            scenario=scenario,
            seed=seed,
            days=DAYS,
            requests_per_day=RATE,
            parameters=parameters,
            start=start,
            events=False,  # test_event_side.py looks at these
        )
        return Lab(folder, truth)

    return make
