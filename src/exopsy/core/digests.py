"""Bytes -> their SHA-256, and further digests where somebody asks for them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


class Digests:
    """Takes bytes piece by piece, as ``hashlib``'s own do.

    Args:
        more: names of further digests (``md5``, ``sha1``).
    """

    def __init__(self, more: Sequence[str] = ()) -> None:
        self._main = hashlib.sha256()
        self._more = {name: hashlib.new(name, usedforsecurity=False) for name in more}

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes."""
        self._main.update(data)
        for digest in self._more.values():
            digest.update(data)

    def hexdigest(self) -> str:
        """Return the SHA-256, lower case."""
        return self._main.hexdigest()

    def more(self) -> dict[str, str]:
        """Return the further digests by name, lower case."""
        return {name: digest.hexdigest() for name, digest in self._more.items()}
