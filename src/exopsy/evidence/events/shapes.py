"""The JSON of one event, as any of the usual exporters writes it -> the same fields.

References:
    https://learn.microsoft.com/windows/win32/wes/eventschema-schema (the XML all of them render)
    https://www.elastic.co/docs/reference/beats/winlogbeat/exported-fields-winlog
    https://docs.nxlog.co/refman/current/im/msvistalog.html
    https://learn.microsoft.com/powershell/module/microsoft.powershell.diagnostics/get-winevent
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from exopsy.evidence.events.event_time import choose
from exopsy.evidence.events.field_bag import FieldBag, first, text_of
from exopsy.evidence.events.json_object import read_object
from exopsy.evidence.events.notes import NAMES_LOST, REPEATED_KEYS

_NUMBERED = re.compile(r"param[1-9]\d?$")

Json = dict[str, Any]
Times = tuple[object, object, object]
"""The exporter's time of the event, the event's own ``UtcTime``, the exporter's ``@timestamp``."""

_NOT_DATA = frozenset(("System", "#attributes", "xmlns", "@xmlns", "RenderingInfo", "Message"))
_SYSTEM = frozenset("Channel EventID Computer EventRecordID Level Task Opcode Version".split())
_ATTRIBUTES = (
    ("Provider", "Name", "Provider_Name"),
    ("Provider", "Guid", "Provider_Guid"),
    ("Security", "UserID", "UserID"),
    ("Execution", "ProcessID", "ProcessID"),
    ("Execution", "ThreadID", "ThreadID"),
    ("EventID", "Qualifiers", "Qualifiers"),
    ("Correlation", "ActivityID", "ActivityID"),
    ("Correlation", "RelatedActivityID", "RelatedActivityID"),
)
_LEVELS = {
    "logalways": "0",
    "critical": "1",
    "error": "2",
    "warning": "3",
    "info": "4",
    "information": "4",
    "verbose": "5",
}
_KEYWORDS = {"audit success": "0x8020000000000000", "audit failure": "0x8010000000000000"}


def shape_of(doc: Json) -> Callable[[Json, FieldBag], Times] | None:
    """Say which function reads an object; None when it is no event."""
    if type(doc.get("Event")) is dict or type(doc.get("System")) is dict:
        return rendered
    if "winlog" in doc or "winlog.channel" in doc or "winlog.event_id" in doc:
        return winlogbeat
    if "event_data" in doc and ("event_id" in doc or "log_name" in doc):
        return winlogbeat
    if "EventId" in doc and ("Payload" in doc or "Provider" in doc):
        return evtxecmd
    if "Id" in doc and ("LogName" in doc or "ProviderName" in doc):
        return get_winevent
    if "EventID" in doc or "EventId" in doc:
        return flat
    return None


def unwrapped(doc: Json) -> Json:
    """Return the event inside the envelope in which a search engine hands it out."""
    for name in ("_source", "fields"):
        inner = doc.get(name)
        if type(inner) is dict and "_index" in doc:
            return inner
    return doc


def rendered(doc: Json, bag: FieldBag) -> Times:
    """Read the event's own XML as JSON, attributes inside or beside their elements.

    ``{"Event": {"System": {...}, "EventData": {...}}}``; without the outer object too.
    """
    event = doc["Event"] if type(doc.get("Event")) is dict else doc
    system = event.get("System")
    if type(system) is list:
        system = next((item for item in system if type(item) is dict), None)
    if type(system) is not dict:
        system = {}
    for name, value in system.items():
        if name in _SYSTEM:
            bag.system(name, value)
        elif name == "Keywords":
            bag.system(name, _keywords(value))
    for element, name, target in _ATTRIBUTES:
        found = system.get(element)
        inside = found.get("#attributes") if type(found) is dict else None
        # as the library writes it, or in any other of the ways
        value = inside.get(name) if type(inside) is dict else _attribute(system, element, name)
        if value is not None:
            bag.system(target, value)
    bare = event is doc
    for name, value in event.items():
        # the exporters that leave the outer object out add things of their own beside the parts
        if name not in _NOT_DATA and (not bare or name in ("EventData", "UserData")):
            if value is None or name.endswith("_attributes"):
                continue
            bag.put_body(value)
    return _attribute(system, "TimeCreated", "SystemTime"), None, None


