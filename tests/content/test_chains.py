"""The shipped chains: every step that names a log has a rule that reads it, and the other way round."""

from __future__ import annotations

from collections import defaultdict

import msgspec
import pytest

from exopsy.core.content import CONTENT, read_csv, read_yaml
from exopsy.detection.load import load_rules
from exopsy.evidence import registry
from exopsy.schema.chain import ChainSpec

PATHS = sorted((CONTENT / "chains").glob("*.yml"))


def _read(path) -> ChainSpec:
    return msgspec.convert(read_yaml(path), ChainSpec, strict=False)


@pytest.fixture(scope="module")
def reading() -> dict[tuple[str, str], set[str]]:
    rules = load_rules([CONTENT], formats=registry.RULE_FORMATS).rules
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for rule in (*rules.rules, *rules.aggregates):
        if rule.info.chain:
            found[rule.info.chain, rule.info.step or ""] |= set(rule.info.logs)
    return found


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_a_step_names_the_logs_that_its_rules_read(path, reading) -> None:
    spec = _read(path)
    assert spec.chain == path.stem
    for step in spec.steps:
        assert set(step.logs) == reading.get((spec.chain, step.step), set()), step.step


def test_every_rule_names_a_step_that_its_chain_has(reading) -> None:
    steps = {(s.chain, step.step) for s in map(_read, PATHS) for step in s.steps}
    assert set(reading) <= steps


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_a_chain_says_where_success_shows_or_why_not(path) -> None:
    spec = _read(path)
    assert bool(spec.success_logs) != bool(spec.not_visible_because)
    for log in {log for group in spec.success_logs for log in group}:
        assert any(log in s.logs and s.proves for s in spec.steps), log


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_a_chain_that_opens_a_window_has_an_entry(path) -> None:
    spec = _read(path)
    assert set(spec.entry_cves) <= set(spec.cves)
    if spec.first_known_use is not None:
        assert spec.entry_cves


def test_entry_cves_are_in_the_table_of_facts() -> None:
    known = {row["cve"] for row in read_csv(CONTENT / "facts" / "exchange_cves.csv")}
    for spec in map(_read, PATHS):
        if spec.first_known_use is not None:
            assert set(spec.entry_cves) <= known, spec.chain
