"""Small ``.evtx`` logs, written here byte by byte: records without templates."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

CHUNK = 1 << 16
START = datetime(2021, 3, 3, 4, 0, tzinfo=UTC)


def file_header(chunks: int = 1, *, dirty: bool = False) -> bytes:
    head = struct.pack("<8sQQQIHHHH", b"ElfFile\0", 0, chunks - 1, 1, 128, 1, 3, 4096, chunks)
    return (head.ljust(120, b"\0") + struct.pack("<I", dirty)).ljust(4096, b"\0")


class _Xml:
    """Binary XML of one record; names stand where they are used, so places matter."""

    def __init__(self, at: int) -> None:
        self._at = at
        self.data = b"\x0f\x01\x01\x00"

    def _name(self, name: str) -> None:
        here = self._at + len(self.data) + 4
        text = name.encode("utf-16-le")
        self.data += struct.pack("<IIHH", here, 0, 0, len(name)) + text + b"\0\0"

    def _text(self, text: str) -> None:
        encoded = text.encode("utf-16-le")
        self.data += b"\x05\x01" + struct.pack("<H", len(encoded) // 2) + encoded

    def open(self, name: str, **attributes: str) -> None:
        self.data += bytes([0x41 if attributes else 0x01]) + bytes(4)
        self._name(name)
        if attributes:
            self.data += bytes(4)
            for number, (key, value) in enumerate(attributes.items(), start=1):
                self.data += b"\x46" if number < len(attributes) else b"\x06"
                self._name(key)
                self._text(value)
        self.data += b"\x02"

    def close(self) -> None:
        self.data += b"\x04"

    def element(self, name: str, text: str = "", **attributes: str) -> None:
        self.open(name, **attributes)
        if text:
            self._text(text)
        self.close()


def record(number: int, at: int, *, channel: str = "Security", data: str = "x") -> bytes:
    """One record that is to stand at an offset of its chunk."""
    when = START + timedelta(seconds=number)
    xml = _Xml(at + 24)
    xml.open("Event")
    xml.open("System")
    xml.element("Provider", Name="Example-Provider")
    xml.element("EventID", "4688")
    xml.element("TimeCreated", SystemTime=f"{when:%Y-%m-%dT%H:%M:%S}.000000Z")
    xml.element("EventRecordID", str(number))
    xml.element("Channel", channel)
    xml.element("Computer", "ex01.example.com")
    xml.close()
    xml.open("EventData")
    xml.element("Data", data, Name="CommandLine")
    xml.close()
    xml.close()
    body = xml.data + b"\0"
    size = 28 + len(body)
    size += -size % 8
    written = int((when - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000
    head = struct.pack("<4sIQQ", b"**\0\0", size, number, written)
    return (head + body).ljust(size - 4, b"\0") + struct.pack("<I", size)


def chunk(first: int, count: int, *, rest: bytes = b"", **options: str) -> bytes:
    """A chunk of consecutive records, and what stands in its free space."""
    body, last = b"", 512
    for number in range(first, first + count):
        last = 512 + len(body)
        body += record(number, last, **options)
    free = 512 + len(body)
    numbers = (1, count, first, first + count - 1)
    head = struct.pack("<8s4QIII", b"ElfChnk\0", *numbers, 128, last, free)
    assert free + len(rest) <= CHUNK
    return (head.ljust(512, b"\0") + body + rest).ljust(CHUNK, b"\0")


def log(chunks: int = 3, count: int = 20) -> bytes:
    """A whole log, records numbered from 1."""
    made = [chunk(1 + index * count, count) for index in range(chunks)]
    return file_header(chunks) + b"".join(made)