def winlogbeat(doc: Json, bag: FieldBag) -> Times:
    """Read Elastic's fields, nested or with dots in their names; also those of before version 7."""
    winlog = _inner(doc, "winlog") or doc
    host = _inner(doc, "host")
    process = _inner(winlog, "process")
    bag.system("Channel", winlog.get("channel", doc.get("log_name")))
    bag.system("EventID", winlog.get("event_id", _inner(doc, "event").get("code")))
    bag.system("Provider_Name", winlog.get("provider_name", doc.get("source_name")))
    computer = winlog.get("computer_name")
    bag.system("Computer", host.get("name") if computer is None else computer)
    bag.system("EventRecordID", winlog.get("record_id", doc.get("record_number")))
    bag.system("Level", _level(_inner(doc, "log").get("level", doc.get("level"))))
    bag.system("Task", winlog.get("task"))
    bag.system("Keywords", _keywords(winlog.get("keywords")))
    bag.system("UserID", _inner(winlog, "user").get("identifier"))
    bag.system("ProcessID", process.get("pid", doc.get("process_id")))
    bag.system("ThreadID", _inner(process, "thread").get("id", doc.get("thread_id")))
    bag.system("Opcode", winlog.get("opcode"))
    bag.system("Version", winlog.get("version"))
    bag.system("Provider_Guid", winlog.get("provider_guid"))
    bag.system("ActivityID", winlog.get("activity_id"))
    bag.system("RelatedActivityID", winlog.get("related_activity_id"))
    data = _inner(winlog, "event_data")
    bag.put_body(data)
    _number_names(data, bag)
    bag.put_body(_inner(winlog, "user_data"))
    stamp = first(doc.get("@timestamp"))
    return stamp, None, None


_FLAT: dict[str, tuple[str, ...]] = {
    "Channel": ("Channel",),
    "EventID": ("EventID", "EventId"),
    "Provider_Name": ("Provider_Name", "SourceName", "ProviderName", "Provider"),
    "Computer": ("Computer", "Hostname", "ComputerName"),
    "EventRecordID": ("EventRecordID", "RecordNumber", "EventRecordId"),
    "Level": ("Level",),
    "Task": ("Task",),
    "Keywords": ("Keywords",),
    "UserID": ("UserID", "UserSID"),
    "ProcessID": ("ExecutionProcessID", "ProcessID"),
    "ThreadID": ("ExecutionThreadID", "ThreadID"),
    "Opcode": ("OpcodeValue", "Opcode"),
    "Version": ("Version",),
    "Qualifiers": ("Qualifiers",),
    "Provider_Guid": ("Provider_Guid", "ProviderGuid"),
    "ActivityID": ("ActivityID",),
    "RelatedActivityID": ("RelatedActivityID",),
}
_FLAT_TIMES = ("EventTime", "TimeCreated", "SystemTime", "TimeGenerated")
_FLAT_REST = frozenset(
    """
    EventReceivedTime EventTimeWritten SourceModuleName SourceModuleType Severity SeverityValue
    EventType AccountType Category Message @timestamp @version OpcodeValue EventData UserData
    """.split()
).union(_FLAT_TIMES, *_FLAT.values())


def flat(doc: Json, bag: FieldBag) -> Times:
    """Read an object in which the system's and the data's values stand side by side (NXLog)."""
    for name, sources in _FLAT.items():
        value = next((doc[source] for source in sources if doc.get(source) is not None), None)
        if value is not None:
            fix = _keywords if name == "Keywords" else _level if name == "Level" else None
            bag.system(name, value if fix is None else fix(value))
    for name, value in doc.items():
        if name in _FLAT_REST:
            continue
        if name == "Data" or (name[:5] == "Data_" and name[5:].isdigit()):
            bag.put_unnamed(value)
        else:
            bag.put_all(name, value)
    for part in ("EventData", "UserData"):
        if (body := doc.get(part)) is not None:
            bag.put_body(_inner_text(body, bag))
    stated = next((doc[name] for name in _FLAT_TIMES if doc.get(name) is not None), None)
    return stated, bag.fields.get("UtcTime"), first(doc.get("@timestamp"))


def evtxecmd(doc: Json, bag: FieldBag) -> Times:
    """Read EvtxECmd's columns: the data is a JSON text of its own in ``Payload``.

    ``PayloadData1`` to ``6`` are its maps' extracts from the same data; they become fields only
    where the payload can't be read.
    """
    bag.system("Channel", doc.get("Channel"))
    bag.system("EventID", doc.get("EventId"))
    bag.system("Provider_Name", doc.get("Provider"))
    bag.system("Computer", doc.get("Computer"))
    bag.system("EventRecordID", doc.get("EventRecordId", doc.get("EventRecordID")))
    bag.system("Level", _level(doc.get("Level")))
    bag.system("Keywords", _keywords(doc.get("Keywords")))
    bag.system("UserID", doc.get("UserId", doc.get("UserID")))
    bag.system("ProcessID", doc.get("ProcessId", doc.get("ProcessID")))
    bag.system("ThreadID", doc.get("ThreadId", doc.get("ThreadID")))
    payload = _inner_text(doc.get("Payload"), bag)
    if type(payload) is dict:
        for name in ("EventData", "UserData"):
            if (body := payload.get(name)) is not None:
                bag.put_body(body)
        if "EventData" not in payload and "UserData" not in payload:
            bag.put_body(payload)
    else:
        bag.put("Payload", payload)
        for name, value in doc.items():
            if name.startswith("PayloadData"):
                bag.put_all(name, value)
    return doc.get("TimeCreated"), bag.fields.get("UtcTime"), None


