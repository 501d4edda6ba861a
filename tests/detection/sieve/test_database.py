from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
import sieve_law as law

from exopsy.detection.rule import Rule
from exopsy.detection.sieve.database import Sieve
from exopsy.detection.sieve.scanner import Candidate, Scanner


def rules(*detections: str) -> list[Rule]:
    return [law.rule_of("iis-w3c", d, number=n) for n, d in enumerate(detections)]


def contains(text: str) -> str:
    return f"one: {{cs-uri-stem|contains: '{text}'}}\ncondition: one"


NULL = "one: {cs-uri-stem: null}\ncondition: one"


def candidates(sieve: Sieve, data: bytes, size: int | None = None) -> list[tuple[int, int]]:
    found = Scanner(sieve).candidates(bytearray(data), len(data) if size is None else size)
    return [(c.start, c.end) for c in found]


def kinds(sieve: Sieve, candidate: Candidate) -> set[str]:
    return {sieve.patterns[index].kind for index in candidate.patterns}


def test_candidates_are_whole_records_in_order() -> None:
    sieve = Sieve("iis-w3c", rules(contains("abc"), contains("xyz")), {})
    data = b"1 abc xyz abc\r\n2 nothing\n3 XYZ\n4 abc"
    assert candidates(sieve, data) == [(0, 14), (25, 30), (31, 36)]


def test_only_what_belongs_to_the_block_is_looked_at() -> None:
    sieve = Sieve("iis-w3c", rules(contains("abc")), {})
    assert candidates(sieve, b"1 abc\n2 abc\n", 6) == [(0, 5)]
    assert candidates(sieve, b"", 0) == []


def test_a_pattern_that_takes_in_the_line_end_makes_no_second_record() -> None:
    ends = "one: {cs-uri-stem|endswith: xyz}\ncondition: one"
    sieve = Sieve("iis-w3c", rules(contains("abc"), ends), {})
    assert candidates(sieve, b"1 abc xyz\n2\n") == [(0, 9)]


def test_escaped_forms_are_found_by_scanning_their_record_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sieve = Sieve("iis-w3c", rules(contains("/abc")), {})
    assert sieve.quick is not None
    data = b"1 /abc\n2 %2fabc\n3 %2f\n4 %252Fabc %2f/abc\n5 " + b"%2f" * 1000 + b"\n6 /abc\n"
    scanned: list[int] = []
    usual = Scanner._patterns_of

    def counted(
        self: Scanner, block: bytearray, places: Sequence[tuple[int, int]]
    ) -> list[set[int]]:
        scanned.extend(start for start, _ in places)
        return usual(self, block, places)

    monkeypatch.setattr(Scanner, "_patterns_of", counted)
    found = Scanner(sieve).candidates(bytearray(data), len(data), ())
    lines = [bytes(data[c.start : c.start + 1]) for c in found]
    assert lines == [b"1", b"2", b"4", b"6"]
    assert len(scanned) == len(set(scanned)) == 6


def test_headers_and_markers() -> None:
    sieve = Sieve("iis-w3c", rules(contains("abc")), {})
    data = b"1\n#Fields: x\n\0#a\n\xef\xbb\xbf#b\n2 %61\n"
    found = list(Scanner(sieve).candidates(bytearray(data), len(data)))
    assert [kinds(sieve, c) for c in found] == [{"header"}] * 3 + [{"marker"}]


def test_rules_of_a_candidate() -> None:
    sieve = Sieve("iis-w3c", rules(contains("abc"), contains("xyz")), {})
    data = bytearray(b"1 xyz\n2 %61\n#\n")
    found = list(Scanner(sieve).candidates(data, len(data)))
    assert [sieve.rules_of(c.patterns) for c in found] == [(1,), (0, 1), ()]


def test_without_a_literal_every_record_is_a_candidate_and_others_keep_their_patterns() -> None:
    sieve = Sieve("iis-w3c", rules(contains("abc"), NULL), {})
    assert sieve.unsievable == [1]
    data = bytearray(b"1 abc\n2\n\n3 abc")
    found = list(Scanner(sieve).candidates(data, len(data)))
    assert [(c.start, c.end) for c in found] == [(0, 5), (6, 7), (8, 8), (9, 14)]
    assert [sieve.rules_of(c.patterns) for c in found] == [(0, 1), (1,), (1,), (0, 1)]


def test_without_rules_only_headers_are_candidates() -> None:
    sieve = Sieve("iis-w3c", [], {})
    assert candidates(sieve, b"1 %61\n#Fields: x\n") == [(6, 16)]


def test_equal_patterns_are_compiled_once() -> None:
    sieve = Sieve("iis-w3c", rules(contains("abc"), contains("ABC")), {})
    (pattern,) = (p for p in sieve.patterns if p.kind == "rule")
    assert pattern.rules == (0, 1)


def test_threads_share_a_sieve() -> None:
    sieve = Sieve("iis-w3c", rules(contains("abc")), {})
    data = b"".join(b"%d abc\n%d\n" % (n, n) for n in range(2_000))
    wanted = candidates(sieve, data)
    results: list[bool] = []

    def scan() -> None:
        results.extend(candidates(sieve, data) == wanted for _ in range(5))

    threads = [threading.Thread(target=scan) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 15
