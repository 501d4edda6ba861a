"""A block of bytes -> its runs and the other pieces that indicators are found by, as arrays.

The fast twin of ``runs.RUN``: it knows nothing of lines, and works on whole blocks with a dozen
array operations a byte and a handful a run. What costs is the number of runs: so pieces shorter than
anything looked for are dropped on the bytes, before there is an array of places.
"""

from __future__ import annotations

import msgspec
import numpy as np

from exopsy.detection.indicators.hashing import PAD, Bytes, Mask, Places

HASH_SIZES = (32, 40, 64, 128)


class Needs(msgspec.Struct, frozen=True):
    """What the indicators of a set make it necessary to look at."""

    shortest: int = 4
    """Bytes of the shortest run."""
    hash_sizes: tuple[int, ...] = HASH_SIZES
    """In characters, smallest first."""


class Tokens(msgspec.Struct, frozen=True):
    """Pieces of a block, in offsets with ``PAD`` before them; not in order."""

    starts: Places
    ends: Places
    folded: Bytes
    """The block's bytes with bit 5 set, ``PAD`` zero bytes before and behind."""


_ALL_EIGHT = np.uint64(0x0101010101010101)


class Tokenizer:
    """Cuts blocks; keeps its buffer, so each thread needs its own."""

    def __init__(self, needs: Needs) -> None:
        self._needs = needs
        self._buffer = np.zeros(0, np.uint8)
        self._is_hash_size = np.zeros(HASH_SIZES[-1] + 2, np.bool_)
        self._is_hash_size[list(needs.hash_sizes)] = True

    def cut(self, block: Bytes) -> Tokens:
        """Return the pieces of a block that neither begins nor ends inside a run."""
        size = len(block)
        if len(self._buffer) < size + 2 * PAD:
            self._buffer = np.zeros(size + 2 * PAD, np.uint8)
        folded = self._buffer[: size + 2 * PAD]
        folded[:PAD] = 0
        folded[PAD + size :] = 0
        text = folded[PAD : PAD + size]
        np.bitwise_or(block, 32, out=text)
        digit = (block - np.uint8(48)) < 10
        word = (text - np.uint8(97)) < 26
        word |= digit
        word |= block == ord("_")
        word |= block >= 128
        starts, ends = [], []
        if self._needs.hash_sizes:
            # A hash may be part of a name: what counts is that no letter stands beside it.
            first, last = _long_words(word)
            exact = self._is_hash_size[np.minimum(last - first, HASH_SIZES[-1] + 1)]
            starts.append(first[exact])
            ends.append(last[exact])
        joint = block == ord("-")
        joint[1:-1] &= ~(digit[:-2] & digit[2:])
        joint |= block == ord(".")
        joint[:1] = joint[-1:] = False
        joint[1:-1] &= word[:-2]
        joint[1:-1] &= word[2:]
        word |= joint
        first, last = _stretches(word, self._needs.shortest)
        starts.append(first)
        ends.append(last)
        first, last = np.concatenate(starts), np.concatenate(ends)
        first += PAD
        last += PAD
        return Tokens(first, last, folded)


def behind_dots(folded: Bytes, starts: Places, ends: Places) -> tuple[Places, Places]:
    """Return what stands behind the dots of some runs, up to the run's end, if it has a dot too."""
    sizes = ends - starts
    before = np.cumsum(sizes) - sizes
    places = np.repeat(starts - before, sizes)
    places += np.arange(len(places))
    dots = np.flatnonzero(folded[places] == ord("."))
    run = np.repeat(np.arange(len(starts)), sizes)[dots]
    more = np.flatnonzero(run[1:] == run[:-1])
    return places[dots[more]] + 1, ends[run[more]]


def _long_words(word: Mask) -> tuple[Places, Places]:
    """Return starts and ends of words, among them all that are as long as a hash.

    Such a word covers three whole groups of eight bytes, wherever it begins; what else does is rare.
    """
    groups = word[: len(word) & ~7].view(np.uint64) == _ALL_EIGHT
    if len(groups) < 3:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    first, last = _stretches(groups, 3)
    first, last = first * 8, last * 8
    for _ in range(7):
        first = first - (word[np.maximum(first - 1, 0)] & (first > 0))
        last = last + (word[np.minimum(last, len(word) - 1)] & (last < len(word)))
    return first, last


def _stretches(mask: Mask, length: int) -> tuple[Places, Places]:
    """Return starts and ends of the stretches of True that are at least so long."""
    if len(mask) < length:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    framed = np.empty(len(mask) - length + 3, np.bool_)
    framed[0] = framed[-1] = False
    opened, have = mask, 1
    while have < length:
        step = min(have, length - have)
        into = framed[1:-1] if have + step == length else None
        opened = np.logical_and(opened[:-step], opened[step:], out=into)
        have += step
    if length == 1:
        framed[1:-1] = mask
    edges = np.flatnonzero(framed[1:] != framed[:-1])
    return edges[0::2], edges[1::2] + (length - 1)
