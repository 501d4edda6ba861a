"""A stream -> blocks that start at a record and end behind a line end, in one reused buffer.

This is the fast path's framing; the plain path has its own (``evidence.framing``). The buffer is
sized for the processor's second-level cache: hashing, scanning and counting each walk over it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

import msgspec

BLOCK = 512 << 10


class Block(msgspec.Struct):
    """A piece of an artifact; valid until the next one is asked for."""

    data: bytearray
    """The shared buffer: look at ``data[:size]`` only."""
    size: int
    base: int
    """Offset of its first byte in the artifact."""
    is_cut: bool = False
    """It ends inside a record that is longer than the limit."""
    is_rest: bool = False
    """It starts inside such a record: everything up to its first line end belongs to that."""


class BlockReader:
    """Reads one stream once."""

    def __init__(
        self,
        stream: BinaryIO,
        seen: Callable[[memoryview], object],
        *,
        record_bytes: int,
        block_bytes: int = BLOCK,
    ) -> None:
        """Prepare.

        Args:
            stream: raw stream with ``readinto``.
            seen: called with every byte read, in order, once (hash, progress).
            record_bytes: a record longer than this is given in pieces.
            block_bytes: size of the buffer while no record is longer.
        """
        self._stream = stream
        self._seen = seen
        self._most = max(record_bytes, block_bytes)
        self._buffer = bytearray(block_bytes)
        self.size = 0
        """Bytes read so far."""

    def blocks(self) -> Iterator[Block]:
        """Yield the stream's blocks.

        Raises:
            OSError: the stream failed; all blocks before that were yielded, and what was read of
                the last one is yielded first.
        """
        buffer = self._buffer
        kept, base, is_rest = 0, 0, False
        failure: OSError | None = None
        while True:
            if kept == len(buffer):  # no line end in a full buffer
                if len(buffer) < self._most:
                    buffer = self._grow(buffer, kept)
                else:
                    yield Block(buffer, kept, base, is_cut=True, is_rest=is_rest)
                    base, kept, is_rest = base + kept, 0, True
            with memoryview(buffer) as view:
                count, failure = self._fill(view[kept:])
                self._seen(view[kept : kept + count])
            if not count:
                break
            self.size += count
            end = kept + count
            cut = buffer.rfind(b"\n", kept, end) + 1
            if cut:
                yield Block(buffer, cut, base, is_rest=is_rest)
                is_rest = False
                base += cut
                buffer[: end - cut] = buffer[cut:end]
            kept = end - cut
            if failure is not None:
                break
        if kept:
            yield Block(buffer, kept, base, is_rest=is_rest)
        if failure is not None:
            raise failure

    def _fill(self, view: memoryview) -> tuple[int, OSError | None]:
        """Read until the view is full, the stream ends, or it fails; return how much was read."""
        filled = 0
        while filled < len(view):
            try:
                count = self._stream.readinto(view[filled:])  # type: ignore[attr-defined]
            except OSError as error:
                return filled, error
            if not count:
                break
            filled += count
        return filled, None

    def _grow(self, buffer: bytearray, kept: int) -> bytearray:
        larger = bytearray(min(2 * len(buffer), self._most))
        larger[:kept] = buffer[:kept]
        return larger
