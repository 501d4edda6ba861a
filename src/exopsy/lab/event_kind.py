"""A kind of event and its values -> templates and value bytes, as the writer takes them.

Three shapes of data, as Windows has them: fields with names (``EventData``), a list without names
(classic sources: the values are one array of strings), and an element of its own (``UserData``).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Literal, NamedTuple

from exopsy.lab.evtx_template import Element, Hole, Template
from exopsy.lab.evtx_values import TYPES, Value, ValueType, filetime, sid_bytes

NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
_TIME = struct.Struct("<Q")
_EXECUTION = struct.Struct("<II")


class Kind(NamedTuple):
    """What all events of one number of one source have in common."""

    channel: str
    provider: str
    event_id: int
    fields: tuple[tuple[str, str], ...] = ()
    """Name and type of each value; a classic list has none."""
    guid: str = ""
    """Of the provider; classic sources have none."""
    version: int = 0
    level: int = 4
    task: int = 0
    opcode: int = 0
    keywords: int = 0x8000000000000000
    qualifiers: int | None = None
    source: str = ""
    """``EventSourceName``, where a classic source has a manifest now."""
    shape: Literal["named", "list", "user"] = "named"
    element: str = ""
    """Of ``UserData``: the element's name; of ``EventData``: its ``Name`` attribute, if any."""
    namespace: str = ""
    user: str = ""
    """SID of the account in the System part, unless an event says otherwise."""


class Event(NamedTuple):
    """One event; ``values`` run in step with the kind's fields, a list holds just its strings."""

    at: float
    """Seconds since 1970, UTC."""
    kind: Kind
    values: Sequence[Value]
    process: int = 4
    thread: int = 96
    user: str = ""
    activity: str = ""
    """``ActivityID`` of the System part."""


class Encoded(NamedTuple):
    """What ``EvtxWriter.write`` takes."""

    time: int
    outer: Template
    head: bytes
    tail: bytes
    inner: Template
    data: bytes


class _System(NamedTuple):
    """The part of an event's head and tail that stays."""

    before: bytes
    tail: bytes


class KindEncoder:
    """Encodes the events of one kind for one computer."""

    def __init__(self, kind: Kind, computer: str) -> None:
        self.kind = kind
        self.outer = _system_template(kind, computer)
        self.inner, types = _data_template(kind)
        self._types = types
        self._numbers = [t.number for t in types]
        self._descriptors = struct.Struct(f"<I{2 * len(types)}H")
        self._systems: dict[tuple[str, bool], _System] = {}

    def encode(self, event: Event) -> Encoded:
        """Encode an event of this kind.

        Raises:
            ValueError: it has not as many values as its kind, or one that is too long.
        """
        values = event.values
        if self.kind.shape == "list":
            values = [[str(text) for text in event.values], None]
        if len(values) != len(self._types):
            count, right = len(values), len(self._types)
            raise ValueError(f"event {self.kind.event_id} has {right} values, not {count}")
        parts = [
            b"" if v is None else t.encode(v) for t, v in zip(self._types, values, strict=True)
        ]
        numbers = self._numbers
        if None in values:
            numbers = [0 if v is None else n for n, v in zip(numbers, values, strict=True)]
        return self.join(event, parts, numbers)

    def join(self, event: Event, parts: Sequence[bytes], numbers: Sequence[int] = ()) -> Encoded:
        """Encode an event whose values are bytes already."""
        system = self._systems.get((event.user, bool(event.activity)))
        if system is None:
            system = self._system(event)
        time = filetime(event.at)
        head = system.before + _TIME.pack(time)
        if event.activity:
            head += TYPES["guid"].encode(event.activity)
        head += _EXECUTION.pack(event.process, event.thread)
        sizes = [0] * (2 * len(parts))
        sizes[::2] = map(len, parts)
        sizes[1::2] = numbers or self._numbers
        if max(sizes, default=0) > 0xFFFF:
            raise ValueError(f"event {self.kind.event_id} has a value of more than 65535 bytes")
        data = self._descriptors.pack(len(parts), *sizes) + b"".join(parts)
        return Encoded(time, self.outer, head, system.tail, self.inner, data)

    def _system(self, event: Event) -> _System:
        """Prepare the System part for events of one account, with or without an activity."""
        kind, has_activity = self.kind, bool(event.activity)
        sid = event.user or kind.user
        # the numbers are those of Windows' own templates
        values: dict[int, tuple[str, bytes]] = {
            0: ("u8", bytes((kind.level,))),
            1: ("u8", bytes((kind.opcode,))),
            2: ("u16", struct.pack("<H", kind.task)),
            3: ("u16", struct.pack("<H", kind.event_id)),
            5: ("hex64", struct.pack("<Q", kind.keywords)),
            6: ("filetime", bytes(8)),
            8: ("u32", bytes(4)),
            9: ("u32", bytes(4)),
            10: ("u64", bytes(8)),
            11: ("u8", bytes((kind.version,))),
        }
        if kind.qualifiers is not None:
            values[4] = ("u16", struct.pack("<H", kind.qualifiers))
        if has_activity:
            values[7] = ("guid", bytes(16))
        if sid:
            values[12] = ("sid", sid_bytes(sid))
        if _is_generic(kind):
            values[14] = ("string", kind.provider.encode("utf-16-le"))
            values[15] = ("guid", TYPES["guid"].encode(kind.guid))
            values[16] = ("string", kind.channel.encode("utf-16-le"))
        last = 17 if _is_generic(kind) else 19
        values[last] = ("xml", b"")
        count = struct.pack("<I", last + 1)
        descriptors = b"".join(
            struct.pack("<HH", len(values[i][1]), TYPES[values[i][0]].number)
            if i in values
            else bytes(4)
            for i in range(last + 1)
        )
        before = b"".join(values[i][1] for i in range(6) if i in values)
        tail = b"".join(values[i][1] for i in range(11, last) if i in values)
        made = _System(count + descriptors + before, tail)
        self._systems[event.user, has_activity] = made
        return made


