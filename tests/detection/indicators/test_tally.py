from __future__ import annotations

from datetime import UTC, datetime

import sweep_law as law

from exopsy.detection.indicators.sieve import IndicatorSieve
from exopsy.detection.indicators.tally import IndicatorTally, hit_of

DATA = b"x\n" + b"GET www.evil.example\n" * 7


def hits(artifact="a"):
    scanner = IndicatorSieve(law.INDICATORS).scanner()
    return [
        hit_of(f, DATA, law.INDICATORS, artifact=artifact, base=1000, first_line=11)
        for f in scanner.scan(DATA)
    ]


def test_a_hit_names_its_place_and_whose_claim_it_is():
    hit = hits()[0]
    assert (hit.offset, hit.line, hit.matched) == (1000 + 2 + 8, 12, b"www.evil.example")
    assert (hit.source, hit.kind, hit.value) == ("made", "domain", "evil.example")


def test_hits_are_counted_by_indicator_host_and_day():
    tally = IndicatorTally()
    for number, hit in enumerate([*hits("b"), *hits("a")]):
        tally.add(hit, "EX01", datetime(2021, 3, 3 + number // 10, 4, number, tzinfo=UTC))
    tally.add(hits()[0], "EX02", None)
    first, second, third = tally.summaries()
    assert (first.host, first.day, first.count) == ("EX01", "2021-03-03", 10)
    assert (first.first_seen, first.last_seen) == ("2021-03-03T04:00:00Z", "2021-03-03T04:09:00Z")
    assert [h.artifact for h in first.samples] == ["a", "a", "a", "b", "b"]
    assert (second.day, second.count) == ("2021-03-04", 4)
    assert (third.host, third.day, third.first_seen) == ("EX02", "", None)


def test_a_hub_is_marked_on_its_host_only():
    tally = IndicatorTally()
    for host in ("EX01", "EX02"):
        tally.add(hits()[0], host, None)
    tally.cap({hits()[0].indicator}, "EX01")
    assert [s.is_capped for s in tally.summaries()] == [True, False]
