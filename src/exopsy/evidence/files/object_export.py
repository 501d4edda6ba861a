"""What PowerShell or the directory's tools wrote of some objects -> the objects, field by field.

``Format-List`` text, JSON, CLIXML, CSV (``Export-Csv``, ``csvde``) and LDIF. Only the shape is read
here: names and values as they stand, values of a list joined by line ends, nested objects by what
names them. What an object means is for the kinds of files that use this.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from exopsy.evidence.files.encoded_text import EncodedText, shown
from exopsy.evidence.files.markup import Element, Markup, first_name
from exopsy.schema.row import Origin, Skipped

MOST_OBJECTS = 200_000
MOST_FIELDS = 500
MOST_ELEMENTS = 500_000
DAMAGED = "damaged-export"
TOO_MANY = "too-many-objects"

# Name       : value
_LISTED = re.compile(r"^([A-Za-z][\w.$-]{0,80}) *: ?(.*)$")
_LDIF = re.compile(r"^([A-Za-z][\w;.-]{0,80}):(:|<)? *(.*)$")
_NAMING = ("OriginalString", "AbsoluteUri", "ToString", "Name", "value", "Value")


class Exported(msgspec.Struct, frozen=True):
    """One object of an export."""

    fields: Mapping[str, str]
    start: int
    end: int
    """Positions in the file's bytes."""
    line: int


def shape_of(text: str) -> str:
    """Return the shape of an export by its beginning: json, clixml, ldif, csv, list or ""."""
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith(("{", "[")):
        return "json"
    if start.startswith("<"):
        return "clixml" if first_name(start) == "Objs" else ""
    head = start[:4_096].splitlines()
    if any(re.match(r"(?i)dn::? ", line) for line in head[:40]):
        return "ldif"
    first = next((line for line in head if line and not line.startswith("#TYPE")), "")
    if first.count(",") >= 2 and ":" not in first:
        return "csv"
    if sum(_LISTED.match(line) is not None for line in head[:80]) >= 2:
        return "list"
    return ""


def has_field(text: str, names: tuple[str, ...]) -> bool:
    """Say whether an export's beginning has one of some fields: as a field, not as a word in a value.

    A log of commands that set the field, whatever its form, is no export of it.
    """
    either = "|".join(map(re.escape, names))
    shape = shape_of(text)
    if shape == "json":
        return re.search(rf'"(?:{either})"\s*:', text) is not None
    if shape == "clixml":
        return re.search(rf'\bN="(?:{either})"', text) is not None
    if shape == "csv":
        head = text.lstrip("\ufeff").splitlines()
        first = next((line for line in head if line and not line.startswith("#TYPE")), "")
        return not {name.strip(' "') for name in first.split(",")}.isdisjoint(names)
    return bool(shape) and re.search(rf"(?m)^(?:{either})\s*:", text) is not None


def read_objects(data: bytes, artifact: str) -> Iterator[Exported | Skipped]:
    """Yield the objects of an export in its order; never raises."""
    source = EncodedText(data)
    origin = Origin(artifact=artifact, offset=0, line=1)
    shape = shape_of(source.text)
    if shape == "clixml":
        markup = Markup(data, MOST_ELEMENTS)
        objects: Iterator[Exported] = _of_clixml(markup)
    elif shape == "json":
        objects = _of_json(source, len(data))
    elif shape == "csv":
        objects = _of_csv(source)
    elif shape:
        objects = _of_lines(source, is_ldif=shape == "ldif")
    else:
        yield Skipped(reason=DAMAGED, origin=origin)
        return
    count = 0
    try:
        for found in objects:
            count += 1
            if count > MOST_OBJECTS:
                yield Skipped(reason=TOO_MANY, origin=origin)
                break
            yield found
    except (ValueError, RecursionError, csv.Error, msgspec.DecodeError):
        yield Skipped(reason=DAMAGED, origin=origin)
    if shape == "clixml":
        yield from markup.skipped(artifact)


class _Value:
    """A value that may go on in the next line."""

    def __init__(self, name: str, first: str, *, is_base64: bool) -> None:
        self.name = name
        self.pieces = [first]
        self._is_base64 = is_base64

    def told(self) -> str:
        """Return it whole."""
        text = "".join(self.pieces).strip()
        return _from_base64(text) if self._is_base64 else text


