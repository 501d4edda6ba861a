"""Lines and what is not part of them."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from exopsy.evidence.framing import records
from exopsy.evidence.header import build_of, comment_of
from exopsy.evidence.times import read_iso, read_iso_or_us
from exopsy.evidence.w3c import normalise

BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a\r\nb\n\nc", [(0, 1, b"a"), (3, 2, b"b"), (6, 4, b"c")]),
        (BOM + b"a\n" + BOM + b"b", [(3, 1, b"a"), (8, 2, b"b")]),
        (b"a" + b"\0" * 8 + BOM + b"#b\nc", [(0, 1, b"a"), (12, 1, b"#b"), (15, 2, b"c")]),
        (b"a\0b\0\0\n", [(0, 1, b"a\0b")]),
        (b"\0" * 50, []),
        (b"0123456789abc\nd\n", [(0, 1, b"0123456789"), (14, 2, b"d")]),
        (b"0123456789\nd", [(0, 1, b"0123456789"), (11, 2, b"d")]),
        (b"", []),
    ],
)
def test_records(content: bytes, expected: list[tuple[int, int, bytes]]) -> None:
    assert list(records(io.BytesIO(content), max_bytes=10 if b"9" in content else 100)) == expected


@pytest.mark.parametrize(
    ("version", "build"),
    [
        ("15.01.2375.007", "15.1.2375.7"),
        ("14.03.0123.004", "14.3.123.4"),
        ("15.0.0.0", ""),
        ("1.0", ""),
        ("", ""),
    ],
)
def test_build(version: str, build: str) -> None:
    assert build_of(version) == build


def test_comment() -> None:
    assert comment_of(b"# Fields: a b ") == ("fields", "a b")
    assert comment_of(b"#Log-type: HttpProxy Logs\r") == ("log-type", "HttpProxy Logs")
    assert comment_of(b"# nothing") is None


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("cs(User-Agent)", "cs-user-agent"),
        ("cs(Referer)", "cs-referer"),
        ("cs(Host)", "cs-host"),
        ("cs(X-Some-Thing)", "cs-x-some-thing"),
        ("X-Forwarded-For", "x-forwarded-for"),
        ("cs-uri-stem", "cs-uri-stem"),
    ],
)
def test_names_of_columns(name: str, column: str) -> None:
    assert normalise(name) == column


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("3/14/2023 1:05:09 PM", 13),
        ("3/14/2023 12:05:09 AM", 0),
        ("03/14/2023 12:05:09 pm", 12),
        ("3/14/2023 23:05:09", 23),
        ("2023-03-14T07:05:09Z", 7),
        ("2023-03-14T07:05:09.000+02:00", 5),
    ],
)
def test_times(text: str, hour: int) -> None:
    assert read_iso_or_us(text) == datetime(2023, 3, 14, hour, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "0001-01-01T00:00:00+05:00", "13/40/2023 1:00:00 AM", "x"])
def test_what_is_no_time(text: str) -> None:
    assert read_iso(text) is None
    assert read_iso_or_us(text) is None
