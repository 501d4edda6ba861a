"""Exports are read whatever way the exporter laid them out, and every byte is accounted for."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.evidence.events.flatten import flatten
from exopsy.evidence.events.json_log import locate, read_json_events
from exopsy.schema.event import EventLogFacts
from exopsy.schema.row import Row


def event(number, **data):
    return {
        "EventTime": f"2021-03-03T04:00:{number % 60:02d}Z",
        "Hostname": "ex01.example.com",
        "Channel": "Security",
        "EventID": 4688,
        "RecordNumber": number,
        "Inner": [{"Value": 1}, {"Value": "}{"}],
        **data,
    }


EVENTS = [event(n, CommandLine=f'"C:\\x y\\{n}.exe" {{é𝄞\n"') for n in range(5)]


def lines(events):
    return "".join(json.dumps(e, ensure_ascii=False) + "\r\n" for e in events)


def powershell(events):
    """``ConvertTo-Json``: two spaces behind the colon, every line with its indent."""
    return (
        json.dumps(events, indent=4, ensure_ascii=False).replace('":', '": ').replace("\n", "\r\n")
    )


LAYOUTS = {
    "lines": lines,
    "lines, no end": lambda events: lines(events).rstrip(),
    "array": json.dumps,
    "array, one a line": lambda e: "[\n" + ",\n".join(map(json.dumps, e)) + "\n]\n",
    "array, spread": lambda e: json.dumps(e, indent=2),
    "powershell": powershell,
    "one behind another": lambda e: "".join(map(json.dumps, e)),
    "objects, spread": lambda e: "\n".join(json.dumps(o, indent=1) for o in e),
}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]


class Dribble(io.RawIOBase):
    """A stream that gives a few bytes at a time and can't seek."""

    def __init__(self, data: bytes, step: int) -> None:
        self._stream, self._step = io.BytesIO(data), step

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(min(self._step, size) if size >= 0 else self._step)


def read(data: bytes, step: int | None = None, **options):
    facts = EventLogFacts()
    stream = io.BytesIO(data) if step is None else Dribble(data, step)
    batches = list(read_json_events(stream, facts, **options))
    found = [r for b in batches for r in zip(b.offsets, b.numbers, b.texts, strict=True)]
    assert facts.classes.total() == facts.size == len(data), facts
    assert facts.records == len(found)
    assert not any("\n" in text or "\r" in text for _, _, text in found)
    assert [offset for offset, _, _ in found] == sorted({offset for offset, _, _ in found})
    return found, facts


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("step", [None, 7])
def test_every_layout_gives_the_same_records(layout, encoding, step):
    text = LAYOUTS[layout](EVENTS)
    data = text.encode(encoding)
    found, facts = read(data, step)
    assert [json.loads(text) for _, _, text in found] == EVENTS
    assert facts.skipped == {}
    assert facts.channels == ["Security"]
    assert facts.computers == ["ex01.example.com"]
    at = datetime(2021, 3, 3, 4, 0, tzinfo=UTC)
    assert facts.spans == [(at, at.replace(second=4))]
    assert facts.classes.cut == facts.classes.nul == facts.classes.undecodable == 0
    for offset, line, record in found:
        at, raw = locate(io.BytesIO(data), offset, line)
        assert at == offset
        assert raw == data[offset : offset + len(raw)]
        codec = "utf-16-be" if data[:1] in (b"\0", b"\xfe") else "utf-16-le"
        plain = raw.decode("utf-8" if encoding.startswith("utf-8") else codec)
        assert json.loads(plain) == json.loads(record)
        before = data[:offset].decode(encoding if encoding != "utf-16" else "utf-16")
        assert line == before.count("\n") + 1


@pytest.mark.parametrize("layout", ["lines", "array, one a line", "array, spread", "powershell"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda d, a, b: d[:a] + d[a + 9 :],  # the beginning is gone
        lambda d, a, b: d[: b - 9] + d[b:],  # the end
        lambda d, a, b: d[: a + 40] + b'"' + d[a + 40 :],  # a quote too many
        lambda d, a, b: d[: a + 30] + bytes(12) + d[a + 42 :],
        lambda d, a, b: d[: a + 30] + b"{{{" + d[a + 30 :],
        lambda d, a, b: d[: a + 30] + b"}}}" + d[a + 30 :],
    ],
)
def test_damage_costs_the_damaged_record_only(layout, damage):
    data = LAYOUTS[layout](EVENTS).encode()
    found, _ = read(data)
    start, end = found[2][0], found[2][0] + len(locate(io.BytesIO(data), *found[2][:2])[1])
    found, facts = read(damage(data, start, end))
    rows = [flatten(t, artifact="", host="", offset=o, number=n) for o, n, t in found]
    kept = {int(r.fields["EventRecordID"]) for r in rows if isinstance(r, Row)}
    assert {0, 1, 4} <= kept
    assert 3 in kept or layout != "lines"
    assert facts.skipped.get("json", 0) >= 1 or 2 in kept
    assert facts.classes.cut > 0 or 2 in kept


def test_what_a_crash_left_and_what_is_too_long():
    data = lines(EVENTS[:2]).encode() + bytes(4096) + lines(EVENTS[2:]).encode() + b'{"EventID":1'
    found, facts = read(data)
    assert len(found) == 5
    assert (facts.classes.nul, facts.classes.cut) == (4096, 12)
    assert facts.skipped == {"json": 1}
    assert (facts.losses[0].offset, facts.losses[0].size) == (len(data) - 12, 12)
    long = lines([EVENTS[0], event(1, x="y" * 5000), EVENTS[2]]).encode()
    found, facts = read(long, record_bytes=2000)
    assert [json.loads(t)["RecordNumber"] for _, _, t in found] == [0, 2]
    assert facts.skipped == {"too-long": 1}


def test_bytes_that_are_no_text_are_marked_and_counted():
    found, facts = read(b'{"EventID":1,"a":"\xe9"}\n')
    assert found[0][2] == '{"EventID":1,"a":"⟨E9⟩"}'
    assert facts.classes.undecodable == 1


def test_the_halves_of_a_character_at_the_end():
    data = lines(EVENTS).encode("utf-16") + b"\0"
    found, facts = read(data)
    assert len(found) == 5
    assert facts.classes.cut == 1


@pytest.mark.parametrize("filler", [b'{"a\n"x', b"{", b'{"a":', b'{\n{"', b"}{x", b'{"\\\n'])
def test_work_on_garbage_is_bounded(filler):
    found, facts = read(filler * (400_000 // len(filler)) + b"\n" + lines(EVENTS[:1]).encode())
    assert facts.classes.cut > 300_000
    assert len(found) <= 1


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(LAYOUTS)),
    st.sampled_from(ENCODINGS),
    st.lists(st.tuples(st.integers(0, 2500), st.integers(0, 9), st.binary(max_size=9)), max_size=4),
    st.sampled_from([None, 3, 1000]),
)
def test_every_byte_of_damaged_exports_is_in_one_class(layout, encoding, damages, step):
    data = LAYOUTS[layout](EVENTS).encode(encoding)
    for at, size, put in damages:
        data = data[:at] + put + data[at + size :]
    read(data, step)