def _of_lines(source: EncodedText, *, is_ldif: bool) -> Iterator[Exported]:
    pattern = _LDIF if is_ldif else _LISTED
    values: list[_Value] = []
    begin, end = 0, 0
    for position, line in source.lines():
        found = pattern.match(line)
        if not line.strip():
            if values:
                yield _exported(source, values, begin, end)
            values = []
        elif line[0] in " \t" and values:
            # The value goes on: LDIF folds by one space, lists indent to the value's column.
            values[-1].pieces.append(line[1:] if is_ldif else line.strip())
        elif found is not None and len(values) < MOST_FIELDS:
            if not values:
                begin = position
            is_base64 = is_ldif and found[2] == ":"
            values.append(_Value(found[1], found[3 if is_ldif else 2], is_base64=is_base64))
        end = position + len(line)
    if values:
        yield _exported(source, values, begin, end)


def _exported(source: EncodedText, values: list[_Value], begin: int, end: int) -> Exported:
    fields: dict[str, list[str]] = {}
    for value in values:
        fields.setdefault(shown(value.name), []).append(shown(value.told()))
    return Exported(
        fields={name: "\n".join(told) for name, told in fields.items()},
        start=source.offset(begin),
        end=source.offset(end),
        line=source.line(begin),
    )


def _from_base64(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        return text


def _of_csv(source: EncodedText) -> Iterator[Exported]:
    text = source.text.lstrip("\ufeff")
    if text.startswith("#TYPE"):
        text = text.partition("\n")[2]
    reader = csv.reader(io.StringIO(text, newline=""))
    header = [name.strip() for name in next(reader, [])][:MOST_FIELDS]
    for values in reader:
        fields = {
            shown(name): shown(value)
            for name, value in zip(header, values, strict=False)
            if name and value
        }
        if fields:
            yield Exported(fields=fields, start=0, end=0, line=reader.line_num)


def _of_json(source: EncodedText, size: int) -> Iterator[Exported]:
    found = msgspec.json.decode(shown(source.text.lstrip("\ufeff")).encode())
    stack = [found]
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack.extend(reversed(value))
        elif isinstance(value, dict):
            fields = {name: _told(item) for name, item in list(value.items())[:MOST_FIELDS]}
            yield Exported(fields=fields, start=0, end=size, line=1)
            stack.extend(reversed([v for v in value.values() if isinstance(v, (list, dict))]))


def _told(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    """Return a value as text: an object by what names it, a list by its values."""
    if isinstance(value, dict):
        named = (value[name] for name in _NAMING if isinstance(value.get(name), str))
        return str(next(named, ""))
    if isinstance(value, list):
        return "\n".join(_told(item) for item in value[:100] if not isinstance(item, list))
    if isinstance(value, bool):
        return str(value)
    return "" if value is None else str(value)


def _of_clixml(markup: Markup) -> Iterator[Exported]:
    for element in markup.walk():
        if element.name != "Obj":
            continue
        fields: dict[str, str] = {}
        for bag in element.children:
            if bag.name == "ToString":
                fields.setdefault("ToString", bag.text)
            if bag.name in {"Props", "MS"}:
                for item in bag.children[:MOST_FIELDS]:
                    if item.get("N"):
                        fields.setdefault(item.get("N"), _clixml_value(item))
        if fields:
            yield Exported(
                fields=fields,
                start=markup.source.offset(element.start),
                end=markup.source.offset(element.end),
                line=markup.source.line(element.start),
            )


def _clixml_value(item: Element) -> str:
    if item.name != "Obj":
        return _escapes(item.text)
    told = item.child("ToString")
    if told is not None:
        return _escapes(told.text)
    listed = next((c for c in item.children if c.name in {"LST", "IE", "STK"}), None)
    return "" if listed is None else "\n".join(_escapes(c.text) for c in listed.children[:100])


def _escapes(text: str) -> str:
    """Undo ``_x000A_``."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda m: shown(chr(int(m[1], 16))), text)
