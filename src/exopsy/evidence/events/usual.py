"""The text of an event as the library writes nearly all of them -> its values, then its fields.

Most events that are looked at match no rule, so their values are had without making fields of them.

What stands before the time is the same in all events of one kind: it is decoded once for each. The
few values between it and the data are taken by their places, and the data must be an object of plain
values. Whatever looks otherwise, and be it by one space, is left to ``shapes``: that is the
definition, and a test holds both equal.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from datetime import datetime

import msgspec

from exopsy.core.clock import parse_utc
from exopsy.core.limits import Limits
from exopsy.evidence.events.field_bag import RESERVED, FieldBag
from exopsy.evidence.events.json_object import read_object
from exopsy.evidence.events.shapes import rendered

_Data = dict[str, str | int | bool | None]
_TIME = '"TimeCreated":{'
_PLAIN = r'[^"\\\x00-\x1f]'
_INTEGER = r"0|[1-9]\d{0,17}"
_MIDDLE = re.compile(
    rf'"TimeCreated":\{{"#attributes":\{{"SystemTime":"({_PLAIN}{{1,64}}+)"\}}\}},'
    rf'"EventRecordID":({_INTEGER}),'
    rf'(?:"Correlation":(?:null|\{{"#attributes":\{{"ActivityID":"({_PLAIN}{{2,64}}+)"'
    rf'(?:,"RelatedActivityID":"({_PLAIN}{{2,64}}+)")?+\}}\}}),)?+'
    rf'(?:"Execution":\{{"#attributes":\{{"ProcessID":({_INTEGER}),"ThreadID":({_INTEGER})\}}\}},)?+'
    rf'"Channel":"({_PLAIN}{{2,256}}+)","Computer":"({_PLAIN}{{2,256}}+)",'
    rf'"Security":(?:null|\{{"#attributes":\{{"UserID":"({_PLAIN}{{2,256}}+)"\}}\}})\}},'
    r'"EventData":(?=\{)',
    re.ASCII,
).match
_KNOWN = frozenset("Provider EventID Version Level Task Opcode Keywords TimeCreated".split())
_LONGEST = 2_000
_MOST = 1_024
_LONG_VALUE = Limits().event_value
_MOST_FIELDS = Limits().event_fields
_RESERVED = frozenset(name.lower() for name in RESERVED)
_NOTHING = ("", "-", None)
_decode = msgspec.json.Decoder(_Data).decode
_encode = msgspec.json.Encoder().encode


class _Kind(msgspec.Struct, frozen=True):
    """What is said before the time: in the order of the fields, around those behind it."""

    head: str
    first: dict[str, str]
    """``EventID``, ``Level``, ``Task``, ``Keywords``."""
    provider: dict[str, str]
    before: dict[str, str]
    """Given way to data of that name, as ``yielding``: ``Version``, ``Opcode``, ``Provider_Guid``."""
    behind: dict[str, str]
    """The same, behind the ids of process and thread: ``Qualifiers``."""


_NOT_TOLD = frozenset("EventRecordID ProcessID ThreadID ActivityID RelatedActivityID".split())
"""Fields of the system part that an ``Event`` does not tell; of the data they may be."""


class UsualEvent(msgspec.Struct, frozen=True):
    """The values of one event."""

    raw: bytes
    kind: _Kind
    moment: datetime
    data: _Data
    number: str
    activity: str | None
    related: str | None
    process: str | None
    thread: str | None
    channel: str
    computer: str
    user: str | None

    def told(self, names: tuple[str, ...]) -> Hashable:
        """Return something that is equal only for events whose fields of these names are equal."""
        values = tuple(map(self.data.get, names))
        # True is equal to 1, and they are different texts
        return self.kind.head, self.channel, self.computer, self.user, values, (*map(type, values),)

    def fields(self) -> dict[str, str]:
        """Return the fields as ``shapes`` would make them, in their order."""
        kind = self.kind
        fields = {
            **kind.first,
            "EventRecordID": self.number,
            "Channel": self.channel,
            "Computer": self.computer,
            **kind.provider,
        }
        if self.user is not None:
            fields["UserID"] = self.user
        for name, value in self.data.items():
            if value not in _NOTHING:
                fields[name] = value if type(value) is str else _written(value)
        for name, text in kind.before.items():
            fields.setdefault(name, text)
        if self.process is not None and self.thread is not None:
            fields.setdefault("ProcessID", self.process)
            fields.setdefault("ThreadID", self.thread)
        for name, text in kind.behind.items():
            fields.setdefault(name, text)
        if self.activity is not None:
            fields.setdefault("ActivityID", self.activity)
        if self.related is not None:
            fields.setdefault("RelatedActivityID", self.related)
        return fields


_kinds: dict[str, _Kind | None] = {}
_plain_names: set[tuple[str, ...]] = set()


def read_usual(text: str) -> UsualEvent | None:
    """Return the values of an event, or None where it has to be looked at closely.

    Args:
        text: one JSON object.
    """
    at = text.find(_TIME)
    head = text[:at] if 0 < at < _LONGEST else ""
    kind = _kinds[head] if head in _kinds else _look(head)
    if kind is None or len(text) > _LONG_VALUE:
        return None
    found = _MIDDLE(text, at)
    if found is None or not text.endswith("}}"):
        return None
    time, *others = found.groups()
    moment = parse_utc(time) if time[-1] == "Z" else None
    if moment is None:
        return None
    try:
        raw = text.encode()
        inner = raw[found.end() : -2] if len(raw) == len(text) else text[found.end() : -2].encode()
        data = _decode(inner)
    except (UnicodeEncodeError, msgspec.MsgspecError, RecursionError):
        return None
    names = tuple(data)
    # What comes out as it went in says no name twice.
    if (names not in _plain_names and not _are_plain(names)) or _encode(data) != inner:
        return None
    return UsualEvent(raw, kind, moment, data, *others)


def _written(value: object) -> str:
    return str(value) if type(value) is int else "true" if value else "false"


def _look(head: str) -> _Kind | None:
    """Decode what stands before the time; None where it is more than what is usual."""
    if len(_kinds) >= _MOST:  # evidence can make up no end of them
        _kinds.clear()
    made = _kinds[head] = _kind_of(head)
    return made


def _kind_of(head: str) -> _Kind | None:
    try:
        found = read_object((head + '"TimeCreated":null}}}').encode())
    except UnicodeEncodeError:
        return None
    if isinstance(found, str) or found[1]:
        return None
    event = found[0].get("Event")
    if type(event) is not dict or not event.keys() <= {"#attributes", "System"}:
        return None
    # with the time at its end, and closed behind it: so here the names of the system part go on
    system = event.get("System")
    if type(system) is not dict or [*system][-1:] != ["TimeCreated"] or system.keys() - _KNOWN:
        return None
    bag = FieldBag()
    rendered(found[0], bag)
    if bag.notes or bag.items or "EventID" not in bag.fields or "UserID" in bag.fields:
        return None
    first = {name: text for name, text in bag.fields.items() if name != "Provider_Name"}
    provider = {name: text for name, text in bag.fields.items() if name == "Provider_Name"}
    behind = {name: text for name, text in bag.yielding.items() if name == "Qualifiers"}
    before = {name: text for name, text in bag.yielding.items() if name != "Qualifiers"}
    return _Kind(head, first, provider, before, behind)


def _are_plain(names: tuple[str, ...]) -> bool:
    """Say whether data of such names becomes fields of these names."""
    for name in names:
        if name == "Data" or name[:1] == "#" or name.lower() in _RESERVED:
            return False
    if len(names) > _MOST_FIELDS:
        return False
    if len(_plain_names) >= _MOST:
        _plain_names.clear()
    _plain_names.add(names)
    return True


class Usual:
    """What others may know of the usual layout."""

    def read(self, text: str) -> UsualEvent | None:
        """Return the values of an event, or None where it has to be looked at closely."""
        return read_usual(text)

    def are_told(self, names: Iterable[str]) -> bool:
        """Say whether ``UsualEvent.told`` tells fields of these names."""
        return _NOT_TOLD.isdisjoint(names)


USUAL = Usual()
