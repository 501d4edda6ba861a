"""What the pipeline tells whoever is waiting; what it looks like is not its business."""

from __future__ import annotations

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
