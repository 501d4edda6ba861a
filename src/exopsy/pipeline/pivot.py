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
from exopsy.schema.activity import Activity
from exopsy.schema.pivot import Hub, PivotKey


class KeyCounter:
    """Counts the rows that each key brought, over all threads.

    Which rows of a hub are kept must not depend on which thread came first. So each artifact keeps
    the same share of them, its first ones; a row beyond that is kept for as long as its key may
    still turn out to be no hub, and says so.
    """

    def __init__(self, limits: Limits, artifacts: int) -> None:
        """Prepare for so many artifacts."""
        self._lock = threading.Lock()
        self._counts: Counter[PivotKey] = Counter()
        self._most = limits.hub_rows
        self.share = max(1, limits.hub_rows // max(1, artifacts))
        """Rows of a hub that each artifact keeps."""

    def add(self, keys: Iterable[PivotKey]) -> bool:
        """Count one row; say whether any of its keys may still be no hub."""
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


class ArtifactKeys:
    """One artifact's part of the counting."""

    def __init__(self, counter: KeyCounter) -> None:
        self._counter = counter
        self._counts: Counter[PivotKey] = Counter()

    def take(self, keys: Sequence[PivotKey]) -> list[str] | None:
        """Count a row that holds these keys.

        Returns:
            None: it is not kept. Else the keys of which at least one must turn out to be no hub,
            or nothing when it is kept whatever they turn out to be.
        """
        self._counts.update(keys)
        is_open = self._counter.add(keys)
        if any(self._counts[key] <= self._counter.share for key in keys):
            return []
        return [name_of(key) for key in keys] if is_open else None


def name_of(key: PivotKey) -> str:
    """Write a key as one text."""
    return f"{key.kind} {key.value}"


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
