"""Law: the sieve finds exactly what the plain path finds, whatever was done to the evidence."""

from __future__ import annotations

import random

import pytest
import sieve_law as law
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from exopsy.pipeline.blocks import BLOCK

SEEDS = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("log", law.LOGS)
@settings(max_examples=100, deadline=None)
@given(seed=SEEDS)
def test_real_rules_on_damaged_logs(log: str, seed: int) -> None:
    limits, block_bytes = law.bounds(seed)
    data = law.damaged_log(log, random.Random(seed))
    law.check(data, law.real_sieve(log), limits=limits, block_bytes=block_bytes)


@pytest.mark.parametrize("log", law.LOGS)
@pytest.mark.parametrize("block_bytes", [64, 1_000, BLOCK])
def test_real_rules_on_whole_logs(log: str, block_bytes: int) -> None:
    data = law.whole_log(log)
    assert law.check(data, law.real_sieve(log), block_bytes=block_bytes) > 0


@pytest.mark.parametrize("log", sorted(law.FIELDS))
@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_small_rules_on_rows_of_the_same_words(log: str, seed: int) -> None:
    rng = random.Random(seed)
    among = rng.sample(law.WORDS, rng.choice([3, 4, 6]))
    sieve = law.random_sieve(rng, log, among)
    assume(sieve is not None)
    assert sieve is not None
    data = law.random_log(rng, log, among)
    law.check(data, sieve, block_bytes=rng.choice([64, 257, 4_096, BLOCK]))


@pytest.mark.parametrize("name", sorted(law.EXAMPLES))
def test_examples_that_once_slipped_through(name: str) -> None:
    """Each was found by one of the laws above, or by reasoning on what they did not reach."""
    example = law.EXAMPLES[name]
    found = law.check(
        example.data, example.sieve(), limits=example.limits, block_bytes=example.block_bytes
    )
    assert found == example.matches
