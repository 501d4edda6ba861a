"""The fast sweep: equal to the plain one on damaged lines, capped at hubs, whatever the blocks."""

from __future__ import annotations

import random

import pytest
import sweep_law as law
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.detection.indicators import sieve as sieve_module
from exopsy.detection.indicators.sieve import IndicatorSieve

PIECES = st.one_of(
    st.sampled_from(law.GLUE),
    st.sampled_from(law.NEAR),
    st.sampled_from(law.FORMS),
    st.sampled_from([b"%25", b"%u002e", b"\\u002e", b"\\", b"\n", b"\r\n", b"\n{", b"%%", b"%2e"]),
    st.binary(max_size=3),
)


@pytest.mark.parametrize("start", range(0, 400, 50))
def test_fast_equals_plain_on_damaged_and_reencoded_lines(start):
    sieve = IndicatorSieve(law.INDICATORS)
    found = sum(law.check(law.damaged_log(seed), sieve=sieve) for seed in range(start, start + 50))
    assert found > 200


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=30))
def test_fast_equals_plain_on_anything(pieces):
    law.check(b"".join(pieces))


def test_each_value_is_found_in_its_own_plain_form():
    data = b"".join(b'"%s"\n' % form for form in law.FORMS)
    found = {f.indicator for f in IndicatorSieve(law.INDICATORS).scanner().scan(data)}
    with_forms = {n for n in range(len(law.VALUES)) if law.INDICATORS.target(n).forms}
    assert with_forms <= found


@pytest.mark.parametrize("piece", [1, 64, 1000])
def test_where_a_block_is_cut_does_not_matter(monkeypatch, piece):
    data = b"".join(law.damaged_log(seed).rstrip(b"\r\n") + b"\n" for seed in range(20))
    whole = IndicatorSieve(law.INDICATORS).scanner().scan(data)
    monkeypatch.setattr(sieve_module, "PIECE", piece)
    assert IndicatorSieve(law.INDICATORS).scanner().scan(data) == whole
    assert whole


def test_only_the_first_bytes_of_a_buffer_are_looked_at():
    buffer = bytearray(b"evil.example\n1234.test\n")
    found = IndicatorSieve(law.INDICATORS).scanner().scan(buffer, 13)
    assert [law.INDICATORS.value(f.indicator) for f in found] == ["evil.example"]
    buffer += b"x"  # no view of it is kept


def test_places_lines_and_names():
    data = b"nothing\r\nGET https://www.EVIL.example/ -\r\n"
    (found,) = IndicatorSieve(law.INDICATORS).scanner().scan(data)
    assert (found.line, found.line_start) == (1, 9)
    assert data[found.start : found.end] == b"EVIL.example"
    assert data[found.name_start : found.end] == b"www.EVIL.example"
    assert data[found.line_start : found.line_end].endswith(b"/ -")


def test_a_hub_is_capped_and_said_to_be():
    scanner = IndicatorSieve(law.INDICATORS).scanner(most=3)
    data = b"203.0.113.5\n" * 10 + b"evil.example\n"
    kinds = [law.INDICATORS.kind(f.indicator) for f in scanner.scan(data)]
    assert kinds == ["address"] * 3 + ["domain"]
    assert {law.INDICATORS.value(n) for n in scanner.capped} == {"203.0.113.5"}
    assert scanner.scan(data)[-1].indicator == 5  # others are still found


def test_many_indicators_of_one_host_cost_no_look_each():
    values = [("url", f"http://cdn.example/{n:04x}/{'y' * (n % 7)}z.php") for n in range(500)]
    indicators = law.make_set(values)
    rng = random.Random(1)
    lines = [b"GET http://cdn.example/%04x/z.php x\n" % rng.randrange(600) for _ in range(50)]
    lines += [law.encoded(rng, b"x cdn.example/0003/yyyz.php") + b"\n" for _ in range(50)]
    assert law.check(b"".join(lines), indicators) > 20


def test_more_than_one_source_may_name_a_value():
    indicators = law.make_set([("domain", "evil.example"), ("url", "http://evil.example/")])
    assert law.check(b"x evil.example y\n", indicators) == 2


def test_a_set_without_indicators_finds_nothing():
    assert IndicatorSieve(law.make_set([])).scanner().scan(b"evil.example ::1 %41\n") == []


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in law.VALUES}))
def test_sets_of_one_kind_need_no_other(kind):
    indicators = law.make_set([v for v in law.VALUES if v[0] == kind])
    data = b"".join(b"%s\n" % law.damaged_log(seed) for seed in range(60))
    assert law.check(data, indicators) > 0
