"""A log is read in order, whatever is around its chunks, and in ranges as in one piece."""

from __future__ import annotations

import io
import random
import struct
from pathlib import Path

import pytest
from event_logs import CHUNK, chunk, file_header, log

from exopsy.evidence.events.chunk import read_chunk_header
from exopsy.evidence.events.evtx_log import locate, ranges, read_evtx
from exopsy.evidence.events.flatten import flatten
from exopsy.schema.event import EventLogFacts
from exopsy.schema.row import Row

SAMPLES = Path(__file__).parents[3].parent / "shared" / "samples"
needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the folder of real samples, ../shared/samples, is not here"
)


class Dribble(io.RawIOBase):
    """A stream that gives a few bytes at a time and can't seek."""

    def __init__(self, data: bytes) -> None:
        self._stream = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(min(size, 5000))

    def seekable(self) -> bool:
        return False


def read(data: bytes, stream=None, start: int = 0, stop: int | None = None):
    facts = EventLogFacts()
    stream = io.BytesIO(data) if stream is None else stream
    if start:
        stream.seek(start)
    batches = list(read_evtx(stream, facts, start=start, stop=stop))
    found = [r for b in batches for r in zip(b.offsets, b.numbers, b.texts, strict=True)]
    assert facts.classes.total() == facts.size
    assert facts.records == len(found)
    return found, facts


def numbers(data: bytes) -> list[int]:
    found, facts = read(data)
    assert facts.size == len(data)
    return [number for _, number, _ in found]


def test_a_whole_log():
    data = log(3, 20)
    found, facts = read(data)
    assert [number for _, number, _ in found] == [*range(1, 61)]
    assert {offset for offset, _, _ in found} == {4096 + n * CHUNK for n in range(3)}
    assert facts.chunks == {"whole": 3}
    assert facts.skipped == {}
    assert (facts.channels, facts.computers) == (["Security"], ["ex01.example.com"])
    assert [(a.second, b.minute) for a, b in facts.spans] == [(1, 1)]
    assert not facts.dirty
    assert read(data, Dribble(data)) == (found, facts)
    assert read(file_header(dirty=True))[1].dirty


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda d: d[4096:], range(1, 61)),  # carved: chunks only
        (lambda d: bytes(4096) + d[4096:], range(1, 61)),
        (lambda d: b"\xff" * 4096 + d[4096:], range(1, 61)),
        (lambda d: d[: 4096 + 2 * CHUNK] + bytes(3 * CHUNK), range(1, 41)),
        (lambda d: d[:4096] + bytes(CHUNK) + d[4096:], range(1, 61)),
        (lambda d: d + b"behind the end", range(1, 61)),
        (lambda d: d + d, [*range(1, 61)] * 2),  # one behind another
        # bytes lost and gained between and in chunks: what follows is found again
        (lambda d: d[:4096] + bytes(512) + d[4096:], range(1, 61)),
        (lambda d: d[: 4096 + CHUNK] + b"\1" * 1024 + d[4096 + CHUNK :], range(1, 61)),
        (lambda d: d[: 4096 + CHUNK - 20480] + d[4096 + CHUNK :], range(1, 61)),
        (
            lambda d: d[: 4096 + CHUNK + 512] + d[4096 + CHUNK + 2048 :],
            [*range(1, 21), *range(41, 61)],
        ),
        (lambda d: d[: len(d) - CHUNK + 512], range(1, 41)),
        (lambda d: b"", []),
        (lambda d: d[:100], []),
    ],
)
def test_what_is_around_the_chunks_does_not_matter(change, expected):
    found = numbers(change(log(3, 20)))
    assert set(expected) <= set(found)
    assert len(found) >= len(list(expected))


def test_a_magic_inside_a_record_begins_no_chunk():
    fake = chunk(1, 1)[:56].decode("utf-16-le")
    for shift in range(256):
        forged = chunk(1, 20, data="x" * shift + fake)
        if any(read_chunk_header(forged, at) for at in range(512, CHUNK, 512)):
            break
    else:
        pytest.fail("no place for it")
    assert numbers(file_header() + forged + bytes(CHUNK)) == [*range(1, 21)]
    assert numbers(file_header() + forged + chunk(21, 5)) == [*range(1, 26)]
    assert numbers(file_header() + forged) == [*range(1, 21)]


