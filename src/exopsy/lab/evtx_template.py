"""Elements with numbered holes -> a template definition in binary XML, to be placed in a chunk.

Offsets in binary XML count from the start of the chunk, and a name is spelled out where a chunk
uses it first. So a definition has one *layout* for each set of names that the chunk knows already;
a layout is made once and placed by patching offsets.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Collection
from typing import NamedTuple

from exopsy.lab.evtx_values import TYPES

FRAGMENT = b"\x0f\x01\x01\x00"
_END, _CLOSE_START, _CLOSE_EMPTY, _END_ELEMENT = b"\x00", b"\x02", b"\x03", b"\x04"
_U16, _U32 = struct.Struct("<H"), struct.Struct("<I")


class Hole(NamedTuple):
    """A substitution: the number of the value that goes here, and its type's name."""

    number: int
    type: str
    is_optional: bool = True


class Element(NamedTuple):
    """An element; text in it is literal and the same in every record."""

    name: str
    attributes: tuple[tuple[str, str | Hole], ...] = ()
    children: tuple[Element | Hole | str, ...] = ()
    depends_on: int = 0xFFFF
    """The hole without whose value the element is left out."""


class Layout(NamedTuple):
    """A definition as bytes, and what is to be patched; positions count from its start."""

    data: bytes
    references: tuple[tuple[int, str], ...]
    """Where the offset of a name belongs."""
    names: tuple[tuple[int, str], ...]
    """Where names are spelled out."""


class Template:
    """A definition with its identity; equal trees have equal identities in every run."""

    def __init__(self, root: Element) -> None:
        self.root = root
        digest = hashlib.sha256(repr(root).encode()).digest()
        self.guid = digest[:16]
        self.id: int = _U32.unpack_from(digest)[0]
        self.names = tuple(dict.fromkeys(_names(root)))
        self._layouts: dict[tuple[bool, ...], Layout] = {}

    def layout(self, known: Collection[str]) -> Layout:
        """Return the layout for a chunk that knows these names."""
        key = tuple(name in known for name in self.names)
        found = self._layouts.get(key)
        if found is None:
            found = self._layouts[key] = _Builder(self, known).build()
        return found


def name_hash(name: str) -> int:
    """Return the hash that orders names into a chunk's table."""
    value = 0
    for char in name:
        value = (value * 65599 + ord(char)) & 0xFFFFFFFF
    return value & 0xFFFF


def _names(element: Element) -> list[str]:
    names = [element.name, *(name for name, _ in element.attributes)]
    for child in element.children:
        if isinstance(child, Element):
            names += _names(child)
    return names


class _Builder:
    def __init__(self, template: Template, known: Collection[str]) -> None:
        self._template = template
        self._known = set(known)
        self._out = bytearray()
        self._references: list[tuple[int, str]] = []
        self._names: list[tuple[int, str]] = []

    def build(self) -> Layout:
        out = self._out
        # the offset of the next definition in the same bucket, patched when placed
        out += bytes(4) + self._template.guid
        size = self._reserve()
        out += FRAGMENT
        self._element(self._template.root)
        out += _END
        self._close(size)
        return Layout(bytes(out), tuple(self._references), tuple(self._names))

    def _reserve(self) -> int:
        self._out += bytes(4)
        return len(self._out)

    def _close(self, begin: int) -> None:
        """Write the size of what came after ``begin`` into the four bytes before it."""
        _U32.pack_into(self._out, begin - 4, len(self._out) - begin)

    def _element(self, element: Element) -> None:
        out = self._out
        out += (b"\x41" if element.attributes else b"\x01") + _U16.pack(element.depends_on)
        begin = self._reserve()
        self._name(element.name)
        if element.attributes:
            listed = self._reserve()
            last = len(element.attributes) - 1
            for number, (name, value) in enumerate(element.attributes):
                out += b"\x06" if number == last else b"\x46"
                self._name(name)
                self._content(value)
            self._close(listed)
        if element.children:
            out += _CLOSE_START
            for child in element.children:
                if isinstance(child, Element):
                    self._element(child)
                else:
                    self._content(child)
            out += _END_ELEMENT
        else:
            out += _CLOSE_EMPTY
        self._close(begin)

    def _content(self, content: str | Hole) -> None:
        if isinstance(content, Hole):
            token = b"\x0e" if content.is_optional else b"\x0d"
            number = TYPES[content.type].number
            self._out += token + _U16.pack(content.number) + bytes((number,))
        else:
            text = content.encode("utf-16-le")
            self._out += b"\x05\x01" + _U16.pack(len(text) // 2) + text

    def _name(self, name: str) -> None:
        out = self._out
        self._references.append((len(out), name))
        out += bytes(4)
        if name not in self._known:
            self._known.add(name)
            self._names.append((len(out), name))
            text = name.encode("utf-16-le")
            out += bytes(4) + struct.pack("<HH", name_hash(name), len(text) // 2) + text + b"\0\0"
