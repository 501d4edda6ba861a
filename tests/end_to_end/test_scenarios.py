"""Every scenario of the lab, examined: the case equals the truth that was written beside it."""

from __future__ import annotations

import importlib.util
import sys
from datetime import date
from pathlib import Path

import pytest

from exopsy.lab.scenarios import SCENARIOS

TOOL = Path(__file__).parents[2] / "tools" / "quality.py"
# Seeds are fixed, and not those that rules were written on (1 to 3).
SEEDS = {scenario.name: 41 + number for number, scenario in enumerate(SCENARIOS)}


@pytest.fixture(scope="module")
def quality():
    spec = importlib.util.spec_from_file_location("exopsy_quality", TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("events", [False, True], ids=["text", "events"])
@pytest.mark.parametrize("scenario", sorted(SEEDS))
def test_a_case_equals_the_truth(scenario, events, lab_of, examine, quality):
    lab = lab_of(scenario, seed=SEEDS[scenario], days=3, rate=300 if events else 600, events=events)
    asked = examine(lab.collection, since=date.fromisoformat(lab.truth.since))
    # where something was found, leaving out --since can't change what is said of it
    open_ended = asked if found(lab.truth) else examine(lab.collection)
    assert list(quality.compare(lab.truth, asked, open_ended)) == []


def test_a_difference_of_the_event_half_would_be_seen(lab_of, examine, quality):
    """Of a case that has only the text logs, and of a truth that asks for more."""
    lab = lab_of("proxylogon", seed=43, days=3, rate=300, events=True)
    text = examine(lab_of("proxylogon", seed=43, days=3, rate=300).collection)
    kinds = {d.partition(":")[0] for d in quality.compare(lab.truth, text, text)}
    assert {"observable missing", "process tree missing"} <= kinds
    told = lab.truth.hosts[0].event_logs
    assert told.trees
    assert {"shell-command", "page-written"} <= set(told.observables)


def found(truth):
    return all(h.conclusion == h.conclusion_without_since == "compromised" for h in truth.hosts)


def test_a_difference_would_be_seen(lab_of, examine, quality):
    """The comparison compares: another lab's truth does not fit."""
    lab, other = lab_of("proxylogon"), lab_of("proxyshell")
    case = examine(lab.collection)
    kinds = {d.partition(":")[0] for d in quality.compare(other.truth, case, case)}
    assert {"chain missing", "chain too much", "backdoor missing", "operator missing"} <= kinds
