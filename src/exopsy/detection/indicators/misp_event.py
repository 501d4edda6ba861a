"""MISP events as JSON (one, several, or a search's answer) -> the values of their attributes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from exopsy.detection.indicators.content import name_key
from exopsy.detection.indicators.reader import EntryTaker
from exopsy.schema.indicator import Details

MOST_LABEL = 200


class _Tag(msgspec.Struct):
    name: str = ""


class _Attribute(msgspec.Struct):
    type: str = ""
    value: str = ""
    uuid: str = ""
    comment: str = ""
    to_ids: bool = False
    deleted: bool = False
    first_seen: str | None = None
    last_seen: str | None = None
    Tag: list[_Tag] = []


class _Object(msgspec.Struct):
    name: str = ""
    Attribute: list[msgspec.Raw] = []


class _Event(msgspec.Struct):
    info: str = ""
    date: str = ""
    Attribute: list[msgspec.Raw] = []
    Object: list[_Object] = []
    Tag: list[_Tag] = []


class _Outer(msgspec.Struct):
    Event: _Event | None = None
    response: msgspec.Raw = msgspec.Raw(b"null")
    Attribute: list[msgspec.Raw] | None = None


def read_misp_event(data: bytes | memoryview | msgspec.Raw, taker: EntryTaker) -> None:
    """Take all attributes.

    Raises:
        msgspec.MsgspecError: it is nothing that MISP writes.
        RecursionError: it is nested too deeply.
    """
    number = 0
    for event in _events(data):
        tlp = _tlp(event.Tag)
        for raw, label in _attributes(event):
            number += 1
            try:
                found = msgspec.json.decode(raw, type=_Attribute, strict=False)
            except (msgspec.MsgspecError, RecursionError):
                text = bytes(raw)[:120].decode("utf-8", "replace")
                taker.refuse("bad-entry", number, text, where="attribute")
                continue
            _take(found, number, label, event.date, tlp, taker)


def _events(data: bytes | memoryview | msgspec.Raw, depth: int = 0) -> Iterator[_Event]:
    start = bytes(data[:64] if not isinstance(data, msgspec.Raw) else bytes(data)[:64]).lstrip()
    if start.startswith(b"["):
        outers = msgspec.json.decode(data, type=list[_Outer])
    else:
        outers = [msgspec.json.decode(data, type=_Outer)]
    for outer in outers:
        if outer.Event is not None:
            yield outer.Event
        elif outer.Attribute is not None:
            yield _Event(Attribute=outer.Attribute)
        elif depth < 2 and bytes(outer.response) != b"null":
            yield from _events(outer.response, depth + 1)


def _attributes(event: _Event) -> Iterator[tuple[msgspec.Raw, str]]:
    for raw in event.Attribute:
        yield raw, event.info
    for thing in event.Object:
        for raw in thing.Attribute:
            yield raw, f"{event.info} ({thing.name})" if thing.name else event.info


def _take(
    found: _Attribute, number: int, label: str, date: str, tlp: str, taker: EntryTaker
) -> None:
    where = "attribute"
    if found.deleted:
        taker.report.note("deleted attributes passed over")
        return
    types = [part.strip() for part in found.type.split("|")]
    values = found.value.split("|", len(types) - 1)
    if not found.to_ids and not taker.options.all_attributes:
        taker.refuse("not-for-detection", number, f"{found.type}: {found.value}", where=where)
        return
    if len(types) != len(values):
        taker.refuse("malformed", number, f"{found.type}: {found.value}", where=where)
        return
    details = Details(
        id=found.uuid[:MOST_LABEL],
        label=(f"{label}: {found.comment}" if found.comment else label)[:MOST_LABEL],
        valid_from=(found.first_seen or date)[:40],
        valid_until=(found.last_seen or "")[:40],
        tlp=_tlp(found.Tag) or tlp,
    )
    for name, value in zip(types, values, strict=True):
        if name == "port":
            taker.report.note("ports of composite attributes left out")
            continue
        key = name_key(name)
        kind, is_hash = taker.is_kind(key), key in taker.words.hashes
        if kind is None and not is_hash:
            taker.refuse("unsupported-type", number, f"{found.type}: {value}", where=where)
            continue
        taker.take(value, number, kind=kind, is_hash=is_hash, details=details, where=where)


def _tlp(tags: list[_Tag]) -> str:
    for tag in tags:
        if tag.name.lower().startswith("tlp:"):
            return tag.name[4:24].lower()
    return ""


def looks_like_misp(keys: dict[str, Any]) -> bool:
    """Say whether the outer keys of a JSON object are those of MISP."""
    return bool({"Event", "response", "Attribute"} & set(keys))
