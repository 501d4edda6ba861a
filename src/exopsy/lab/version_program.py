"""Programs that hold a version resource and nothing else: no code, no entry point, no import."""

from __future__ import annotations

import struct


def program(version: tuple[int, int, int, int], **texts: str) -> bytes:
    """Return a program without code whose resources state a version.

    Args:
        version: of the fixed part.
        **texts: of the string table (``FileVersion="15.01.2106.002"``).
    """
    resources = _resources(_version_information(version, texts))
    raw = resources + b"\0" * (-len(resources) % 0x200)
    dos = b"MZ" + b"\0" * 58 + struct.pack("<I", 0x40)
    coff = struct.pack("<HHIIIHH", 0x14C, 1, 0, 0, 0, 224, 0x0102)
    optional = struct.pack(
        "<HBBIIIIIIIIIHHHHHHIIIIHHIIIIII",
        0x10B, 0, 0, 0, len(raw), 0, 0, 0x1000, 0x1000, 0x400000, 0x1000, 0x200,
        6, 0, 0, 0, 6, 0, 0, 0x1000 + max(0x1000, len(raw)), 0x200, 0, 3, 0,
        0, 0, 0, 0, 0, 16,
    )  # fmt: skip
    directories = bytearray(128)
    struct.pack_into("<II", directories, 16, 0x1000, len(resources))
    section = struct.pack(
        "<8sIIIIIIHHI", b".rsrc", len(resources), 0x1000, len(raw), 0x200, 0, 0, 0, 0, 0x40000040
    )
    head = dos + b"PE\0\0" + coff + optional + bytes(directories) + section
    return head + b"\0" * (0x200 - len(head)) + raw


def _resources(data: bytes) -> bytes:
    """Return a tree of one resource: version information, number 1, in English."""

    def table(identifier: int, offset: int) -> bytes:
        return struct.pack("<IIHHHHII", 0, 0, 0, 0, 0, 1, identifier, offset)

    entry = struct.pack("<IIII", 0x1000 + 88, len(data), 0, 0)
    return table(16, 24 | 1 << 31) + table(1, 48 | 1 << 31) + table(1033, 72) + entry + data


def _version_information(version: tuple[int, int, int, int], texts: dict[str, str]) -> bytes:
    a, b, c, d = version
    high, low = a << 16 | b, c << 16 | d
    fixed = struct.pack(
        "<13I", 0xFEEF04BD, 0x10000, high, low, high, low, 0x3F, 0, 0x40004, 1, 0, 0, 0
    )
    strings = b"".join(_aligned(_block(name, value, text=True)) for name, value in texts.items())
    table = _block("040904b0", b"", children=strings)
    information = _block("StringFileInfo", b"", children=table)
    return _block("VS_VERSION_INFO", fixed, children=information if texts else b"")


def _block(name: str, value: bytes | str, *, children: bytes = b"", text: bool = False) -> bytes:
    data = value.encode("utf-16-le") + b"\0\0" if isinstance(value, str) else value
    key = name.encode("utf-16-le") + b"\0\0"
    body = _aligned(b"\0" * 6 + key)[6:] + _aligned(data) + children
    length = len(data) // 2 if text else len(data)
    return struct.pack("<HHH", 6 + len(body), length, int(text or not data)) + body


def _aligned(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
