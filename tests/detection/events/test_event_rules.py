from __future__ import annotations

from collections import Counter
from pathlib import Path

import law_of_events as law
import pytest

from exopsy.detection.events.event_rules import EventRules
from exopsy.detection.events.gate import Gate
from exopsy.detection.events.innocent import read_innocent

SECURITY = (
    '{"Event":{"System":{"Provider":{"#attributes":{"Name":"P"}},"EventID":%s,"Level":4,'
    '"Channel":"Security","Computer":"EX01"},"EventData":{%s}}}'
)


@pytest.mark.parametrize("seed", range(12))
def test_the_sieve_finds_what_the_plain_way_finds(seed: int) -> None:
    assert law.check(law.make(), law.material(seed)) > 30


def test_every_rule_of_the_law_is_hit_and_is_missed() -> None:
    ready = law.make()
    hits: Counter[str] = Counter()
    count = 0
    for seed in range(12):
        texts = law.material(seed)
        count += len(texts)
        hits.update(h.rule.at for h in ready.scan_plain(law.batch_of(texts), law.FLATTEN).hits)
    assert all(2 < hits[rule.at] < count for rule in ready.rules), hits


def test_the_law_holds_whatever_literals_are_chosen_and_with_kept_plans(tmp_path: Path) -> None:
    innocent = read_innocent()
    for _ in range(2):
        ready = law.make(innocent=innocent, cache=tmp_path, identity="x")
        for seed in range(20, 24):
            assert law.check(ready, law.material(seed))
    assert list(tmp_path.glob("events-*.json"))
    assert list(tmp_path.glob("sieve-*.hsdb"))


def test_what_no_rule_can_match_is_not_decoded() -> None:
    ready = EventRules([r for r in law.rules() if r.at in ("0.yml", "11.yml")], {})
    texts = [SECURITY % (4624, '"LogonType":3'), SECURITY % (1, '"LogonType":9')]
    assert ready.scan(law.batch_of(texts), law.FLATTEN).decoded == 0
    texts = [SECURITY % (4624, '"LogonType":9')]
    found = ready.scan(law.batch_of(texts), law.FLATTEN)
    assert (found.decoded, [h.rule.at for h in found.hits]) == (1, ["11.yml"])


def test_a_damaged_record_is_skipped_with_its_reason() -> None:
    broken = (SECURITY % (4720, '"a":1'))[:-1]
    found = law.make().scan(law.batch_of([broken]), law.FLATTEN)
    assert [s.reason for s in found.skipped] == ["json"]
    assert found.hits == []


def test_rules_without_a_literal_are_named() -> None:
    ready = law.make()
    ids = {rule.info.id: rule.at for rule in ready.rules}
    named = [ids[i] for i in ready.unsievable([Gate("Security", "4625"), Gate("Security", "4720")])]
    assert set(named) == {"12.yml", "13.yml", "14.yml", "17.yml"}


def test_channels_and_numbers_that_evidence_makes_up_cost_one_group() -> None:
    ready = EventRules([r for r in law.rules() if r.at == "13.yml"], {})
    groups = {id(ready.group(Gate(f"Made up {n}", str(10_000 + n)))) for n in range(50)}
    assert len(groups) == 1
    assert ready.group(Gate("SECURITY", "4720")).rules == (0,)


def test_rules_of_other_logs_are_passed_over() -> None:
    import msgspec

    other = msgspec.structs.replace(law.rules()[0], log="iis-w3c")
    assert EventRules([other], {}).rules == ()
