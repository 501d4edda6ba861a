"""What can be had of a damaged chunk is had, and what can't is counted to the byte."""

from __future__ import annotations

import struct
import subprocess
import sys

import pytest
from event_logs import CHUNK, chunk, record
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.evidence.events import chunk_events
from exopsy.evidence.events.chunk import records_in
from exopsy.evidence.events.chunk_events import ChunkEvents, read_chunk, read_piecemeal

WHOLE = chunk(7, 30)
PLACES = records_in(WHOLE)
FREE = PLACES[-1].end


def put(data: bytes, at: int, what: bytes) -> bytes:
    return data[:at] + what + data[at + len(what) :]


def read(data: bytes) -> ChunkEvents:
    found = read_chunk(data)
    assert found.classes.total() == len(data)
    assert len(found.texts) == len(found.numbers)
    assert bool(found.reason) == (found.state in ("lost", "repaired"))
    for number, text in zip(found.numbers, found.texts, strict=True):
        assert f'"EventRecordID":"{number}"' in text
    return found


def numbers(*missing: int) -> list[int]:
    return [n for n in range(7, 37) if n not in missing]


def test_a_whole_chunk():
    found = read(WHOLE)
    assert found.state == "whole"
    assert found.numbers == numbers()
    assert found.classes.records == FREE - 512
    assert found.classes.headers == 512
    assert found.classes.nul == CHUNK - FREE
    assert [t.second for t in found.span] == [7, 36]


def test_both_ways_of_reading_agree_on_a_whole_chunk():
    assert chunk_events._read_whole(WHOLE, chunk_events.read_chunk_header(WHOLE)) is not None
    assert read(WHOLE) == read_piecemeal(WHOLE)


@pytest.mark.parametrize(
    ("damage", "missing", "reason"),
    [
        # the header: its magic, the end it states, its tables of strings
        (lambda d: put(d, 0, bytes(8)), [], "chunk-header"),
        (lambda d: put(d, 0, bytes(512)), [], "chunk-header"),
        (lambda d: put(d, 0, b"\xff" * 512), [], "chunk-header"),
        (lambda d: put(d, 48, struct.pack("<I", 700)), [], ""),
        (lambda d: put(d, 48, bytes(4)), [], "chunk-header"),
        (lambda d: put(d, 48, struct.pack("<I", PLACES[9].end)), [], ""),
        (lambda d: put(d, 8, bytes(32)), [], ""),
        (lambda d: put(d, 128, b"\xff" * 384), [], ""),
        # a record: its magic, its size, what it says, its end
        (lambda d: put(d, PLACES[4].offset, b"XXXX"), [11], "record"),
        (lambda d: put(d, PLACES[0].offset, b"XXXX"), [7], "record"),
        (lambda d: put(d, PLACES[29].offset, b"XXXX"), [36], "record"),
        (lambda d: put(d, PLACES[4].offset + 4, bytes(4)), [11], "record"),
        (lambda d: put(d, PLACES[4].offset + 4, b"\xff\xff\xff\x7f"), [11], "record"),
        (lambda d: put(d, PLACES[4].offset + 24, b"\xff" * 40), [11], "record"),
        (lambda d: put(d, PLACES[4].offset + 24, bytes(PLACES[4].size - 28)), [11], "record"),
        (lambda d: put(d, PLACES[4].end - 4, b"abcd"), [], ""),
        (lambda d: put(d, PLACES[29].end - 4, b"abcd"), [], ""),
        # a sector, and two records side by side
        (lambda d: put(d, PLACES[4].offset + 8, bytes(PLACES[4].size)), [11, 12], "record"),
        (
            lambda d: put(d, PLACES[4].offset, bytes(PLACES[5].end - PLACES[4].offset)),
            [11, 12],
            "record",
        ),
        # everything at once
        (lambda d: put(put(d, 0, b"\1" * 512), PLACES[20].offset, b"X" * 9), [27], "chunk-header"),
    ],
)
def test_damage_costs_what_it_hit(damage, missing, reason):
    found = read(damage(WHOLE))
    assert found.numbers == numbers(*missing)
    assert found.reason == reason
    lost = found.classes.unread + found.classes.cut
    assert lost > 0 or not missing or found.classes.nul > CHUNK - FREE


