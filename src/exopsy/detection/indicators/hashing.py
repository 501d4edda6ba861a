"""Pieces of a byte array -> 64-bit numbers, many at once.

The number of a piece comes from its first and its last eight bytes and its length, with bit 5 of
every byte set, which makes ASCII letters of both cases equal (and some others: whatever is found by
such a number is looked at again). That leaves out the middle of pieces over 16 bytes: enough to
tell names, and all that is read of a hash is random anyway.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

PAD = 8
"""Bytes that must lie before the first piece and behind the last one."""
_A = np.uint64(0x9E3779B97F4A7C15)
_B = np.uint64(0xC2B2AE3D27D4EB4F)
_C = np.uint64(0x165667B19E3779F9)
_LETTERS = np.uint64(0x4040404040404040)
_NONE = np.zeros(0, np.int64)
_SHIFT = np.array([64 - 8 * max(n, 1) for n in range(9)], np.uint64)
_LOW = np.array([(1 << (8 * n)) - 1 for n in range(9)], np.uint64)


def eights(padded: Bytes) -> npt.NDArray[Any]:
    """Return a view of the eight bytes from every place on, as one little-endian number each."""
    return np.ndarray((len(padded) - 7,), "<u8", padded.data, 0, (1,))


class PieceNumbers(msgspec.Struct, frozen=True):
    """The numbers of many pieces, and the indexes of some of them."""

    numbers: Words
    letterless: Places
    ended: Places


def piece_numbers(
    view: npt.NDArray[Any],
    starts: Places,
    ends: Places,
    *,
    letterless: bool = False,
    endings: Mask | None = None,
) -> PieceNumbers:
    """Return the number of each piece, of at least four bytes.

    Args:
        view: ``eights`` of the folded bytes.
        starts: first byte of each piece, counted with the padding before it.
        ends: one past its last byte, counted likewise.
        letterless: also say which pieces have no letter in their first and last eight bytes.
        endings: also say which pieces have an ending whose mark (``ending_marks``) is set here.
    """
    sizes = ends - starts
    few = np.minimum(sizes, 8)
    head: Words = view[starts]
    tail: Words = view[ends - 8]
    ended = _NONE if endings is None else np.flatnonzero(endings[_marks(tail)])
    head &= _LOW[few]
    # Of a piece below eight bytes the tail would begin before it.
    tail >>= _SHIFT[few]
    plain = np.flatnonzero(((head | tail) & _LETTERS) == 0) if letterless else _NONE
    head *= _A
    head ^= head >> np.uint64(29)
    tail *= _B
    head += tail
    head += sizes.view(np.uint64) * _C
    head ^= head >> np.uint64(32)
    head *= _A
    return PieceNumbers(head, plain, ended)


def ending_marks(endings: Iterable[bytes]) -> Places:
    """Return the marks, below 65536, of the last four bytes of some texts."""
    tails = [int.from_bytes(text[-4:], "little") | 0x20202020 for text in endings]
    return _marks(np.array(tails, np.uint64) << np.uint64(32))


def _marks(tails: Words) -> Places:
    return ((tails >> np.uint64(32)) * _A >> np.uint64(48)).view(np.int64)


class Marks:
    """A set of numbers as bits: what is not among them it mostly knows at once."""

    def __init__(self, numbers: Words, bits: int, skipped: int) -> None:
        """Prepare.

        Args:
            numbers: the set.
            bits: two to this power of bits are kept.
            skipped: highest bits of a number that do not count.
        """
        self._left, self._right = np.uint64(skipped), np.uint64(64 - bits)
        self._bits = np.zeros(1 << (bits - 3), np.uint8)
        marks = self._of(numbers)
        np.bitwise_or.at(self._bits, marks >> 3, np.left_shift(1, marks & 7).astype(np.uint8))

    def maybe(self, numbers: Words) -> Places:
        """Return the places of those that may be in the set."""
        marks = self._of(numbers)
        bits = self._bits[marks >> 3]
        bits >>= marks.astype(np.uint8) & 7
        bits &= 1
        return np.flatnonzero(bits)

    def _of(self, numbers: Words) -> Places:
        if self._left:
            numbers = numbers << self._left
        return (numbers >> self._right).view(np.int64)


class NumberTable:
    """Numbers with an owner each -> which of many other numbers are among them.

    Three steps, each for the few that the one before it let pass: a megabyte of bits that stays in
    the second-level cache (of a million numbers it lets 11% pass), eight of them, the numbers.
    """

    def __init__(self, numbers: Words, owners: npt.NDArray[np.int32]) -> None:
        order = np.argsort(numbers, kind="stable")
        self.numbers = numbers[order]
        self.owners = owners[order]
        size = (32 * max(1, len(numbers))).bit_length()
        self._near = Marks(self.numbers, min(23, max(16, size)), 0)
        self._far = Marks(self.numbers, min(26, max(16, size)), 23)

    def known(self, numbers: Words) -> Places:
        """Return the places in ``numbers`` of those that are in the table."""
        if not len(self.numbers) or not len(numbers):
            return np.zeros(0, np.int64)
        maybe = self._near.maybe(numbers)
        maybe = maybe[self._far.maybe(numbers[maybe])]
        wanted = numbers[maybe]
        at = np.searchsorted(self.numbers, wanted)
        at[at == len(self.numbers)] = 0
        found: Places = maybe[self.numbers[at] == wanted]
        return found

    def owners_of(self, number: int) -> list[int]:
        """Return the owners of one number."""
        first, last = (
            np.searchsorted(self.numbers, np.uint64(number), "left"),
            np.searchsorted(self.numbers, np.uint64(number), "right"),
        )
        return [int(owner) for owner in self.owners[first:last]]
