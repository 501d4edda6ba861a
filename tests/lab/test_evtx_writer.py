"""The ``evtx`` library, which knows nothing of the lab, reads back what was written."""

import json
import struct
import uuid
import zlib
from datetime import UTC, datetime

import evtx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.lab import event_kinds as kinds
from exopsy.lab.event_kind import Event, Kind, KindEncoder
from exopsy.lab.evtx_template import name_hash
from exopsy.lab.evtx_values import TYPES, filetime
from exopsy.lab.evtx_writer import CHUNK, FILE_HEADER, EvtxWriter

COMPUTER = "ex01.corp.example.com"
AT = 1_614_556_800.123456
KINDS = [k for k in vars(kinds).values() if isinstance(k, Kind)]
TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40)
SIDS = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=6).map(
    lambda subs: "-".join(("S-1-5", *map(str, subs)))
)


def unsigned(bits):
    return st.integers(0, 2**bits - 1)


# type -> values, and what the library makes of one
CASES = {
    "string": (TEXT, lambda v: v),
    "u8": (unsigned(8), lambda v: v),
    "u16": (unsigned(16), lambda v: v),
    "i32": (st.integers(-(2**31), 2**31 - 1), lambda v: v),
    "u32": (unsigned(32), lambda v: v),
    "u64": (unsigned(64), lambda v: v),
    "boolean": (st.booleans(), lambda v: v),
    "binary": (st.binary(min_size=1, max_size=30), lambda v: v.hex().upper()),
    "guid": (st.uuids().map(str), lambda v: v.upper()),
    "sid": (SIDS, lambda v: v),
    "hex32": (unsigned(32), hex),
    "hex64": (unsigned(64), hex),
}


def written(path, events, **settings):
    encoders = {}
    with EvtxWriter(path, **settings) as writer:
        for event in events:
            encoder = encoders.setdefault(id(event.kind), KindEncoder(event.kind, COMPUTER))
            writer.write(*encoder.encode(event))
    return writer


def read(path):
    parser = evtx.PyEvtxParser(str(path), validate_checksums=True)
    return [
        json.loads(r["data"])["Event"] | {"id": r["event_record_id"]} for r in parser.records_json()
    ]


def kind_of(types):
    return Kind(
        "Lab",
        "Lab-Provider",
        7,
        tuple((f"F{i}", t) for i, t in enumerate(types)),
        guid="5770385F-C22A-43E0-BF4C-06F5698FFBD9",
    )


ROWS = st.lists(st.sampled_from(sorted(CASES)), min_size=1, max_size=8).flatmap(
    lambda types: st.tuples(
        st.just(types), st.lists(st.tuples(*(CASES[t][0] for t in types)), min_size=1, max_size=4)
    )
)


@given(ROWS)
@settings(deadline=None)
def test_every_value_of_every_type_comes_back(tmp_path_factory, case):
    types, rows = case
    kind = kind_of(types)
    path = tmp_path_factory.mktemp("evtx") / "a.evtx"
    written(path, [Event(AT, kind, row) for row in rows])
    got = [e["EventData"] for e in read(path)]
    want = [
        {f"F{i}": CASES[t][1](v) for i, (t, v) in enumerate(zip(types, row, strict=True))}
        for row in rows
    ]
    assert got == want


