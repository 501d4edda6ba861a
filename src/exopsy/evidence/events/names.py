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


class NameCollector:
    """Collects names; what was found last is tried first, because a log repeats itself."""

    def __init__(self, facts: EventLogFacts) -> None:
        self._facts = facts
        self._kinds = ((_CHANNEL, set[str](), list[str]()), (_COMPUTER, set[str](), list[str]()))

    def see(self, texts: list[str]) -> None:
        """Take the next records."""
        for pattern, names, known in self._kinds:
            for text in texts:
                for needle in known:
                    if needle in text:
                        break
                else:
                    self._look(text, pattern, names, known)

    def finish(self) -> None:
        """Hand the names over."""
        self._facts.channels = sorted(self._kinds[0][1])
        self._facts.computers = sorted(self._kinds[1][1])

    @staticmethod
    def _look(text: str, pattern: re.Pattern[str], names: set[str], known: list[str]) -> None:
        found = pattern.search(text)
        if found is None:
            return
        known.insert(0, found[0])
        del known[_TRIED:]
        if len(names) < NAMES:
            try:
                names.add(str(json.loads(found[1], strict=False)))
            except ValueError:
                names.add(found[1][1:-1])
