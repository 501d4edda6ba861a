"""What the pipeline tells whoever is waiting; what it looks like is not its business."""

from __future__ import annotations

import threading
from typing import Protocol


class Progress(Protocol):
    """Receives news of a run, from one thread at a time."""

    def start(self, total_bytes: int | None) -> None:
        """Begin; None where the size of the collection is not known beforehand."""

    def stage(self, name: str) -> None:
        """Say what is being done now, in a few words for the analyst ("reading the logs")."""

    def artifact(self, path: str) -> None:
        """Begin an artifact; its path comes from the evidence and is hostile."""

    def advance(self, count: int) -> None:
        """Count bytes read since the last call."""

    def findings(self, count: int) -> None:
        """Say how many findings there are so far."""

    def finish(self) -> None:
        """End; called once, also after a failure."""


class SilentProgress:
    """Says nothing."""

    def start(self, total_bytes: int | None) -> None:
        """Ignore."""

    def stage(self, name: str) -> None:
        """Ignore."""

    def artifact(self, path: str) -> None:
        """Ignore."""

    def advance(self, count: int) -> None:
        """Ignore."""

    def findings(self, count: int) -> None:
        """Ignore."""

    def finish(self) -> None:
        """Ignore."""


class SharedProgress:
    """Passes news on from several threads, one at a time and not too often."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._pending = 0

    def artifact(self, path: str) -> None:
        """Say which artifact is begun."""
        with self._lock:
            self._progress.artifact(path)

    def advance(self, view: memoryview) -> None:
        """Count bytes."""
        with self._lock:
            self._pending += len(view)
            if self._pending >= _PROGRESS_STEP:
                self._progress.advance(self._pending)
                self._pending = 0

    def count(self, size: int) -> None:
        """Pass on bytes that another process counted."""
        with self._lock:
            self._progress.advance(size)

    def flush(self) -> None:
        """Pass on what is left."""
        with self._lock:
            self._progress.advance(self._pending)
            self._pending = 0


_PROGRESS_STEP = 8 << 20