def test_losses_say_where_and_how_much():
    data = bytearray(log(3, 20))
    data[4096 + CHUNK + 512 : 4096 + CHUNK + 516] = b"XXXX"
    data[4096 : 4096 + 8] = bytes(8)
    _, facts = read(bytes(data))
    assert facts.chunks == {"repaired": 2, "whole": 1}
    assert [(x.offset, x.size, x.reason, x.read, x.lost) for x in facts.losses] == [
        (4096, CHUNK, "chunk-header", 20, 0),
        (4096 + CHUNK, CHUNK, "record", 19, 0),
    ]


def test_a_record_is_located_to_its_bytes():
    data = bytearray(log(2, 20))
    data[4096 + CHUNK + 512 : 4096 + CHUNK + 516] = b"XXXX"
    data = bytes(data)
    for offset, number, _ in read(data)[0]:
        for stream in (io.BytesIO(data), Dribble(data)):
            at, raw = locate(stream, offset, number)
            assert data[at : at + len(raw)] == raw
            magic, size, its, _ = struct.unpack_from("<4sIQQ", raw)
            assert (magic, size, its) == (b"**\0\0", len(raw), number)
    assert locate(io.BytesIO(data), 4096, 999) is None
    assert locate(io.BytesIO(data), len(data) + 5, 1) is None


DAMAGES = {
    "none": lambda d: d,
    "carved": lambda d: d[4096:],
    "header of a chunk": lambda d: d[: 4096 + 4 * CHUNK] + bytes(512) + d[4608 + 4 * CHUNK :],
    "bytes gained": lambda d: d[: 4096 + 4 * CHUNK] + bytes(1024) + d[4096 + 4 * CHUNK :],
    "bytes lost": lambda d: d[: 4096 + 4 * CHUNK] + d[4096 + 4 * CHUNK + 512 :],
    "a hole": lambda d: d[: 4096 + 3 * CHUNK] + bytes(CHUNK) + d[4096 + 4 * CHUNK :],
    "cut": lambda d: d[:-30_000],
    "garbage": lambda d: d[: 4096 + 7 * CHUNK] + b"\7" * CHUNK + d[4096 + 8 * CHUNK :],
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_ranges_give_together_what_the_whole_gives(damage, size):
    data = DAMAGES[damage](log(10, 4))
    whole, facts = read(data)
    cut = ranges(io.BytesIO(data), len(data), chunks=size)
    assert cut[0][0] == 0
    assert cut[-1][1] == len(data)
    assert [stop for _, stop in cut[:-1]] == [start for start, _ in cut[1:]]
    parts, added = [], EventLogFacts()
    for start, stop in cut:
        found, its = read(data, start=start, stop=stop)
        parts += found
        added.add(its)
    assert parts == whole
    assert (added.classes, added.size, added.losses) == (facts.classes, len(data), facts.losses)
    assert (added.chunks, added.channels) == (facts.chunks, facts.channels)
    if damage == "none" and size == 1:
        assert len(cut) == 10


@needs_samples
def test_real_logs_are_read_at_least_as_far_as_the_library_does():
    import evtx

    total = 0
    for path in sorted(SAMPLES.rglob("*.evtx")):
        data = path.read_bytes()
        found, facts = read(data)
        assert facts.size == len(data), path
        assert facts.channels or not found
        alone = []
        records = iter(evtx.PyEvtxParser(str(path), 1).records_json())
        while True:
            try:
                alone.append(next(records)["data"])
            except StopIteration:
                break
            except RuntimeError:
                continue
        ours = {text for _, _, text in found}
        # of a torn record the library makes an event that holds less, or other, than was logged
        assert len(set(alone) - ours) <= facts.skipped.get("record", 0), path
        total += len(found)
        for offset, number, text in found[:5]:
            row = flatten(text, artifact="a", host="h", offset=offset, number=number)
            assert isinstance(row, Row)
            assert locate(io.BytesIO(data), offset, number) is not None
    assert total > 19_000


@needs_samples
@pytest.mark.parametrize("seed", range(40))
def test_damaged_real_logs_are_accounted_for(seed):
    dice = random.Random(seed)
    path = dice.choice(sorted(SAMPLES.rglob("*.evtx")))
    data = bytearray(path.read_bytes()[: 4096 + 4 * CHUNK])
    for _ in range(dice.choice((1, 10, 100))):
        at = dice.randrange(len(data))
        size = dice.choice((1, 4, 100, 5000))
        data[at : at + size] = dice.choice((bytes(size), dice.randbytes(size), b"", b"\xff" * size))
    found, facts = read(bytes(data))
    assert facts.size == len(data)
    for offset, number, text in found:
        flatten(text, artifact="a", host="h", offset=offset, number=number)
