"""Both ways of reading an artifact tell the same of it."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sieve_law as law

from exopsy.core.limits import Limits
from exopsy.pipeline.column_table import ColumnTable
from exopsy.pipeline.matches import MatchTable
from exopsy.pipeline.progress import SharedProgress, SilentProgress
from exopsy.pipeline.scan import Work, scan_member
from exopsy.schema.artifact import ArtifactFacts
from exopsy.schema.format import FormatSpec
from exopsy.sources.member import Member


class Torn(io.BytesIO):
    """A stream that fails where its data ends."""

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        if not count:
            raise OSError("bad sector")
        return count


LIMITS = Limits()


def scan(
    folder: Path,
    data: bytes,
    *,
    plain: bool,
    name: str,
    stream: type[io.BytesIO] = io.BytesIO,
    limits: Limits = LIMITS,
) -> tuple[ArtifactFacts, list[dict[str, Any]], list[dict[str, Any]]]:
    """Read one artifact; return its facts, the matched rows, and the rows for aggregates."""
    made = folder / ("plain" if plain else "sieved")
    matches = MatchTable(
        made, law.bundle().mapping, round_number=0, sample_bytes=limits.sample_bytes
    )
    table = ColumnTable(made, law.registry.spec_of("exchange-ews"), ["SoapAction"])

    def sieves(spec: FormatSpec) -> law.LogSieve:
        return law.real_sieve(spec.name)

    work = Work(
        sieves=sieves,
        matches=matches,
        tables={"exchange-ews": table},
        limits=limits,
        plain=plain,
        build_marks=law.bundle().build_marks,
    )
    member = Member(name, len(data), None, lambda: stream(data))  # type: ignore[arg-type,return-value]
    with matches, table:
        facts = scan_member(member, work, SharedProgress(SilentProgress()))
    rows, columns = (
        pq.read_table(t.path).to_pylist() if t.path.exists() else [] for t in (matches, table)
    )
    return facts, rows, columns


@pytest.mark.parametrize(
    "log", ["iis-w3c", "exchange-ews", "exchange-ecp-server", "exchange-audit"]
)
def test_facts_and_rows_are_the_same(tmp_path: Path, log: str) -> None:
    for seed in range(12):
        data = law.damaged_log(log, random.Random(seed))
        folder = tmp_path / str(seed)
        limits, _ = law.bounds(seed)
        assert scan(folder, data, plain=False, name="a.log", limits=limits) == scan(
            folder, data, plain=True, name="a.log", limits=limits
        )


def test_a_whole_log_brings_rows(tmp_path: Path) -> None:
    data = law.whole_log("exchange-ews")
    facts, rows, columns = scan(tmp_path, data, plain=False, name="Ews_1.LOG")
    assert (facts.kind, facts.state, facts.size) == ("exchange-ews", "read", len(data))
    assert facts.classes.total() == len(data)
    assert rows
    assert len(columns) > len(rows)
    assert (facts, rows, columns) == scan(tmp_path, data, plain=True, name="Ews_1.LOG")


@pytest.mark.parametrize("plain", [False, True])
def test_a_stream_that_fails_is_partly_read(tmp_path: Path, plain: bool) -> None:
    data = law.whole_log("exchange-ews")
    facts, rows, _ = scan(tmp_path, data, plain=plain, name="Ews_1.LOG", stream=Torn)
    assert (facts.state, facts.sha256, facts.size) == ("partial", None, len(data))
    assert "bad sector" in facts.why
    assert rows


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("data", [b"", b"nothing of interest\n", b"\0" * 5_000])
def test_what_is_no_evidence(tmp_path: Path, data: bytes, plain: bool) -> None:
    facts, rows, _ = scan(tmp_path, data, plain=plain, name="notes.txt")
    assert (facts.kind, facts.state, facts.size) == ("", "not-evidence", len(data))
    assert facts.sha256 is not None
    assert rows == []


@pytest.mark.parametrize("build", ["\u00b2", "9" * 5_000, "-1", "x"])
def test_a_hostile_build_is_no_build(tmp_path: Path, build: str) -> None:
    row = {
        "MajorVersion": "15",
        "MinorVersion": "1",
        "BuildVersion": build,
        "RevisionVersion": "2",
    }
    data = law.exchange("exchange-ews", row)
    facts, _, _ = scan(tmp_path, data, plain=False, name="Ews_1.LOG")
    assert facts.state == "read"
    assert build not in str(facts.builds)


def test_a_build_is_learnt(tmp_path: Path) -> None:
    row = {"MajorVersion": "15", "MinorVersion": "01", "BuildVersion": "2106"}
    data = law.exchange("exchange-ews", {**row, "RevisionVersion": "002"})
    facts, _, _ = scan(tmp_path, data, plain=False, name="Ews_1.LOG")
    assert facts.builds == {"2021-03-03": "15.1.2106.2"}
