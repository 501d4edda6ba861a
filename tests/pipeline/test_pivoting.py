"""The pivot brings the same rows by its sieve and by reading every record."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sieve_law as law

from exopsy.core.limits import Limits
from exopsy.detection.casefold import fold
from exopsy.evidence import registry
from exopsy.pipeline import pivoting
from exopsy.pipeline.aggregates import add_hosts
from exopsy.pipeline.matches import MatchTable, activity_view, read_activities
from exopsy.pipeline.pivot import name_of
from exopsy.pipeline.pivoting import PivotScan
from exopsy.pipeline.progress import SharedProgress, SilentProgress
from exopsy.schema.artifact import ArtifactFacts
from exopsy.schema.pivot import PivotKey
from exopsy.schema.row import Row
from exopsy.sources.collection import open_collection
from exopsy.store.working import WorkingTables

LOGS = ("iis-w3c", "exchange-httpproxy", "exchange-ews", "exchange-ecp-server")


def collection_of(folder: Path, seed: int) -> list[ArtifactFacts]:
    """Write a damaged log of each kind; return what a scan would know of them."""
    folder.mkdir(parents=True)
    facts = []
    for log in LOGS:
        data = law.damaged_log(log, random.Random(f"{log}/{seed}"))
        (folder / f"{log}.log").write_bytes(data)
        facts.append(
            ArtifactFacts(
                path=f"{log}.log", kind=log, host="", size=len(data), sha256=None, state="read"
            )
        )
    return facts


def keys_of(folder: Path, facts: list[ArtifactFacts], rng: random.Random) -> list[PivotKey]:
    """Choose some of the addresses, pages, accounts and ids that stand in the logs."""
    found = set()
    for known in facts:
        parser = registry.load(registry.spec_of(known.kind))
        with (folder / known.path).open("rb") as stream:
            for row in parser.parse(stream, artifact=known.path, host=""):
                made = law.bundle().mapping.make(row, "") if isinstance(row, Row) else None
                if made is not None:
                    found |= {
                        ("address", made.client),
                        ("path", fold(made.stem)),
                        ("account", fold(made.user)),
                        ("request_id", made.request_id),
                    }
    wanted = sorted((kind, value) for kind, value in found if value)
    return [PivotKey(kind=k, value=v) for k, v in rng.sample(wanted, min(9, len(wanted)))]  # type: ignore[arg-type]


def rows(
    folder: Path, facts: list[ArtifactFacts], keys: list[PivotKey], limits: Limits, *, plain: bool
) -> list[dict[str, Any]]:
    made = folder.with_name(f"{folder.name}-{'plain' if plain else 'sieved'}")
    matches = MatchTable(
        made, law.bundle().mapping, round_number=1, sample_bytes=limits.sample_bytes
    )
    scan = PivotScan(
        keys,
        facts,
        mapping=law.bundle().mapping,
        matches=matches,
        limits=limits,
        plain=plain,
    )
    with matches, open_collection(folder) as collection:
        scan.run(collection, SharedProgress(SilentProgress()), 1)
    found = pq.read_table(matches.path).to_pylist() if matches.path.exists() else []
    return sorted(found, key=lambda row: (row["artifact"], row["offset"]))


def hold(tmp_path: Path, seeds: int) -> int:
    found = 0
    for seed in range(seeds):
        folder = tmp_path / str(seed)
        facts = collection_of(folder, seed)
        keys = keys_of(folder, facts, random.Random(seed))
        limits, _ = law.bounds(seed)
        wanted = rows(folder, facts, keys, limits, plain=True)
        assert rows(folder, facts, keys, limits, plain=False) == wanted
        found += len(wanted)
    return found


def test_the_sieve_brings_what_the_plain_path_brings(tmp_path: Path) -> None:
    assert hold(tmp_path, 25) > 100


def test_a_lost_marker_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = pivoting.KeySieve

    def without_markers(log: str, values: list[str]) -> object:
        from exopsy.detection.sieve import keys

        with monkeypatch.context() as patch:
            patch.setattr(keys, "marker_patterns", lambda columns: [])
            return usual(log, values)

    monkeypatch.setattr(pivoting, "KeySieve", without_markers)
    with pytest.raises(AssertionError):
        hold(tmp_path, 25)


@pytest.mark.parametrize("workers", [1, 4])
def test_which_rows_of_a_hub_are_kept_does_not_depend_on_the_threads(
    tmp_path: Path, workers: int
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    facts = []
    for number, count in enumerate((400, 3, 90)):
        name = f"u_ex{number}.log"
        lines = [{"c-ip": "192.0.2.7", "cs-uri-stem": f"/{n}"} for n in range(count)]
        lines += [{"c-ip": "192.0.2.8", "cs-uri-stem": "/"}] * 30
        (folder / name).write_bytes(law.iis(*lines))
        facts.append(
            ArtifactFacts(path=name, kind="iis-w3c", host="A", size=1, sha256=None, state="read")
        )
    matches = MatchTable(tmp_path, law.bundle().mapping, round_number=1, sample_bytes=100)
    scan = PivotScan(
        [PivotKey(kind="address", value=f"192.0.2.{n}") for n in (7, 8)],
        facts,
        mapping=law.bundle().mapping,
        matches=matches,
        limits=Limits(hub_rows=120),
        plain=False,
    )
    with matches, open_collection(folder) as collection:
        hubs = scan.run(collection, SharedProgress(SilentProgress()), workers)
    assert [(hub.key.value, hub.rows) for hub in hubs] == [("192.0.2.7", 493)]
    with WorkingTables(tmp_path) as tables:
        add_hosts(tables, {known.path: "A" for known in facts})
        activity_view(tables, [matches.path], [name_of(hub.key) for hub in hubs])
        kept = [(a.artifact, a.stem) for a in read_activities(tables) if a.client == "192.0.2.7"]
        others = [a for a in read_activities(tables) if a.client == "192.0.2.8"]
    # 120 rows over three artifacts: the first 40 of each, or all there are.
    assert sorted(kept) == sorted(
        (f"u_ex{number}.log", f"/{n}")
        for number, most in ((0, 40), (1, 3), (2, 40))
        for n in range(most)
    )
    assert len(others) == 90
