"""Rules of SigmaHQ over real event logs: what must fire fires, and both ways agree."""

from __future__ import annotations

import functools
import importlib.util
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from exopsy.detection.events.event_rules import EventRules
from exopsy.detection.events.innocent import read_innocent
from exopsy.detection.load import LoadedRules, load_rules
from exopsy.evidence.events.flatten import flatten
from exopsy.evidence.registry import FORMATS
from exopsy.schema.event import EventBatch

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT.parent / "shared" / "samples"
SIGMA = SAMPLES / "sigma"

pytestmark = pytest.mark.skipif(
    not SIGMA.is_dir(), reason="the folder of real samples, ../shared/samples, is not here"
)


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("control", ROOT / "tools" / "sigma_control.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedRules:
    folders = sorted(path for path in SIGMA.glob("rules*") if path.is_dir())
    return load_rules(folders, formats=FORMATS, cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def ready(loaded: LoadedRules) -> EventRules:
    return EventRules(loaded.rules.rules, loaded.rules.lists, innocent=read_innocent())


def test_no_rule_is_dropped_in_silence(loaded: LoadedRules) -> None:
    files = [path for folder in SIGMA.glob("rules*") for path in folder.rglob("*.yml")]
    told = len(loaded.errors) + len(loaded.unmapped) + sum(loaded.not_selected.values())
    assert len(loaded.rules.rules) + told + len(loaded.no_rules) == len(files)
    assert loaded.errors == ()
    assert all(found.why for found in loaded.unmapped)


def test_nearly_every_rule_for_windows_runs(loaded: LoadedRules) -> None:
    lost = [u for u in loaded.unmapped if "/windows/" in f"/{u.at}"]
    assert len(lost) < 25
    assert len(loaded.rules.rules) > 2_800


def test_every_case_fires_both_ways(tool: ModuleType, ready: EventRules) -> None:
    known = {rule.info.id for rule in ready.rules}
    held: Counter[bool] = Counter()
    for case in tool.find_cases(SIGMA / "regression"):
        quick = tool.fired(ready, case.log)
        assert quick == tool.fired(ready, case.log, plainly=True), case.log
        if case.expected <= known:
            assert case.expected <= quick.keys(), case.log
            held[True] += 1
    assert held[True] >= 96


def test_both_ways_agree_on_real_logs(tool: ModuleType, ready: EventRules) -> None:
    hits = 0
    for path in sorted((SAMPLES / "evtx-attack").rglob("*.evtx")) + sorted(
        (SAMPLES / "evtx").glob("*.evtx")
    ):
        try:
            whole = tool.read_batch(path)
        except (RuntimeError, OSError):
            continue
        texts = whole.texts[:40]
        batch = EventBatch(
            texts=texts, numbers=whole.numbers[: len(texts)], offsets=whole.offsets[: len(texts)]
        )
        bound = functools.partial(flatten, artifact=path.name, host="host")
        quick, plain = ready.scan(batch, bound), ready.scan_plain(batch, bound)
        assert [(h.index, h.rule.at) for h in quick.hits] == [
            (h.index, h.rule.at) for h in plain.hits
        ]
        hits += len(plain.hits)
    assert hits > 200
