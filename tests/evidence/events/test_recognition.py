"""Event logs are known by what is in them."""

from __future__ import annotations

import io
import json

import pytest
from event_logs import chunk, log

from exopsy.evidence import registry
from exopsy.schema.event import EventLogFacts

EVENT = {"EventID": 1, "Channel": "Security", "Hostname": "ex01.example.com"}
FORWARDED = {"winlog": {"channel": "Security", "event_id": 1}}


def kind(head: bytes, path: str = "0007.bin") -> str | None:
    spec = registry.recognise_events(head, path)
    return None if spec is None else spec.name


@pytest.mark.parametrize(
    ("head", "path", "expected"),
    [
        (log(), "0007.bin", "evtx"),
        (chunk(1, 1), "0007.bin", "evtx"),
        (bytes(4096) + chunk(1, 1), "C/Windows/System32/winevt/Logs/Security.evtx", "evtx"),
        (bytes(4096), "Security.EVTX", "evtx"),
        (b"\x07\0" * 900, "Security.evtx", "evtx"),
        (bytes(4096) + chunk(1, 1), "0007.bin", None),
        (b"", "Security.evtx", None),
        (b"some text", "Security.evtx", None),
        (json.dumps(EVENT).encode(), "Security.evtx", "event-json"),
        (json.dumps([EVENT, EVENT], indent=2).encode("utf-16"), "a.log", "event-json"),
        (json.dumps(FORWARDED).encode("utf-8-sig"), "x", "event-json"),
        (
            b'{"torn\n' + json.dumps(EVENT).encode() + b"\n" + json.dumps(EVENT).encode(),
            "x",
            "event-json",
        ),
        (b'{"EventID": 5}', "Security.json", None),
        (b'{"a": 1}\n' * 9 + json.dumps(EVENT).encode(), "x.json", None),
        (b"[1, 2]", "x.json", None),
        (b"{" * 70_000, "x.json", None),
        (b"2021-03-03 04:00:01 192.0.2.10 GET /owa/", "u_ex210303.log", None),
    ],
)
def test_content_decides(head, path, expected):
    assert kind(head, path) == expected


def test_an_export_longer_than_its_first_bytes():
    assert kind((json.dumps([EVENT] * 5000)).encode()[:65536]) == "event-json"


def test_logs_of_lines_are_read_without_event_logs_among_them():
    """Who reads lines asks ``recognise``, and there no event log is known."""
    for head in (log(), json.dumps(EVENT).encode()):
        assert registry.recognise(head, "Security.evtx") is None
    names = {spec.name for spec in registry.FORMATS}
    assert names.isdisjoint(spec.name for spec in registry.EVENT_FORMATS)


@pytest.mark.parametrize("spec", registry.EVENT_FORMATS, ids=lambda s: s.name)
def test_every_kind_has_a_reader(spec):
    reader = registry.load_events(spec)
    data = log() if spec.name == "evtx" else json.dumps(EVENT).encode()
    facts = EventLogFacts()
    batches = list(reader.read_events(io.BytesIO(data), facts))
    assert facts.records == sum(len(b.texts) for b in batches) > 0
    at, raw = reader.locate(io.BytesIO(data), batches[0].offsets[0], batches[0].numbers[0])
    assert data[at : at + len(raw)] == raw
    assert spec.log == "windows-event"
