"""Rows of a rule's test -> events as JSON text, in the form that reading an ``.evtx`` gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from exopsy.schema.event import EventBatch

_NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
_USUAL = {
    "EventID": 0,
    "Version": 0,
    "Level": 4,
    "Task": 0,
    "Opcode": 0,
    "Keywords": "0x8000000000000000",
}
_COMPUTER = "ex01.example.com"
_SYSTEM = frozenset((*_USUAL, "Provider_Name", "Channel", "Computer", "EventRecordID", "UserID"))


def render_events(rows: Sequence[Mapping[str, Any]]) -> EventBatch:
    """Write rows as events.

    Args:
        rows: field -> value. Names of the system part (``Channel``, ``EventID``) go there, ``Data``
            is one value or a list of values without names, ``@element`` names the element of
            ``UserData`` that holds the others, ``@time`` is when; all else is named data, also
            ``EventData.Channel``, which is ``Channel`` there.
    """
    texts = [_text(number, row) for number, row in enumerate(rows, start=1)]
    numbers = list(range(1, len(texts) + 1))
    return EventBatch(texts=texts, numbers=numbers, offsets=list(range(len(texts))))


def _text(number: int, row: Mapping[str, Any]) -> str:
    moment = datetime.fromisoformat(str(row["@time"]))
    system: dict[str, Any] = {
        "Provider": {"#attributes": {"Name": row.get("Provider_Name", "Provider of the test")}},
        **{name: row.get(name, usual) for name, usual in _USUAL.items()},
        "TimeCreated": {"#attributes": {"SystemTime": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"}},
        "EventRecordID": row.get("EventRecordID", number),
        "Channel": row.get("Channel", "Application"),
        "Computer": row.get("Computer", _COMPUTER),
        "Security": {"#attributes": {"UserID": row["UserID"]}} if "UserID" in row else None,
    }
    named = {
        name.removeprefix("EventData."): value
        for name, value in row.items()
        if name not in _SYSTEM and name != "Data" and not name.startswith("@")
    }
    event: dict[str, Any] = {"#attributes": {"xmlns": _NAMESPACE}, "System": system}
    if "@element" in row:
        event["UserData"] = {row["@element"]: named}
    elif "Data" in row:
        event["EventData"] = {"Data": {"#text": row["Data"]}, **named}
    else:
        event["EventData"] = named
    return msgspec.json.encode({"Event": event}).decode()
