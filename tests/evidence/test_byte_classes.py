"""Every byte is in one class, and the block version counts as the plain one does."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.evidence import registry
from exopsy.evidence.byte_classes import BlockClassifier, classify_plainly
from exopsy.schema.artifact import ByteClasses

DATA = Path(__file__).parent / "data"
FIXTURES = sorted(p for p in DATA.glob("*/*") if not p.name.endswith(".expected.jsonl"))
IIS = registry.spec_of("iis-w3c")
HEADER = b"#Fields: date time c-ip sc-status\r\n"
ROW = b"2021-03-03 04:05:06 192.0.2.1 200\r\n"
DAMAGE = st.sampled_from(
    [
        b"",
        b"\0",
        b"\0" * 9,
        b"\xff\xe8",
        b"\xe2\x82",
        b"\xef\xbb\xbf",
        b"\n",
        b"\r\n\r\n",
        b"\n#Fields: date time c-ip\n",
        b"\n#",
        b"\nDateTime,RequestId,UrlStem\n",
        b"x" * 700,
        b'"',
        b" ",
    ]
)


def plain(data: bytes, spec=IIS, max_bytes: int = 1 << 20) -> tuple[ByteClasses, int]:
    return classify_plainly(io.BytesIO(data), spec, max_bytes)


def in_blocks(
    data: bytes, size: int, spec=IIS, max_bytes: int = 1 << 20, *, uncopied: bool = False
) -> BlockClassifier:
    classifier = BlockClassifier(spec, max_bytes)
    buffer = bytearray(b"\xff\0\n#" * (size // 4 + 2))  # what is behind a block is not looked at
    for start in range(0, len(data), size):
        block = data[start : start + size]
        if uncopied:
            buffer[: len(block)] = block
            classifier.feed_buffer(buffer, len(block), start)
        else:
            classifier.feed(memoryview(block), start)
    classifier.finish()
    return classifier


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_blocks_count_as_lines_do_on_damaged_samples(data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(FIXTURES))
    spec = registry.spec_of(sample.parent.name)
    content = sample.read_bytes()
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(content)))
        gone = data.draw(st.integers(0, 40))
        content = content[:at] + data.draw(DAMAGE) + content[at + gone :]
    max_bytes = data.draw(st.sampled_from([1 << 20, 600]))
    classes, lines = plain(content, spec, max_bytes)
    assert classes.total() == len(content)
    size = data.draw(st.integers(1, len(content) + 2))
    for uncopied in (False, True):
        block = in_blocks(content, size, spec, max_bytes, uncopied=uncopied)
        assert block.classes == classes
        assert block.lines == lines


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_the_layout_at_every_record_is_the_one_that_the_plain_path_used(
    data: st.DataObject,
) -> None:
    sample = data.draw(st.sampled_from(FIXTURES))
    spec = registry.spec_of(sample.parent.name)
    content = sample.read_bytes()
    parser = registry.load(spec)
    tracker = in_blocks(content, data.draw(st.integers(1, 400)), spec).tracker
    for item in parser.parse(io.BytesIO(content), artifact="a", host="h"):
        raw = getattr(item, "raw", None)
        if raw is not None:
            layout = tracker.layout_at(item.origin.offset)
            assert parser.parse_record(raw, layout, item.origin, "h") == item


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (HEADER + ROW, {"headers": 35, "records": 35}),
        (b"\xef\xbb\xbf" + HEADER + ROW, {"headers": 38, "records": 35}),
        # complete, only its line end is missing: a record
        (HEADER + ROW[:-2], {"headers": 35, "records": 33}),
        # torn at the end, before a header, before a NUL run
        (HEADER + ROW[:20], {"headers": 35, "cut": 20}),
        (HEADER + ROW[:20] + b"\r\n" + HEADER, {"headers": 70, "cut": 22}),
        (HEADER + ROW[:20] + b"\0" * 8 + HEADER, {"headers": 70, "cut": 20, "nul": 8}),
        (
            HEADER + ROW[:20] + b"\0" * 8 + b"\r\n" + ROW,
            {"headers": 35, "cut": 20, "nul": 8, "records": 37},
        ),
        # short, but a record follows: not torn, merely odd
        (HEADER + ROW[:20] + b"\n" + ROW, {"headers": 35, "records": 56}),
        (HEADER + ROW.replace(b"1 ", b"\xe8 "), {"headers": 35, "records": 34, "undecodable": 1}),
        (b"\0" * 100, {"nul": 100}),
        (b"", {}),
    ],
)
def test_classes(content: bytes, expected: dict[str, int]) -> None:
    assert plain(content)[0] == ByteClasses(**expected)
    assert in_blocks(content, 7).classes == ByteClasses(**expected)
    assert in_blocks(content, 1000).classes == ByteClasses(**expected)


def test_what_is_past_the_bound_of_a_line_is_cut() -> None:
    content = HEADER + ROW[:-2] + b"x" * 100 + b"\0" * 20 + b"\n" + ROW
    expected = ByteClasses(headers=35, records=60 + 35, cut=33 + 100 + 1 - 60, nul=20)
    assert plain(content, max_bytes=60) == (expected, 3)
    for size in (50, 100, 1000):
        assert in_blocks(content, size, max_bytes=60).classes == expected


@pytest.mark.parametrize("size", [1, 50, 1000])
def test_a_line_that_is_only_long_is_cut_too(size: int) -> None:
    content = HEADER + ROW[:-2] + b"x" * 100 + b"\n" + ROW
    expected = ByteClasses(headers=35, records=60 + 35, cut=33 + 100 + 1 - 60)
    assert plain(content, max_bytes=60) == (expected, 3)
    assert in_blocks(content, size, max_bytes=60).classes == expected


def test_spans_builds_and_lines_are_told_block_by_block() -> None:
    spec = registry.spec_of("exchange-httpproxy")
    head = (
        b"DateTime,RequestId\r\n#Version: 15.01.%d.007\r\n#Date: 2021-03-%02dT00:00:00.000Z\r\n"
        b"#Fields: DateTime,RequestId\r\n"
    )
    first = head % (2106, 3) + b"2021-03-03T00:00:00.100Z,a\r\n2021-03-03T09:00:00.000Z,b\r\n"
    second = head % (2176, 4) + b"2021-03-04T10:00:00.000Z,c\r\n2021-03-04T09:59:00.000Z,d\r\n"
    classifier = BlockClassifier(spec)
    classifier.feed(first, 0)
    assert classifier.lines == 6
    classifier.feed(second, len(first))
    classifier.finish()
    assert classifier.spans == [
        (
            datetime(2021, 3, 3, 0, 0, 0, 100000, tzinfo=UTC),
            datetime(2021, 3, 3, 9, tzinfo=UTC),
        ),
        (datetime(2021, 3, 4, 9, 59, tzinfo=UTC), datetime(2021, 3, 4, 10, tzinfo=UTC)),
    ]
    assert classifier.builds == {"2021-03-03": "15.1.2106.7", "2021-03-04": "15.1.2176.7"}


def test_pieces_close_to_each_other_are_one_span() -> None:
    classifier = BlockClassifier(IIS)
    classifier.feed(HEADER + ROW, 0)
    classifier.feed(ROW.replace(b"04:05", b"04:14"), 70)
    classifier.feed(ROW.replace(b"04:05", b"05:05"), 105)
    classifier.finish()
    assert [(a.hour, a.minute, b.minute) for a, b in classifier.spans] == [(4, 5, 14), (5, 5, 5)]
