"""Values of one event -> its fields: names kept apart, values as text, several values of a name.

The names of an event's data come from whoever wrote the event. ``Channel``, ``EventID`` and the
others of ``RESERVED`` say where an event is from, so data can't take them, in any case of letters,
not even when the system part lacks them: such data is ``EventData.Channel``. Of ``YIELDING`` names
(``ProcessID`` of the writing process) the data's meaning is the one rules ask for.
"""

from __future__ import annotations

from typing import Any

from exopsy.core.limits import Limits
from exopsy.evidence.events.notes import CUT

RESERVED = (
    "Channel",
    "EventID",
    "Provider_Name",
    "Computer",
    "EventRecordID",
    "Level",
    "Task",
    "Keywords",
    "UserID",
)
"""Fields of the system part that data never overwrites."""
YIELDING = (
    "ProcessID",
    "ThreadID",
    "Opcode",
    "Version",
    "Qualifiers",
    "Provider_Guid",
    "ActivityID",
    "RelatedActivityID",
)
"""Fields of the system part that are left out where the event's data has one of that name."""

_LIMITS = Limits()
_FOLDED = frozenset(name.lower() for name in RESERVED)
_YIELDS = frozenset(YIELDING)
_LONG_VALUE = _LIMITS.event_value


def text_of(value: object) -> str | None:
    """Return a JSON value as the text of a field; None for null, objects and what is empty."""
    kind = type(value)
    if kind is str:
        return None if value == "" or value == "-" else value  # type: ignore[return-value]
    if kind is int:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    return None


class FieldBag:
    """The fields of one event while they are gathered; the system part is given first."""

    __slots__ = ("_many", "_room", "fields", "items", "notes", "yielding")

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.yielding: dict[str, str] = {}
        self.items: list[str] = []
        """Unnamed data in order, empty ones too: their meaning is their place."""
        self.notes: list[str] = []
        self._many: dict[str, list[str]] = {}
        self._room = _LIMITS.event_fields

    def system(self, name: str, value: object) -> None:
        """Set a field of the system part; of several values the first counts."""
        text = text_of(value)
        if text is None:
            text = text_of(first(value))
            if text is None:
                return
        if len(text) > _LONG_VALUE:
            self._cut()
            text = text[:_LONG_VALUE]
        (self.yielding if name in _YIELDS else self.fields)[name] = text

    def put(self, name: str, value: object) -> None:
        """Add a value of the event's data (text, number, boolean or nothing) under its name."""
        text = text_of(value)
        if text is None:
            return
        if self._room <= 0 or len(text) > _LONG_VALUE:
            self._cut()
            if self._room <= 0:
                return
            text = text[:_LONG_VALUE]
        self._room -= 1
        if name.lower() in _FOLDED:
            name = f"EventData.{name}"
        if name in self.fields:
            self._many.setdefault(name, [self.fields[name]]).append(text)
        else:
            self.fields[name] = text

    def put_all(self, name: str, value: Any, depth: int = 0) -> None:  # noqa: ANN401 - JSON
        """Add a value of the event's data; of an object what is in it, under the innermost names."""
        kind = type(value)
        if kind is not dict and kind is not list:
            self.put(name, value)
        elif depth >= _LIMITS.event_depth:
            self._cut()
        elif kind is list:
            for item in value:
                self.put_all(name, item, depth + 1)
        else:
            given = name_in(value)
            if given is not None:
                name = given
            for inner, item in value.items():
                if inner == "#text":
                    self.put_all(name, item, depth + 1)
                elif inner == "#attributes" or inner.endswith("_attributes"):
                    self._attributes(item, depth, named=given is not None)
                elif inner[:1] == "@":
                    if inner != "@Name" or given is None:
                        self._attributes({inner[1:]: item}, depth, named=False)
                else:
                    self.put_all(inner, item, depth + 1)

    def put_body(self, body: object) -> None:
        """Add the data part of an event: named values, or ``Data`` without names."""
        if type(body) is list:
            for part in body:
                self.put_body(part)
        elif type(body) is not dict:
            self.put_unnamed(body)
        else:
            self._named(body)

    def _named(self, body: dict[str, Any]) -> None:
        fields = self.fields
        for name, value in body.items():
            kind = type(value)
            if kind is str and name != "Data":
                # what nearly all data is, without a call
                if value == "" or value == "-":
                    continue
                if (
                    self._room > 0
                    and len(value) <= _LONG_VALUE
                    and name not in fields
                    and name.lower() not in _FOLDED
                    and name[:1] != "#"
                ):
                    fields[name] = value
                    self._room -= 1
                    continue
            if name == "Data" or name == "#text":
                self.put_unnamed(value)
            elif kind is str or kind is int or kind is bool:
                self.put(name, value)
            elif name == "#attributes":  # <EventData Name="...">
                if kind is dict:
                    self.put("EventData.Name", value.get("Name"))
            elif name.endswith("_attributes") and kind is dict:
                self._attributes(value, 0, named=False)
            elif value is not None:
                self.put_all(name, value)

    def put_unnamed(self, value: Any, depth: int = 0) -> None:  # noqa: ANN401 - JSON
        """Add what stands in ``Data`` elements: by their names if they say one, else as ``Data``."""
        kind = type(value)
        if kind is list:
            if depth >= _LIMITS.event_depth:
                self._cut()
                return
            for item in value:
                self.put_unnamed(item, depth + 1)
        elif kind is dict:
            if name_in(value) is not None:
                self.put_all("Data", value)
            elif "#text" in value and depth < _LIMITS.event_depth:
                self.put_unnamed(value["#text"], depth + 1)
            else:
                self.put_all("Data", value)
        else:
            if len(self.items) < _LIMITS.event_fields:
                self.items.append(text_of(value) or "")
            self.put("Data", value)

    def finish(self) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
        """Return the fields, and all values of those that have several."""
        for name, text in self.yielding.items():
            self.fields.setdefault(name, text)
        many = {}
        for name, values in self._many.items():
            self.fields[name] = "\n".join(values)
            many[name] = tuple(values)
        return self.fields, many

    def note(self, word: str | None) -> None:
        """Say something of the record, once."""
        if word is not None and word not in self.notes:
            self.notes.append(word)

    def _attributes(self, found: object, depth: int, *, named: bool) -> None:
        if type(found) is not dict:
            return
        for name, value in found.items():
            if not name.startswith("xmlns") and not (named and name == "Name"):
                self.put_all(name, value, depth + 1)

    def _cut(self) -> None:
        self.note(CUT)


def name_in(value: dict[str, Any]) -> str | None:
    """Return the name that a ``Data`` element says: ``{"@Name": "Image", "#text": ...}``."""
    name = value.get("@Name")
    if name is None:
        attributes = value.get("#attributes")
        if type(attributes) is dict:
            name = attributes.get("Name")
    return name if type(name) is str and name else None


def first(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a value; of a list its first that is something, of an element its text."""
    for _ in range(4):  # elements in lists in elements: nobody means more
        if type(value) is list:
            value = next((item for item in value if item is not None), None)
        elif type(value) is dict:
            value = value.get("#text", value.get("Value", value.get("value")))
        else:
            break
    return value
