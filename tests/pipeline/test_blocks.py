from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.pipeline.blocks import BlockReader


class Trickle(io.RawIOBase):
    """Gives a few bytes at a time, and fails at the end if it is to."""

    def __init__(self, data: bytes, step: int, failure: OSError | None = None) -> None:
        self._data = io.BytesIO(data)
        self._step = step
        self._failure = failure

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._data.read(min(self._step, len(buffer)))
        if not piece and self._failure is not None:
            raise self._failure
        buffer[: len(piece)] = piece
        return len(piece)


Piece = tuple[bytes, int, bool, bool]


def read(stream: io.RawIOBase, *, block: int, record: int) -> tuple[list[Piece], bytes]:
    seen = bytearray()
    reader = BlockReader(stream, seen.extend, record_bytes=record, block_bytes=block)  # type: ignore[arg-type]
    pieces = [(bytes(b.data[: b.size]), b.base, b.is_cut, b.is_rest) for b in reader.blocks()]
    assert reader.size == len(seen)
    return pieces, bytes(seen)


DATA = st.lists(st.sampled_from([b"a", b"\n", b"bcd", b"\r\n", b"x" * 20, b"\0" * 9])).map(b"".join)


@settings(max_examples=200, deadline=None)
@given(
    data=DATA,
    block=st.sampled_from([1, 2, 7, 16, 64, 4_096]),
    record=st.sampled_from([1, 10, 30, 1_000]),
    step=st.sampled_from([1, 3, 10_000]),
)
def test_every_byte_comes_once_and_blocks_end_behind_lines(
    data: bytes, block: int, record: int, step: int
) -> None:
    pieces, seen = read(Trickle(data, step), block=block, record=record)
    assert seen == data
    assert b"".join(text for text, *_ in pieces) == data
    assert [base for _, base, *_ in pieces] == [
        sum(len(text) for text, *_ in pieces[:n]) for n in range(len(pieces))
    ]
    inside = False
    for number, (text, _, is_cut, is_rest) in enumerate(pieces, start=1):
        assert text
        assert is_rest is inside
        inside = is_cut
        if is_cut:
            assert b"\n" not in text
            assert len(text) == max(record, block)
        else:
            assert text.endswith(b"\n") or number == len(pieces)


@settings(max_examples=100, deadline=None)
@given(data=DATA, record=st.sampled_from([30, 1_000]))
def test_all_sizes_give_the_same_records(data: bytes, record: int) -> None:
    def records(block: int) -> list[bytes]:
        lines: list[bytes] = []
        pieces, _ = read(io.BytesIO(data), block=block, record=record)  # type: ignore[arg-type]
        for text, _, _, is_rest in pieces:
            split = [line + b"\n" for line in text.split(b"\n")]
            split[-1] = split[-1][:-1]
            found = [line for line in split if line]
            if is_rest and found:
                lines[-1] += found.pop(0)
            lines += found
        return lines

    wanted = records(10_000)
    assert b"".join(wanted) == data
    for block in (1, 7, 30, 64):
        assert records(block) == wanted


def test_a_stream_that_fails_gives_what_was_read_and_then_the_error() -> None:
    stream = Trickle(b"one\ntwo\nthr", 5, OSError("bad sector"))
    reader = BlockReader(stream, len, record_bytes=100, block_bytes=6)  # type: ignore[arg-type]
    got = bytearray()
    blocks = reader.blocks()
    with pytest.raises(OSError, match="bad sector"):
        for block in blocks:
            got += block.data[: block.size]
    assert got == b"one\ntwo\nthr"
    assert reader.size == 11


def test_a_stream_that_fails_at_once() -> None:
    reader = BlockReader(Trickle(b"", 1, OSError("x")), len, record_bytes=9)  # type: ignore[arg-type]
    with pytest.raises(OSError, match="x"):
        list(reader.blocks())


def test_an_empty_stream_has_no_blocks() -> None:
    assert read(io.BytesIO(), block=16, record=16)[0] == []  # type: ignore[arg-type]
