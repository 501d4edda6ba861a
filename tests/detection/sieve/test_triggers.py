"""Triggers: where a pattern is found in a record, a trigger is found in it too."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
import sieve_law as law

from exopsy.detection.rule import Rule
from exopsy.detection.sieve.database import Sieve
from exopsy.detection.sieve.scanner import Scanner

LOGS = ("iis-w3c", "exchange-httpproxy", "exchange-ecp-server", "exchange-audit")
USUAL = " ".join(["2021-03-03 04:00:01 192.0.2.10", "{}", "443 - 198.51.100.7 - - 200 0 0 15"])


def rules(*detections: str) -> list[Rule]:
    return [law.rule_of("iis-w3c", d, number=n) for n, d in enumerate(detections)]


POSTED = "one: {cs-method: POST}\ntwo: {cs-uri-stem|startswith: /ecp/}\ncondition: one and two"


class Everywhere:
    """Two of a hundred innocent records hold everything."""

    records = 100

    def holding(self, text: str, *, starts: bool, ends: bool, inner: bool = False) -> int:
        return 3


def by_triggers(sieve: Sieve, data: bytes) -> list[int]:
    return [c.start for c in Scanner(sieve).candidates(bytearray(data), len(data), ())]


def by_patterns(sieve: Sieve, data: bytes) -> list[int]:
    return [c.start for c in Scanner(sieve).candidates(bytearray(data), len(data))]


@pytest.mark.parametrize("log", LOGS)
def test_both_find_the_same_records(log: str) -> None:
    sieve = law.make_sieve(log).sieve
    assert sieve.quick is not None
    found = 0
    for seed in range(40):
        data = b"\n".join(plain_records(law.damaged_log(log, random.Random(seed)), sieve))
        assert by_triggers(sieve, data) == by_patterns(sieve, data)
        found += len(by_patterns(sieve, data))
    assert found > 20


def plain_records(data: bytes, sieve: Sieve) -> list[bytes]:
    """Return the records for which the triggers are enough."""
    records, stand = [], not sieve.neighbours
    for line in data.split(b"\n"):
        if line.startswith(b"#Fields:"):
            columns = line.decode("ascii", "replace").split()[1:]
            stand = sieve.neighbours <= {*pairwise(columns)}
        elif stand and line[:1].isdigit() and b"\0" not in line:
            records.append(line)
    return records


def test_neighbouring_columns_are_one_trigger() -> None:
    sieve = Sieve("iis-w3c", rules(POSTED), {}, reference=Everywhere())
    assert sieve.neighbours == {("cs-method", "cs-uri-stem")}
    lines = [USUAL.format(text) for text in ("POST /ecp/y.js -", "GET /ecp/y.js -", "PUT /a POST")]
    data = "\n".join(["2021 x", *lines, "2021 y", ""]).encode()
    assert by_triggers(sieve, data) == [data.index(lines[0].encode())]
    assert by_patterns(sieve, data) == by_triggers(sieve, data)


def test_the_first_and_an_unfinished_last_record_are_always_looked_at() -> None:
    ends = "one: {cs-uri-stem|endswith: .zip}\ncondition: one"
    sieve = Sieve("iis-w3c", rules(ends), {})
    assert by_triggers(sieve, b"/a.zip\n2021 x\n/b.zip") == [0, 14]
    assert by_triggers(sieve, b"") == []


def test_a_pattern_that_takes_in_the_line_end_belongs_to_the_record_before_it() -> None:
    ends = "one: {cs-uri-stem|endswith: .zip}\ncondition: one"
    sieve = Sieve("iis-w3c", rules(ends), {})
    data = b"1 x\n2 /a.zip\n3 /b.zip\n4 %2e\n5 /c.zip\n"
    found = list(Scanner(sieve).candidates(bytearray(data), len(data), ()))
    assert [data[c.start : c.start + 1] for c in found] == [b"2", b"3", b"5"]


def test_lines_that_somebody_else_found_odd_are_candidates() -> None:
    sieve = Sieve("iis-w3c", rules("one: {cs-uri-stem|contains: abc}\ncondition: one"), {})
    data = b"1 x\n?Fields: a\n2 abc\n3\n"
    found = list(Scanner(sieve).candidates(bytearray(data), len(data), (4,)))
    assert [(c.start, bool(c.patterns)) for c in found] == [(4, False), (15, True)]
