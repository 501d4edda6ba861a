"""Values from the story -> every record that holds one of them, over all logs that were read.

The same machinery as the rules: literals in one automaton, candidates parsed, and only a parsed
field that equals the value counts. A value that brings more rows than a limit is a hub.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence

from exopsy.core.limits import Limits
from exopsy.detection.casefold import fold
from exopsy.detection.sieve.keys import KeySieve
from exopsy.schema.activity import Activity
from exopsy.schema.pivot import Hub, PivotKey

_EXECUTABLE_TAIL = 4


class KeyCounter:
    """Counts the rows that each key brought, over all threads."""

    def __init__(self, limits: Limits) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[PivotKey] = Counter()
        self._most = limits.hub_rows

    def add(self, keys: Iterable[PivotKey]) -> bool:
        """Count one row; say whether any of its keys is still below the limit."""
        with self._lock:
            found = list(keys)
            self._counts.update(found)
            return any(self._counts[key] <= self._most for key in found)

    def hubs(self) -> list[Hub]:
        """Return the keys that brought too much, in order."""
        return [
            Hub(key=key, rows=rows)
            for key, rows in sorted(self._counts.items())
            if rows > self._most
        ]


class KeyMatcher:
    """Says which keys a row holds."""

    def __init__(self, keys: Sequence[PivotKey]) -> None:
        self.addresses = {k.value: k for k in keys if k.kind == "address"}
        self.paths = {k.value: k for k in keys if k.kind == "path"}
        self.accounts = {k.value: k for k in keys if k.kind == "account"}
        self.request_ids = {k.value: k for k in keys if k.kind == "request_id"}

    def keys_of(self, activity: Activity) -> list[PivotKey]:
        """Return the keys that the row holds as its client, path, user or request id."""
        found = [
            self.addresses.get(activity.client),
            self.accounts.get(fold(activity.user)) if activity.user else None,
            self.request_ids.get(activity.request_id) if activity.request_id else None,
        ]
        if activity.stem and self.paths:
            stem = fold(activity.stem)
            found.append(self.paths.get(stem))
            found += [key for path, key in self.paths.items() if stem.startswith(path + "/")]
        return [key for key in found if key is not None]


def key_sieve(log: str, keys: Sequence[PivotKey]) -> KeySieve:
    """Compile the keys for one log."""
    return KeySieve(log, [key.value for key in keys])
