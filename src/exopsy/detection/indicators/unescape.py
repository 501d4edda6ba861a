r"""Lines that hold escapes -> the same lines without them, many at once.

The fast twin of ``readings.undo_escapes``: percent escapes are undone on arrays, as some logs have
them in every line. The few lines with ``\u`` escapes, and those of JSON, go through the plain
function. Places in the line are not kept: what is found here is looked at again by the judge.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from exopsy.detection.indicators.hashing import Bytes, Places
from exopsy.detection.indicators.readings import ROUNDS, undo_escapes

_HEX = np.full(256, 255, np.uint8)
for _digit in b"0123456789abcdefABCDEF":
    _HEX[_digit] = int(chr(_digit), 16)
_PERCENT, _BACKSLASH, _NEWLINE = ord("%"), ord("\\"), ord("\n")
_HARMLESS = np.zeros(256, np.bool_)
_HARMLESS[list(b'\\/"')] = True
"""What a backslash of JSON may escape without another run coming of it."""
_FIRST = np.zeros(1, np.int64)
_OPENING = np.zeros(256, np.bool_)
_OPENING[list(b"{[, \t\xef")] = True
"""First bytes of lines that may be JSON."""


class Unescaped(msgspec.Struct, frozen=True):
    """Lines without their escapes, one behind the other."""

    data: bytes
    starts: Places
    """Where in ``data`` each line begins."""
    origins: Places
    """Where in the block each line begins."""


def unescape(block: Bytes) -> Unescaped | None:
    """Return those lines of a block that escapes may hide something in; None if there are none."""
    if not len(block):
        return None
    starts = np.concatenate((_FIRST, np.flatnonzero(block[:-1] == _NEWLINE) + 1))
    percents = np.flatnonzero(block == _PERCENT)
    slashes = block == _BACKSLASH
    before_u = slashes[:-1] & (block[1:] == ord("u"))
    units = np.flatnonzero(before_u)
    opening = np.flatnonzero(_OPENING[block[starts]])
    if not len(percents) and not len(units) and not len(opening):
        return None
    padded = np.concatenate((block, np.zeros(8, np.uint8)))
    percents = percents[_is_escape(padded, percents)]
    units = units[_is_unit(padded, units)]
    plain = _lines_of(starts, percents)
    outer = _lines_of(starts, units)
    if len(opening):
        # A backslash before anything but itself, a slash or a quote counts in JSON only; so does
        # one between a percent sign and its digits: such lines are never left to the arrays.
        odd = np.flatnonzero(slashes)
        odd = odd[~_HARMLESS[padded[odd + 1]]]
        outer = np.union1d(outer, np.intersect1d(_lines_of(starts, odd), opening))
    if not len(plain) and not len(outer):
        return None
    plain = np.setdiff1d(plain, outer, assume_unique=True)
    ends = np.append(starts[1:], len(block))
    view = block.data
    data, sizes = _undo_percents(
        b"".join([view[a:b] for a, b in zip(starts[plain], ends[plain], strict=True)]),
        ends[plain] - starts[plain],
    )
    more: list[bytes] = [data]
    if len(outer) and data and not data.endswith(b"\n"):  # a run must not reach into the next line
        more.append(b"\n")
        sizes[-1] += 1
    others: list[int] = []
    for line in outer.tolist():
        raw = view[int(starts[line]) : int(ends[line])].tobytes()
        text = undo_escapes(raw.removesuffix(b"\n").removesuffix(b"\r")) + b"\n"
        more.append(text)
        others.append(len(text))
    lines = np.concatenate((plain, outer))
    every = np.concatenate((sizes, np.array(others, np.int64)))
    begins = np.cumsum(every) - every
    return Unescaped(b"".join(more), begins, starts[lines])


def _lines_of(starts: Places, places: Places) -> npt.NDArray[np.int64]:
    return np.unique(np.searchsorted(starts, places, side="right") - 1)


def _is_escape(padded: Bytes, at: Places) -> npt.NDArray[np.bool_]:
    first = padded[at + 1]
    pairs = (_HEX[first] < 16) & (_HEX[padded[at + 2]] < 16)
    found: npt.NDArray[np.bool_] = pairs | _is_unit(padded, at)
    return found


def _is_unit(padded: Bytes, at: Places) -> npt.NDArray[np.bool_]:
    """Say of each place whether ``uXXXX`` follows it."""
    found = (padded[at + 1] | 32) == ord("u")
    maybe = np.flatnonzero(found)
    for step in range(2, 6):
        maybe = maybe[_HEX[padded[at[maybe] + step]] < 16]
    found[:] = False
    found[maybe] = True
    return np.asarray(found, np.bool_)


def _undo_percents(data: bytes, sizes: Places) -> tuple[bytes, Places]:
    """Undo percent escapes until nothing changes; ``sizes`` are those of the lines."""
    sizes = sizes.copy()
    for _ in range(ROUNDS):
        padded = np.frombuffer(data + bytes(8), np.uint8).copy()
        at = np.flatnonzero(padded == _PERCENT)
        at = at[_is_escape(padded, at)]
        if not len(at):
            break
        keep = np.ones(len(padded), np.bool_)
        keep[-8:] = False
        is_unit = _HEX[padded[at + 1]] == 255
        pairs = at[~is_unit]
        padded[pairs] = _HEX[padded[pairs + 1]] << 4 | _HEX[padded[pairs + 2]]
        keep[pairs + 1] = keep[pairs + 2] = False
        for place in at[is_unit].tolist():  # rare: only IIS reads these
            text = chr(int(padded[place + 2 : place + 6].tobytes(), 16)).encode(
                "utf-8", "surrogatepass"
            )
            padded[place : place + len(text)] = np.frombuffer(text, np.uint8)
            keep[place + len(text) : place + 6] = False
        ends: Places = np.cumsum(sizes)
        gone: Places = np.concatenate((_FIRST, np.cumsum(~keep[:-8])))
        ends = ends - np.take(gone, ends)
        sizes = np.concatenate((ends[:1], ends[1:] - ends[:-1]))
        data = padded[keep].tobytes()
    return data, sizes
