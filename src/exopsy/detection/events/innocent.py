"""A sample of innocent events, to choose by which literals are rare in events of one kind."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from pathlib import Path

from exopsy.core.content import CONTENT
from exopsy.detection.casefold import fold
from exopsy.detection.events.gate import Gate

SAMPLE = CONTENT / "reference" / "events" / "windows-event.txt"
_FEWEST = 5
"""Of fewer events of one kind nothing can be told; all kinds are looked at then."""
_MOST = 100
"""Of all events so many, evenly chosen, stand for kinds of which there are too few."""
_FROM = re.compile(r'"EventID":(\d+),.*"Channel":"([^"]+)"')


class InnocentEvents:
    """Texts of events with JSON's escapes undone (``sieve.literals.Reference``)."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._starts: list[int] = []
        lines: list[str] = []
        length = 0
        for text in texts:
            self._starts.append(length)
            lines.append(fold(text) + "\n")
            length += len(lines[-1])
        self._text = "".join(lines)
        self._held: dict[tuple[str, bool], int] = {}
        self.records = max(1, len(lines))

    def holding(self, text: str, *, starts: bool, ends: bool, inner: bool = False) -> int:
        """Return a bit for every event that holds a literal, or a value that is the literal."""
        is_value = starts and ends
        held = self._held.get((text, is_value))
        if held is None:
            forms = (f'"{text}"', f":{text},", f":{text}}}") if is_value else (text,)
            held = 0
            for form in forms:
                held |= self._search(form)
            self._held[text, is_value] = held
        return held

    def _search(self, form: str) -> int:
        held = 0
        at = self._text.find(form)
        while at >= 0:
            line = bisect_right(self._starts, at)
            held |= 1 << (line - 1)
            if line == len(self._starts):
                break
            at = self._text.find(form, self._starts[line])
        return held


class InnocentSample:
    """The whole sample, by channel and number."""

    def __init__(self, lines: Iterable[str]) -> None:
        lines = list(lines)
        self._all = InnocentEvents(lines[:: max(1, len(lines) // _MOST)])
        kinds: dict[Gate, list[str]] = {}
        for line in lines:
            found = _FROM.search(line)
            if found is not None:
                kinds.setdefault(Gate(fold(found[2]), found[1]), []).append(line)
        self.gates = frozenset(kinds)
        """Channels (case-folded) and numbers of which servers write many."""
        self._kinds = {
            gate: InnocentEvents(texts) for gate, texts in kinds.items() if len(texts) >= _FEWEST
        }

    def of(self, gate: Gate) -> InnocentEvents:
        """Return the events from there, or all where there are too few."""
        return self._kinds.get(gate, self._all)


def read_innocent(path: Path = SAMPLE) -> InnocentSample:
    """Read the sample of our content."""
    return InnocentSample(path.read_text("utf-8").splitlines())
