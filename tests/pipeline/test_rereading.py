from __future__ import annotations

import base64
from pathlib import Path

from exopsy.core.limits import Limits
from exopsy.pipeline.rereading import fill_samples
from exopsy.schema.case import Evidence, Finding
from exopsy.sources.collection import Collection

LINES = [b"first line\r\n", b"\0" * 9 + b"second\n", b"x" * 100 + b"\n", b"last"]


def finding(*places: tuple[str, int]) -> Finding:
    evidence = [Evidence(artifact=a, offset=o, line=1, text_b64="") for a, o in places]
    return Finding(
        id="",
        key="",
        rule_id="",
        title="",
        level="low",
        grade="use",
        host="EX01",
        first_seen="",
        last_seen="",
        count=1,
        evidence=evidence,
    )


def texts(found: Finding) -> list[bytes]:
    return [base64.b64decode(e.text_b64) for e in found.evidence]


def fill(folder: Path, found: Finding, most: int = 50) -> None:
    collection = Collection(folder, (), Limits(), None)
    fill_samples(collection, [found], most)


def test_records_are_fetched_by_their_place_in_any_order(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"".join(LINES))
    start = [sum(map(len, LINES[:n])) for n in range(4)]
    found = finding(*(("a.log", start[n] + (9 if n == 1 else 0)) for n in (3, 0, 2, 1)))
    fill(tmp_path, found)
    assert texts(found) == [b"last", b"first line", b"x" * 50, b"second"]


def test_the_same_place_twice(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"".join(LINES))
    found = finding(("a.log", 0), ("a.log", 0))
    fill(tmp_path, found)
    assert texts(found) == [b"first line", b"first line"]


def test_what_can_not_be_read_again_stays_empty(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"one\n")
    found = finding(("gone.log", 0), ("a.log", 99), ("a.log", 0))
    fill(tmp_path, found)
    assert texts(found) == [b"", b"", b"one"]


def test_what_is_known_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"one\n")
    found = finding(("a.log", 0))
    found.evidence[0].text_b64 = "Yg=="
    fill(tmp_path, found)
    assert texts(found) == [b"b"]


def test_two_pieces_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"one" + b"\0" * 9 + b"two\nthree\n")
    found = finding(("a.log", 16), ("a.log", 12), ("a.log", 0))
    fill(tmp_path, found)
    assert texts(found) == [b"three", b"two", b"one"]
