"""A line's words -> one value a column, where raw spaces inside values make too many words.

Exchange appends text with spaces to IIS queries, user names may hold them, and hand-edited or
converted logs have them in the user agent. Words that can only be one thing (a port, an address, a
status) say where the columns are; what is left over belongs to the column between them that may
hold spaces.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import accumulate

_DIGITS = frozenset(
    "s-port c-port sc-status sc-substatus sc-win32-status time-taken sc-bytes cs-bytes".split()
)
_ADDRESSES = frozenset(("s-ip", "c-ip"))
# Which columns may hold spaces, and what one word too many costs there: the cheapest takes it.
_ELASTIC = {
    "cs-uri-query": 1,
    "cs-uri": 1,
    "cs-user-agent": 3,
    "s-queuename": 4,
    "cs-username": 5,
    "cs-cookie": 6,
    "cs-referer": 7,
    "x-forwarded-for": 8,
    "cs-host": 9,
}
_ADDRESS = re.compile(r"(?=.*[.:])[0-9A-Fa-f.:]+(?:%\w+)?$")
_DATE = re.compile(r"\d{4}-\d\d-\d\d$")
_TIME = re.compile(r"\d\d:\d\d:\d\d")

MAX_CANDIDATES = 32
"""Places looked at from either end for one anchor: bounds the work on a hostile line."""


def fits(column: str, value: str, *, absent: bool = True) -> bool:
    """Say whether a value can stand in a column; ``absent`` allows ``-``."""
    if absent and value == "-":
        return True
    if column in _DIGITS:
        return value.isdigit()
    if column in _ADDRESSES:
        return _ADDRESS.match(value) is not None
    if column == "date":
        return _DATE.match(value) is not None
    if column == "time":
        return _TIME.match(value) is not None
    return bool(value)


class Plan:
    """How words are dealt out to one list of columns; made once a list."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns
        self._typed = [
            (at, name) for at, name in enumerate(columns) if name in _DIGITS or name in _ADDRESSES
        ]
        self._telling = [at for at, name in enumerate(columns) if name in ("s-port", "sc-status")]
        elastic = [at for at, name in enumerate(columns) if name in _ELASTIC]
        self._first = elastic[0] if elastic else len(columns)
        self._after = len(columns) - 1 - elastic[-1] if elastic else 0
        self._runs = self._split_middle()

    def _split_middle(self) -> list[tuple[bool, tuple[str, ...]]]:
        """Return the columns between the fixed ends as runs: (may hold spaces, names)."""
        runs: list[tuple[bool, tuple[str, ...]]] = []
        for name in self.columns[self._first : len(self.columns) - self._after]:
            elastic = name in _ELASTIC
            if runs and runs[-1][0] == elastic:
                runs[-1] = (elastic, (*runs[-1][1], name))
            else:
                runs.append((elastic, (name,)))
        return runs

    def is_likely(self, values: list[str]) -> bool:
        """Say whether as many words as columns stand in the right places: a quick look."""
        return all(values[at].isdigit() or values[at] in ("-", "") for at in self._telling)

    def is_exact(self, values: list[str]) -> bool:
        """Say whether as many words as columns all fit their columns."""
        return all(
            fits(name, value) or not value for name, value in zip(self.columns, values, strict=True)
        )

    def align(self, words: list[str]) -> list[str] | None:
        """Return one value a column, or None when the words can't be dealt out.

        Args:
            words: the line split at single spaces; more of them than columns.
        """
        while len(words) > len(self.columns) and not words[-1]:
            words = words[:-1]
        end = len(words) - self._after
        if len(words) < len(self.columns) or not self._runs:
            return words if len(words) == len(self.columns) and self.is_exact(words) else None
        head, middle, tail = words[: self._first], words[self._first : end], words[end:]
        ends = zip(
            self.columns[: self._first] + self.columns[len(self.columns) - self._after :],
            head + tail,
            strict=True,
        )
        if not all(fits(name, word) for name, word in ends):
            return None
        dealt = self._deal(middle)
        return None if dealt is None else head + dealt + tail

    def _deal(self, words: list[str]) -> list[str] | None:
        """Deal the middle: runs of elastic columns with anchors between them."""
        filled = list(accumulate((1 if word else 0 for word in words), initial=0))
        # Each state: cost so far, minus place (later wins), where the next run starts, the anchors.
        states: list[tuple[int, int, int, tuple[int, ...]]] = [(0, 0, 0, ())]
        gap: tuple[str, ...] = ()
        for elastic, names in self._runs:
            if elastic:
                gap = names
                continue
            places = _anchors(words, names)
            states = [
                min(
                    (cost + _excess(gap, filled, start, at), -at, at + len(names), (*seen, at))
                    for cost, _, start, seen in states
                    if at - start >= len(gap)
                )
                for at in places
                if any(at - start >= len(gap) for _, _, start, _ in states)
            ]
        ends = [
            (cost + _excess(gap, filled, start, len(words)), late, seen)
            for cost, late, start, seen in states
            if len(words) - start >= len(gap)
        ]
        return self._fill(words, min(ends)[2]) if ends else None

    def _fill(self, words: list[str], anchors: tuple[int, ...]) -> list[str]:
        """Give every column of the middle its words, the anchors' places being known."""
        dealt: list[str] = []
        at = 0
        stops = iter((*anchors, len(words)))
        for elastic, names in self._runs:
            if elastic:
                stop = next(stops)
                dealt += _stretch(names, words[at:stop])
                at = stop
            else:
                dealt += words[at : at + len(names)]
                at += len(names)
        return dealt


@lru_cache(maxsize=256)
def plan(columns: tuple[str, ...]) -> Plan:
    """Return the plan of a column list."""
    return Plan(columns)


def _anchors(words: list[str], names: tuple[str, ...]) -> list[int]:
    """Return the places where a run of fixed columns can stand, bounded from both ends."""
    width = len(names)
    places = [
        at
        for at in range(len(words) - width + 1)
        if all(
            fits(name, word, absent=False)
            for name, word in zip(names, words[at : at + width], strict=True)
        )
    ]
    if len(places) > 2 * MAX_CANDIDATES:
        return places[:MAX_CANDIDATES] + places[-MAX_CANDIDATES:]
    return places


def _excess(gap: tuple[str, ...], filled: list[int], start: int, stop: int) -> int:
    """Return what it costs to put the words from ``start`` to ``stop`` into a gap's columns."""
    if not gap:
        return 0
    return max(0, filled[stop] - filled[start] - len(gap)) * min(_ELASTIC[name] for name in gap)


def _stretch(names: tuple[str, ...], words: list[str]) -> list[str]:
    """Give each column one word and the cheapest of them what is left over."""
    taker = min(range(len(names)), key=lambda at: _ELASTIC[names[at]])
    more = len(words) - len(names)
    return [
        *words[:taker],
        " ".join(words[taker : taker + more + 1]).strip(" "),
        *words[taker + more + 1 :],
    ]
