"""A build's number, as far as comparing builds needs it."""

from __future__ import annotations

Number = tuple[int, ...]
"""``15.1.2106.2`` as numbers; three of them where the last is not known."""


def build_number(text: str) -> Number | None:
    """Read ``15.1.2106.2``, ``15.01.2106.002`` or ``15.1.2106``; None if it is no build."""
    parts = text.split(".")
    if len(parts) not in (3, 4) or not all(
        part.isascii() and part.isdigit() and len(part) <= 6 for part in parts
    ):
        return None
    return tuple(int(part) for part in parts)


def write_number(number: Number) -> str:
    """Write a build without padding."""
    return ".".join(map(str, number))
