"""The pipeline's news on stderr: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TextIO

from exopsy.cli.terminal import has_colour, is_interactive
from exopsy.pipeline.progress import Progress, SilentProgress
from exopsy.reports.escape import visible

if TYPE_CHECKING:
    from rich.progress import TaskID

_PAUSE_S = 5.0
"""Between two plain lines."""
_NAME = 60


def progress_on(stream: TextIO, *, quiet: bool) -> Progress:
    """Choose how progress is shown on this stream."""
    if quiet:
        return SilentProgress()
    return BarProgress(stream) if is_interactive(stream) else LineProgress(stream)


class LineProgress:
    """A plain line at every stage, and every few seconds while bytes are read."""

    def __init__(self, stream: TextIO, *, pause_s: float = _PAUSE_S) -> None:
        self._stream = stream
        self._pause_s = pause_s
        self._total: int | None = None
        self._read = self._artifacts = self._findings = 0
        self._began = self._last = time.monotonic()

    def start(self, total_bytes: int | None) -> None:
        """Begin to count."""
        self._total = total_bytes
        self._began = self._last = time.monotonic()

    def stage(self, name: str) -> None:
        """Write a line."""
        self._write(visible(name, _NAME))

    def artifact(self, path: str) -> None:
        """Count it; thousands of names would hide what matters."""
        self._artifacts += 1

    def advance(self, count: int) -> None:
        """Count, and write a line when the last one is some seconds old."""
        self._read += count
        now = time.monotonic()
        if now - self._last >= self._pause_s:
            self._last = now
            self._write(self._state(now))

    def findings(self, count: int) -> None:
        """Remember."""
        self._findings = count

    def finish(self) -> None:
        """Write what was read in all."""
        if self._read:
            self._write(f"done: {self._state(time.monotonic())}")
            self._read = 0

    def _state(self, now: float) -> str:
        elapsed = max(now - self._began, 0.001)
        rate = self._read / elapsed
        of = f" of {size(self._total)}" if self._total else ""
        left = ""
        if self._total and self._total > self._read and rate:
            left = f", about {duration((self._total - self._read) / rate)} left"
        return (
            f"{size(self._read)}{of} read, {size(rate)}/s{left}, "
            f"{self._artifacts} artifacts, {self._findings} findings so far"
        )

    def _write(self, text: str) -> None:
        print(f"exopsy: {text}", file=self._stream, flush=True)


class BarProgress:
    """A bar with bytes, rate, time left, artifacts and findings so far."""

    def __init__(self, stream: TextIO) -> None:
        # Rich costs as much start-up as everything else together.
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )
        from rich.progress import Progress as Bars

        console = Console(file=stream, no_color=not has_colour(stream), highlight=False)
        self._bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[counts]}", markup=False),
            TextColumn("{task.fields[now]}", markup=False),
            console=console,
            transient=True,
        )
        self._artifacts = self._findings = 0
        self._task: TaskID | None = None

    def start(self, total_bytes: int | None) -> None:
        """Show the bar, or give the one that a stage has shown already its size."""
        if self._task is None:
            self._task = self._bars.add_task("reading", total=total_bytes, counts="", now="")
            self._bars.start()
        else:
            self._bars.reset(self._task, total=total_bytes)

    def stage(self, name: str) -> None:
        """Name the stage before the bar."""
        if self._task is None:
            self.start(None)
        if self._task is not None:
            self._bars.update(self._task, description=visible(name, _NAME), now="")

    def artifact(self, path: str) -> None:
        """Show the end of its name: the beginning is the same for all."""
        self._artifacts += 1
        if self._task is not None:
            now = path if len(path) <= _NAME else f"…{path[-_NAME:]}"
            self._bars.update(self._task, now=visible(now, _NAME + 1), counts=self._counts())

    def advance(self, count: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bars.advance(self._task, count)

    def findings(self, count: int) -> None:
        """Show the number."""
        self._findings = count
        if self._task is not None:
            self._bars.update(self._task, counts=self._counts())

    def finish(self) -> None:
        """Take the bar away."""
        self._bars.stop()

    def _counts(self) -> str:
        return f"{self._artifacts} artifacts, {self._findings} findings"


def size(count: float) -> str:
    """Write a number of bytes: ``812 B``, ``1.4 GiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def duration(seconds: float) -> str:
    """Write a time to wait: ``40 s``, ``12 min``, ``3 h 05 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