def get_winevent(doc: Json, bag: FieldBag) -> Times:
    """Read what ``Get-WinEvent | ConvertTo-Json`` makes: the data's values are without names."""
    bag.system("Channel", doc.get("LogName"))
    bag.system("EventID", doc.get("Id"))
    bag.system("Provider_Name", doc.get("ProviderName"))
    bag.system("Computer", doc.get("MachineName"))
    bag.system("EventRecordID", doc.get("RecordId"))
    bag.system("Level", doc.get("Level"))
    bag.system("Task", doc.get("Task"))
    bag.system("Keywords", _keywords(doc.get("Keywords")))
    bag.system("UserID", doc.get("UserId"))
    bag.system("ProcessID", doc.get("ProcessId"))
    bag.system("ThreadID", doc.get("ThreadId"))
    bag.system("Opcode", doc.get("Opcode"))
    bag.system("Version", doc.get("Version"))
    bag.system("Qualifiers", doc.get("Qualifiers"))
    bag.system("Provider_Guid", doc.get("ProviderId"))
    bag.system("ActivityID", doc.get("ActivityId"))
    bag.system("RelatedActivityID", doc.get("RelatedActivityId"))
    properties = doc.get("Properties")
    if type(properties) is dict:  # {"value": [...], "Count": 2}
        properties = properties.get("value", properties)
    for item in properties if type(properties) is list else (properties,):
        value = item.get("Value") if type(item) is dict else item
        if type(value) is dict:  # a security identifier: {"BinaryLength": 12, "Value": "S-1-5-18"}
            value = value.get("Value")
        # what ConvertTo-Json writes for an object deeper than it was told to go
        if type(value) is str and value.startswith("System.Diagnostics.Eventing.Reader."):
            value = None
        bag.put_unnamed(value)
    bag.note(NAMES_LOST)
    return doc.get("TimeCreated"), None, None


def time_of(times: Times, bag: FieldBag) -> Any:  # noqa: ANN401 - datetime or None
    """Choose the event's time and note it where there was a choice."""
    moment, word = choose(*times)
    bag.note(word)
    return moment


def _inner(doc: Json, name: str) -> Json:
    """Return an object, whether it is one or its names are written with dots (``winlog.channel``)."""
    found = doc.get(name)
    if type(found) is list:
        found = next((item for item in found if type(item) is dict), None)
    prefix = f"{name}."
    dotted = {key[len(prefix) :]: value for key, value in doc.items() if key.startswith(prefix)}
    if type(found) is not dict:
        return dotted
    return {**dotted, **found} if dotted else found


def _inner_text(value: Any, bag: FieldBag) -> Any:  # noqa: ANN401 - JSON
    """Return what a JSON text inside a value says; the value itself where it is none."""
    if type(value) is not str or value[:1] != "{":
        return value
    found = read_object(value.encode("utf-8", "backslashreplace"))
    if isinstance(found, str):
        return value
    if found[1]:
        bag.note(REPEATED_KEYS)
    return found[0]


def _attribute(system: Json, element: str, name: str) -> object:
    """Return an attribute, inside its element or beside it (``Provider_attributes``)."""
    found = system.get(element)
    if type(found) is list:
        found = next((item for item in found if type(item) is dict), None)
    if type(found) is not dict or ("#text" in found and "#attributes" not in found):
        beside = system.get(f"{element}_attributes")
        found = beside if type(beside) is dict else found
        if type(found) is not dict:
            return None
    inside = found.get("#attributes", found)
    if type(inside) is not dict:
        return None
    value = inside.get(name)
    return inside.get(f"@{name}") if value is None else value


def _number_names(data: Json, bag: FieldBag) -> None:
    """Add ``param1``, ``param2`` as ``Data`` too: so Winlogbeat calls data without names.

    It leaves empty ones out; their places are kept.
    """
    numbers = [int(name[5:]) for name in data if _NUMBERED.match(name)]
    for number in range(1, max(numbers, default=0) + 1):
        bag.put_unnamed(data.get(f"param{number}"))


def _keywords(value: Any) -> object:  # noqa: ANN401 - JSON
    """Write keywords as the log does: a hexadecimal mask of 64 bits."""
    value = first(value)
    if type(value) is str:
        if value.startswith("0x"):
            return value
        if value.lstrip("-").isdecimal() and len(value) < 21:
            value = int(value)
        else:
            return _KEYWORDS.get(value.lower(), value)
    return hex(value & (1 << 64) - 1) if type(value) is int else value


def _level(value: Any) -> object:  # noqa: ANN401 - JSON
    """Write a level as the log does, as a number; words that are not English stay."""
    text = text_of(first(value))
    return None if text is None else _LEVELS.get(text.lower(), text)
