"""The shipped rules for event logs: both ways of reading agree, and innocent events stay innocent."""

from __future__ import annotations

import functools
import random

import msgspec
import pytest

from exopsy.core.content import CONTENT, read_yaml
from exopsy.detection.events.event_rules import EventRules
from exopsy.detection.events.innocent import SAMPLE, read_innocent
from exopsy.detection.load import load_rules
from exopsy.evidence import registry
from exopsy.evidence.events.flatten import flatten
from exopsy.pipeline import rule_tests
from exopsy.schema.event import EVENT_LOG, EventBatch

DECODE = functools.partial(flatten, artifact="a.evtx", host="EX01")


@pytest.fixture(scope="module")
def own() -> EventRules:
    loaded = load_rules([CONTENT], formats=registry.RULE_FORMATS)
    assert loaded.errors == ()
    return EventRules(loaded.rules.rules, loaded.rules.lists, innocent=read_innocent())


def batch_of(texts: list[str]) -> EventBatch:
    numbers = list(range(len(texts)))
    return EventBatch(texts=texts, numbers=numbers, offsets=numbers)


def hits(rules: EventRules, batch: EventBatch, *, plain: bool) -> list[tuple[int, str, str]]:
    found = (rules.scan_plain if plain else rules.scan)(batch, DECODE)
    return [(hit.index, hit.rule.at, str(hit.grade)) for hit in found.hits]


@pytest.fixture(scope="module")
def rows_of_tests(own: EventRules) -> list[str]:
    texts = []
    for rule in own.rules:
        path = (CONTENT / rule.at).with_suffix(".test.yml")
        for case in msgspec.convert(read_yaml(path), list[rule_tests.TestCase]):
            texts += rule_tests.event_batch(case).texts
    return texts


def test_there_are_rules_for_event_logs(own: EventRules) -> None:
    assert len(own.rules) > 60
    assert all(rule.log == EVENT_LOG for rule in own.rules)


def test_the_sample_of_innocent_events_brings_nothing_to_look_at(own: EventRules) -> None:
    texts = SAMPLE.read_text("utf-8").splitlines()
    found = own.scan(batch_of(texts), DECODE)
    assert found.records > 500
    # the sample draws its values by chance: kind 10 from the machine itself is no ordinary logon
    drawn = "detections/lateral_movement/security_remote_desktop_through_tunnel.yml"
    levels = {(hit.rule.at, hit.rule.info.level) for hit in found.hits if hit.rule.at != drawn}
    assert {level for _, level in levels} <= {"informational", "low"}, levels
    assert found.decoded < found.records * 0.1


def test_all_rules_together_agree_on_the_rows_of_all_tests(
    own: EventRules, rows_of_tests: list[str]
) -> None:
    batch = batch_of(rows_of_tests)
    plain = hits(own, batch, plain=True)
    assert hits(own, batch, plain=False) == plain
    assert len({at for _, at, _ in plain}) == len(own.rules)


@pytest.mark.parametrize("seed", range(4))
def test_they_agree_on_damaged_and_respelled_rows(
    own: EventRules, rows_of_tests: list[str], seed: int
) -> None:
    rng = random.Random(seed)
    texts = [respelled(text, rng) for text in rows_of_tests]
    batch = batch_of(texts)
    plain = hits(own, batch, plain=True)
    assert hits(own, batch, plain=False) == plain
    assert plain


def respelled(text: str, rng: random.Random) -> str:
    """Change case, escape a letter, cut, or put in a blank."""
    at = rng.randrange(len(text))
    match rng.randrange(5):
        case 0:
            head, _, tail = text.partition('"EventData"')
            return f'{head}"EventData"{tail.swapcase()}' if tail else text
        case 1 if text[at].isalpha():
            return f"{text[:at]}\\u{ord(text[at]):04X}{text[at + 1 :]}"
        case 2:
            return text[:at]
        case 3:
            return f"{text[:at]} {text[at:]}"
    return text