def _is_generic(kind: Kind) -> bool:
    """Say whether provider and channel are values; classic sources have them in the template."""
    return bool(kind.guid) and not kind.source


def _system_template(kind: Kind, computer: str) -> Template:
    generic = _is_generic(kind)
    is_classic = not kind.guid
    provider: list[tuple[str, str | Hole]] = [
        ("Name", Hole(14, "string") if generic else kind.provider)
    ]
    if generic:
        provider.append(("Guid", Hole(15, "guid")))
    elif kind.guid:
        provider += [("Guid", f"{{{kind.guid.lower()}}}"), ("EventSourceName", kind.source)]
    last = 17 if generic else 19

    def value(name: str, index: int, type_: str) -> Element:
        return Element(name, (), (Hole(index, type_),), index)

    children = [
        Element("Provider", tuple(provider)),
        Element("EventID", (("Qualifiers", Hole(4, "u16")),), (Hole(3, "u16"),), 3),
        *([] if is_classic else [value("Version", 11, "u8")]),
        value("Level", 0, "u8"),
        value("Task", 2, "u16"),
        *([] if is_classic else [value("Opcode", 1, "u8")]),
        value("Keywords", 5, "hex64"),
        Element("TimeCreated", (("SystemTime", Hole(6, "filetime")),)),
        value("EventRecordID", 10, "u64"),
    ]
    if not is_classic:
        related = ("RelatedActivityID", Hole(13, "guid"))
        children += [
            Element("Correlation", (("ActivityID", Hole(7, "guid")), related)),
            Element("Execution", (("ProcessID", Hole(8, "u32")), ("ThreadID", Hole(9, "u32")))),
        ]
    children += [
        Element("Channel", (), (Hole(16, "string"),), 16)
        if generic
        else Element("Channel", (), (kind.channel,)),
        Element("Computer", (), (computer,)),
        Element("Security", (("UserID", Hole(12, "sid")),)),
    ]
    system = Element("System", (), tuple(children))
    return Template(
        Element("Event", (("xmlns", NAMESPACE),), (system, Hole(last, "xml")), depends_on=last)
    )


def _data_template(kind: Kind) -> tuple[Template, list[ValueType]]:
    """Return the template of the data, and the types of its values."""
    if kind.shape == "list":
        data = Element("Data", (), (Hole(0, "strings"),), 0)
        binary = Element("Binary", (), (Hole(1, "binary"),))
        root = Element("EventData", (), (data, binary))
        return Template(root), [TYPES["strings"], TYPES["binary"]]
    types = [TYPES[type_] for _, type_ in kind.fields]
    if kind.shape == "user":
        fields = tuple(
            Element(name, (), (Hole(i, type_),), i) for i, (name, type_) in enumerate(kind.fields)
        )
        named = Element(kind.element, (("xmlns", kind.namespace),), fields)
        return Template(Element("UserData", (), (named,))), types
    items = tuple(
        Element(name, (), (Hole(i, type_),), i)
        if type_ == "binary"
        else Element("Data", (("Name", name),), (Hole(i, type_, is_optional=False),))
        for i, (name, type_) in enumerate(kind.fields)
    )
    attributes: tuple[tuple[str, str | Hole], ...] = (
        (("Name", kind.element),) if kind.element else ()
    )
    return Template(Element("EventData", attributes, items)), types