def test_a_chunk_at_the_end_of_a_cut_file():
    at = PLACES[12].offset + 40
    found = read(WHOLE[:at])
    assert found.numbers == list(range(7, 19))
    assert (found.reason, found.classes.cut, found.lost) == ("chunk-end", 40, 1)
    assert read(WHOLE[:FREE]).numbers == numbers()
    assert read(WHOLE[:300]).classes.unread == 300
    assert read(WHOLE[:512]).state == "lost"


def test_a_log_in_use_goes_on_behind_the_end_that_its_header_states():
    more = record(37, FREE) + record(38, FREE + len(record(37, FREE)))
    found = read(chunk(7, 30, rest=more))
    assert found.numbers == [*range(7, 39)]
    assert found.state == "whole"


def test_what_an_earlier_use_left_is_counted_and_not_read():
    old = bytes(16) + record(3, FREE + 16) + b"rest of something"
    found = read(chunk(7, 30, rest=old))
    assert found.numbers == numbers()
    assert (found.state, found.left_over) == ("whole", 1)
    assert found.classes.unread == found.classes.cut == 0
    # nor when it follows at once, with a number that does not
    assert read(chunk(7, 30, rest=record(3, FREE))).numbers == numbers()
    # nor when the header is lost: the numbers tell
    found = read(put(chunk(7, 30, rest=old), 0, bytes(512)))
    assert found.numbers == numbers()
    assert found.left_over == 1


def test_what_is_no_chunk():
    assert read(bytes(CHUNK)).state == "empty"
    found = read(b"\x07" * CHUNK)
    assert (found.state, found.reason, found.classes.unread) == ("lost", "no-chunk", CHUNK)
    begun = put(bytes(CHUNK), 0, WHOLE[:48] + struct.pack("<I", 512))
    assert read(begun).state == "whole"
    assert read(b"").classes.total() == 0


def test_a_ring_of_strings_does_not_hold_the_reading_up(tmp_path):
    """The library follows a chunk's list of strings for ever when damage made a ring of it."""
    one = WHOLE.index("Event".encode("utf-16-le"), 512) - 8
    other = WHOLE.index("System".encode("utf-16-le"), 512) - 8
    ring = put(WHOLE, 128, struct.pack("<I", one))
    ring = put(put(ring, one, struct.pack("<I", other)), other, struct.pack("<I", one))
    (tmp_path / "ring").write_bytes(ring)
    probe = (
        "import pathlib, sys; from exopsy.evidence.events.chunk_events import read_chunk;"
        "print(len(read_chunk(pathlib.Path(sys.argv[1]).read_bytes()).texts))"
    )
    words = [sys.executable, "-c", probe, str(tmp_path / "ring")]
    done = subprocess.run(words, capture_output=True, check=True, timeout=60)
    assert done.stdout.strip() == b"30"


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, FREE) | st.sampled_from([0, 40, 44, 48, *(p.offset for p in PLACES)]),
            st.binary(min_size=1, max_size=40)
            | st.sampled_from([b"**\0\0", bytes(8), b"ElfChnk\0"]),
        ),
        max_size=6,
    ),
    st.integers(0, CHUNK) | st.just(CHUNK),
)
def test_every_byte_of_a_damaged_chunk_is_in_one_class(damages, size):
    data = WHOLE
    for at, what in damages:
        data = put(data, at, what)
    found = read_chunk(data[:size])
    assert found.classes.total() == len(data[:size])
    assert min(getattr(found.classes, name) for name in found.classes.__struct_fields__) >= 0
    # what the library reads at once is what it reads piece by piece
    if found.state == "whole":
        assert found == read_piecemeal(data[:size])
