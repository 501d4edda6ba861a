"""Record texts -> the channels and computers they state, without decoding them."""

from __future__ import annotations

import json
import re

from exopsy.schema.event import NAMES, EventLogFacts

# a name of the system part, in the spelling of one exporter or another, and its value
_CHANNEL = re.compile(
    r'"(?:[Cc]hannel|LogName|log_name|winlog\.channel)"\s*:\s*("(?:[^"\\]|\\.){1,512}")'
)
_COMPUTER = re.compile(
    r'"(?:Computer|Hostname|MachineName|computer_name|winlog\.computer_name)"'
    r'\s*:\s*("(?:[^"\\]|\\.){1,512}")'
)
_TRIED = 8
_NEAR = 64


class NameCollector:
    """Collects names; what was found last is tried first, because a log repeats itself."""

    def __init__(self, facts: EventLogFacts) -> None:
        self._facts = facts
        self._channels: set[str] = set()
        self._computers: set[str] = set()
        self._known: list[tuple[str, str]] = []
        """Pieces of a text that say both names; one piece where they stand side by side."""
        self._near = _NEAR
        """Where the piece that was found last stood: it stands near there in the next record."""

    def see(self, texts: list[str]) -> None:
        """Take the next records."""
        known = self._known
        near = self._near
        for text in texts:
            for one, other in known:
                at = text.find(one, near - _NEAR, near + len(one) + _NEAR)
                if at < 0:
                    at = text.find(one)
                if at >= 0 and other in text:
                    near = at if at > _NEAR else _NEAR
                    break
            else:
                self._look(text)
        self._near = near

    def finish(self) -> None:
        """Hand the names over."""
        self._facts.channels = sorted(self._channels)
        self._facts.computers = sorted(self._computers)

    def _look(self, text: str) -> None:
        channel, computer = _CHANNEL.search(text), _COMPUTER.search(text)
        _add(self._channels, channel)
        _add(self._computers, computer)
        if channel is None or computer is None:
            return
        if 0 <= computer.start() - channel.end() < 4:
            known = (text[channel.start() : computer.end()], "")
        else:
            known = (channel[0], computer[0])
        self._known.insert(0, known)
        del self._known[_TRIED:]


def _add(names: set[str], found: re.Match[str] | None) -> None:
    if found is not None and len(names) < NAMES:
        try:
            names.add(str(json.loads(found[1], strict=False)))
        except ValueError:
            names.add(found[1][1:-1])