@given(st.lists(TEXT, min_size=2, max_size=27))
@settings(deadline=None)
def test_a_list_without_names_comes_back_with_its_empty_items(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("evtx") / "a.evtx"
    written(path, [Event(AT, kinds.CMDLET, values)])
    (event,) = read(path)
    assert event["EventData"] == {"Data": {"#text": values}, "Binary": None}


def sample(kind, number):
    if kind.shape == "list":
        return [f"item {i} of {number}" for i in range(27)]
    values = {"string": f'ü "{number}" <script>', "boolean": True, "binary": b"\1\2",
              "guid": str(uuid.UUID(int=number)), "sid": f"S-1-5-21-1-2-3-{number}"}  # fmt: skip
    return [values.get(t, number) for _, t in kind.fields]


def test_every_kind_the_lab_has_over_many_chunks(tmp_path):
    path = tmp_path / "a.evtx"
    events = [
        Event(AT + n, kind, sample(kind, n), process=n, thread=n + 1)
        for n in range(40)
        for kind in KINDS
    ]
    written(path, events)
    assert (path.stat().st_size - FILE_HEADER) // CHUNK > 10
    got = read(path)
    assert len(got) == len(events)
    for number, (event, made) in enumerate(zip(got, events, strict=True), start=1):
        system, kind = event["System"], made.kind
        assert event["id"] == system["EventRecordID"] == number
        event_id = system["EventID"]
        if kind.qualifiers is not None:
            assert event_id["#attributes"]["Qualifiers"] == kind.qualifiers
            event_id = event_id["#text"]
        moment = datetime.fromtimestamp(made.at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        assert (event_id, system["Channel"], system["Computer"], system["Level"]) == (
            kind.event_id, kind.channel, COMPUTER, kind.level,
        )  # fmt: skip
        assert system["TimeCreated"]["#attributes"]["SystemTime"] == moment
        if kind.shape == "list":
            assert event["EventData"]["Data"]["#text"] == made.values
            continue
        data = event["EventData"] if kind.shape == "named" else event["UserData"][kind.element]
        data.pop("#attributes", None)
        assert list(data) == [name for name, _ in kind.fields]
        assert list(data.values()) == [
            CASES[t][1](v) for (_, t), v in zip(kind.fields, made.values, strict=True)
        ]


def test_checksums_and_counts_are_those_of_the_format(tmp_path):
    path = tmp_path / "a.evtx"
    written(path, [Event(AT + n, kinds.LOGOFF, sample(kinds.LOGOFF, n)) for n in range(1500)])
    data = path.read_bytes()
    mark, _, last, next_id, size, _, major, block, chunks = struct.unpack_from("<8sQQQIHHHH", data)
    assert (mark, next_id, size, major, block) == (b"ElfFile\0", 1501, 128, 3, 4096)
    assert struct.unpack_from("<I", data, 124)[0] == zlib.crc32(data[:120])
    assert chunks == last + 1 == (len(data) - FILE_HEADER) // CHUNK > 1
    expected = 1
    for start in range(FILE_HEADER, len(data), CHUNK):
        chunk = data[start : start + CHUNK]
        mark, first, last, first_id, last_id = struct.unpack_from("<8sQQQQ", chunk)
        _, last_record, free, crc = struct.unpack_from("<IIII", chunk, 40)
        assert mark == b"ElfChnk\0" and first == first_id == expected and last == last_id
        assert crc == zlib.crc32(chunk[512:free])
        assert struct.unpack_from("<I", chunk, 124)[0] == zlib.crc32(chunk[:120] + chunk[128:512])
        assert chunk[last_record : last_record + 4] == b"**\0\0"
        assert not any(chunk[free:])
        at = 512
        for number in range(first, last + 1):
            length, record_id = struct.unpack_from("<IQ", chunk, at + 4)
            assert record_id == number and length % 8 == 0
            assert struct.unpack_from("<I", chunk, at + length - 4)[0] == length
            at += length
        assert at == free
        expected = last + 1


def test_a_checksum_that_is_wrong_is_seen_by_the_reader(tmp_path):
    """The library's check is no formality: one changed byte, and it complains."""
    path = tmp_path / "a.evtx"
    written(path, [Event(AT, kinds.LOGOFF, sample(kinds.LOGOFF, 1))])
    data = bytearray(path.read_bytes())
    data[FILE_HEADER + 512 + 40] ^= 1
    path.write_bytes(data)
    with pytest.raises(RuntimeError):
        read(path)


def test_a_chunk_can_be_read_alone(tmp_path):
    path = tmp_path / "a.evtx"
    events = [Event(AT, k, sample(k, n)) for n in range(60) for k in (kinds.LOGON, kinds.CMDLET)]
    written(path, events)
    data = path.read_bytes()
    alone = tmp_path / "b.evtx"
    alone.write_bytes(data[:FILE_HEADER] + data[FILE_HEADER + CHUNK : FILE_HEADER + 2 * CHUNK])
    first = struct.unpack_from("<Q", data, FILE_HEADER + CHUNK + 8)[0]
    got = read(alone)
    assert got[0]["id"] == first > 1
    assert got == [e for e in read(path) if first <= e["id"] <= got[-1]["id"]]


def test_names_and_templates_are_in_the_tables_of_a_chunk(tmp_path):
    path = tmp_path / "a.evtx"
    written(path, [Event(AT, k, sample(k, 1)) for k in (kinds.LOGON, kinds.CMDLET)])
    chunk = path.read_bytes()[FILE_HEADER:]
    names = {}
    for bucket in range(64):
        at = struct.unpack_from("<I", chunk, 128 + 4 * bucket)[0]
        while at:
            following, number, length = struct.unpack_from("<IHH", chunk, at)
            name = chunk[at + 8 : at + 8 + 2 * length].decode("utf-16-le")
            assert number == name_hash(name) and number % 64 == bucket
            assert name not in names
            names[name] = at
            at = following
    assert {"Event", "System", "EventData", "Data", "Binary", "xmlns", "Qualifiers"} <= set(names)
    templates = 0
    for bucket in range(32):
        at = struct.unpack_from("<I", chunk, 384 + 4 * bucket)[0]
        while at:
            following, number = struct.unpack_from("<II", chunk, at)
            assert number % 32 == bucket
            templates += 1
            at = following
    assert templates == 4


@pytest.mark.parametrize(
    ("name", "number"), [("Event", 0x0CBA), ("xmlns", 0x0FBC), ("System", 0x546F), ("Data", 0x6F8A)]
)
def test_names_have_the_hashes_that_windows_gives_them(name, number):
    assert name_hash(name) == number


def test_the_same_events_give_the_same_bytes(tmp_path):
    events = [Event(AT, k, sample(k, 3)) for k in KINDS]
    one, two = tmp_path / "1.evtx", tmp_path / "2.evtx"
    written(one, events)
    written(two, events)
    assert one.read_bytes() == two.read_bytes()


def test_an_emptied_log_begins_anew_and_its_ids_go_on(tmp_path):
    path = tmp_path / "a.evtx"
    encoder = KindEncoder(kinds.LOGOFF, COMPUTER)
    with EvtxWriter(path) as writer:
        for number in range(1000):
            writer.write(*encoder.encode(Event(AT, kinds.LOGOFF, sample(kinds.LOGOFF, number))))
        writer.clear()
        last = writer.write(*encoder.encode(Event(AT, kinds.LOGOFF, sample(kinds.LOGOFF, 5))))
    assert last == 1001
    assert [e["id"] for e in read(path)] == [1001]
    assert path.stat().st_size == FILE_HEADER + CHUNK


def test_an_empty_log_is_a_log(tmp_path):
    path = tmp_path / "a.evtx"
    written(path, [])
    assert read(path) == []


def test_what_does_not_fit_is_refused_and_the_log_stays_readable(tmp_path):
    path = tmp_path / "a.evtx"
    encoder = KindEncoder(kinds.LOGOFF, COMPUTER)
    wide = KindEncoder(kind_of(["string"] * 3), COMPUTER)
    good = encoder.encode(Event(AT, kinds.LOGOFF, sample(kinds.LOGOFF, 1)))
    with EvtxWriter(path) as writer:
        writer.write(*good)
        with pytest.raises(ValueError, match="65535"):
            wide.encode(Event(AT, wide.kind, ["x" * 40_000, "", ""]))
        with pytest.raises(ValueError, match="does not fit"):
            writer.write(*wide.encode(Event(AT, wide.kind, ["x" * 15_000] * 3)))
        with pytest.raises(ValueError, match="5 values, not 2"):
            encoder.encode(Event(AT, kinds.LOGOFF, ["S-1-5-18", "a"]))
        writer.write(*good)
    assert [e["id"] for e in read(path)] == [1, 2]


def test_times_are_counted_from_1601():
    assert filetime(0.0) == 116_444_736_000_000_000
    # from a published sample: 2021-06-04T08:41:47.982128Z
    assert filetime(1622796107.982128) // 10 == 0x01D7591D74D5F3E1 // 10
    assert TYPES["filetime"].encode(filetime(0.0)) == bytes.fromhex("00803ed5deb19d01")
