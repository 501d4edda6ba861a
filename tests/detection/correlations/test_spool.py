from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.core.limits import Limits
from exopsy.detection.correlations.correlator import correlate
from exopsy.detection.correlations.hit import Hit, shortened
from exopsy.detection.correlations.linking import link_correlations
from exopsy.detection.correlations.needs import field_needs
from exopsy.detection.correlations.reading import read_correlation
from exopsy.detection.correlations.spool import HitSpool, merge_spools
from exopsy.schema.row import Origin

START = datetime(2021, 3, 3, tzinfo=UTC)
NEEDS = {"a": frozenset({"User", "Data"}), "b": frozenset({"User"})}


def hit(rule: str, second: float | None, line: int, **fields: Any) -> Hit:
    return Hit(
        rule=rule,
        timestamp=None if second is None else START + timedelta(seconds=second),
        fields={k: v for k, v in fields.items() if isinstance(v, str)},
        many={k: v for k, v in fields.items() if isinstance(v, tuple)},
        origin=Origin(artifact="a", offset=line, line=line),
    )


def spooled(folder: Path, workers: list[list[Hit]], run: int = 3) -> list[Path]:
    paths = []
    for number, found in enumerate(workers):
        with HitSpool(folder, str(number), NEEDS, Limits(correlation_run_hits=run)) as spool:
            for one in found:
                spool.add(one)
        paths += spool.paths
    return paths


_hits = st.lists(
    st.builds(
        hit,
        st.sampled_from(("a", "b")),
        st.one_of(st.none(), st.integers(0, 5), st.floats(0, 5)),
        st.integers(0, 3),
        User=st.text(max_size=3),
    ),
    max_size=30,
    unique_by=lambda one: one.order(),
)


@given(_hits, st.lists(st.integers(0, 3), min_size=30, max_size=30), st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_does_not_show_who_found_what(
    found: list[Hit], worker: list[int], random: Any
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shares: list[list[Hit]] = [[], [], [], []]
        expected = sorted(found, key=Hit.order)
        random.shuffle(found)
        for one, share in zip(found, worker, strict=False):
            shares[share].append(one)
        paths = spooled(folder, shares)
        random.shuffle(paths)
        merged = list(merge_spools(paths, folder))
        assert [one.order() for one in merged] == [one.order() for one in expected]
        kept = [one.fields["User"] for one in merged]
        assert kept == [shortened(one.fields["User"]) for one in expected]


def test_more_files_than_may_be_open(tmp_path: Path) -> None:
    found = [hit("a", n % 97, n, User="u") for n in range(500)]
    paths = spooled(tmp_path, [found[:250], found[250:]], run=2)
    assert len(paths) == 250
    merged = list(merge_spools(paths, tmp_path))
    assert [one.order() for one in merged] == sorted(one.order() for one in found)
    # what was made on the way is gone
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_only_what_is_needed_is_kept(tmp_path: Path) -> None:
    found = [
        hit("a", 1, 1, User="u", Other="o", Data=tuple(str(n) for n in range(40))),
        hit("b", 2, 2, User="u", Data=("x", "y")),
        hit("c", 3, 3, User="u"),
    ]
    first, second = merge_spools(spooled(tmp_path, [found]), tmp_path)
    assert first.fields == {"User": "u"}
    assert first.many == {"Data": tuple(str(n) for n in range(17))}
    assert second.many == {}
    with HitSpool(tmp_path, "x", NEEDS, Limits()) as spool:
        assert [spool.wants(rule) for rule in "abc"] == [True, True, False]


def test_hostile_values_survive_the_file(tmp_path: Path) -> None:
    long, longer = "x" * 5000, "x" * 5001
    values = ["\ud800", "a\nb", "\0", long, longer]
    found = [hit("a", n, n, User=value) for n, value in enumerate(values)]
    merged = list(merge_spools(spooled(tmp_path, [found]), tmp_path))
    kept = [one.fields["User"] for one in merged]
    assert kept[:3] == ["\\ud800", "a\nb", "\0"]
    assert kept[3] != kept[4]
    assert all(len(value) < 600 for value in kept)
    assert [shortened(value) for value in kept] == kept


def test_a_correlation_finds_the_same_through_files(tmp_path: Path) -> None:
    documents: list[dict[str, Any]] = [
        {"type": "value_count", "rules": ["a"], "condition": {"field": "Data", "gte": 3}},
        {"type": "temporal_ordered", "rules": ["c0", "b"], "group-by": ["User"]},
    ]
    read = [
        read_correlation(
            {"title": "t", "name": f"c{n}", "correlation": {"timespan": "60s", **block}}, "x"
        )
        for n, block in enumerate(documents)
    ]
    correlations = link_correlations(read, [("a", None), ("b", None)]).correlations
    needs = field_needs(correlations)
    # the second groups by a field that the first has to hand on
    assert needs == {**NEEDS, "c0": frozenset({"User"})}
    found = [hit("a", n, n, User=f"u{n}", Data=(f"d{n}", "d")) for n in range(5)]
    found.append(hit("b", 9, 9, User="u2"))
    direct = correlate(correlations, sorted(found, key=Hit.order))
    paths = spooled(tmp_path, [found[::2], found[1::2]])
    assert correlate(correlations, merge_spools(paths, tmp_path)) == direct
    assert [m.group for m in direct.matches if m.rule_id == "c1"] == [{"User": "u2"}]
