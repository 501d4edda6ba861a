"""Plain files of a collection -> read by several processes, where a process costs little to start.

Threads would do: hashing, scanning and counting give up the interpreter's lock. But two threads that
take the lock some dozen times a block wait for each other for a third of the time. A forked process
shares all that is loaded and compiled, and waits for nobody. Where there is no fork, threads read.

A process takes the next member when it is done with one. If it dies, the member that it was reading
is lost, and told as such; what else it had read is read again.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import msgspec

from exopsy.pipeline.progress import SharedProgress
from exopsy.pipeline.scan import scan_member
from exopsy.pipeline.scan_tools import Scanned, ScanTools
from exopsy.pipeline.stage import guarded, lost
from exopsy.sources.member import Member
from exopsy.store.tables import load_writer

WORTH = 48 << 20
"""Bytes below which processes gain nothing."""
_LOOK = 0.2
"""Seconds between two looks at the processes."""
_NOBODY = -1
_STOPPED = 130

logger = logging.getLogger(__name__)


def can_fork() -> bool:
    """Say whether a process can be had for nothing: on Linux (elsewhere system libraries mind)."""
    return sys.platform == "linux" and "fork" in multiprocessing.get_all_start_methods()


def _nothing() -> None:
    """Have nothing to do meanwhile."""


class _Counted:
    """A process's progress: bytes, for the parent to tell."""

    def __init__(self, bytes_read: Any) -> None:  # noqa: ANN401 - a shared number
        self._bytes = bytes_read

    def start(self, total_bytes: int | None) -> None:
        """Nothing to tell."""

    def stage(self, name: str) -> None:
        """Nothing to tell."""

    def artifact(self, path: str) -> None:
        """Nothing to tell."""

    def advance(self, count: int) -> None:
        """Count bytes."""
        with self._bytes.get_lock():
            self._bytes.value += count

    def findings(self, count: int) -> None:
        """Nothing to tell."""

    def finish(self) -> None:
        """Nothing to tell."""


class ProcessScan:
    """Reads members by several processes.

    Args:
        members: plain files, in the order in which they are taken.
        tools: name -> what a process needs; called in the process.
        folder: of the run, for what the processes bring.
        progress: told of bytes and members.
    """

    def __init__(
        self,
        members: Sequence[Member],
        tools: Callable[[str], ScanTools],
        folder: Path,
        progress: SharedProgress,
    ) -> None:
        self._members = members
        self._tools = tools
        self._folder = folder
        self._progress = progress
        self._context = multiprocessing.get_context("fork")
        self._bytes = self._context.Value("Q", 0)
        self._told = 0
        self._started = 0

    def run(self, workers: int, meanwhile: Callable[[], None]) -> Scanned:
        """Read all members; ``meanwhile`` is called once they have begun."""
        load_writer()
        gc.freeze()  # what is loaded stays: no process has to look through it, or copy it
        result = Scanned()
        todo = list(range(len(self._members)))
        while todo:
            todo = self._round(todo, workers, result, meanwhile)
            meanwhile = _nothing
        gc.unfreeze()
        return result

    def _round(
        self, todo: list[int], workers: int, result: Scanned, meanwhile: Callable[[], None]
    ) -> list[int]:
        """Read members; return those that have to be read again, as a process died."""
        following = self._context.Value("i", 0)
        owners = self._context.Array("i", [_NOBODY] * len(todo))
        at = self._context.Array("i", [_NOBODY] * workers)
        names = [f"p{self._started + number}" for number in range(workers)]
        self._started += workers
        processes = [
            self._context.Process(
                target=self._serve, args=(number, names[number], todo, following, owners, at)
            )
            for number in range(workers)
        ]
        try:
            with warnings.catch_warnings():
                # Later versions of Python warn of threads, of which numpy starts some that sleep.
                warnings.simplefilter("ignore", DeprecationWarning)
                for process in processes:
                    process.start()
            meanwhile()
            self._wait(processes, todo, following)
        finally:
            for process in processes:
                if process.is_alive():
                    process.terminate()
        owned: list[int] = owners[:]
        again: list[int] = []
        for number, process in enumerate(processes):
            if process.exitcode == 0:
                path = self._result(names[number])
                result.add(msgspec.json.decode(path.read_bytes(), type=Scanned))
                continue
            mine = [todo[place] for place, owner in enumerate(owned) if owner == number]
            died_at = at[number]
            for index in mine:
                if index == died_at:
                    member = self._members[index]
                    result.facts.append(lost(member, "The process that was reading it died."))
                else:
                    again.append(index)
        untouched = [todo[place] for place, owner in enumerate(owned) if owner == _NOBODY]
        return sorted([*again, *untouched])

    def _wait(self, processes: Sequence[Any], todo: Sequence[int], following: Any) -> None:  # noqa: ANN401
        shown = _NOBODY
        alive = {process.sentinel for process in processes}
        while alive:
            alive.difference_update(wait(alive, _LOOK))
            self._tell()
            place = min(following.value, len(todo)) - 1
            if place != shown and place >= 0:
                shown = place
                self._progress.artifact(self._members[todo[place]].path)
        for process in processes:
            process.join()
        self._tell()

    def _tell(self) -> None:
        read = self._bytes.value
        self._progress.count(read - self._told)
        self._told = read

    def _result(self, name: str) -> Path:
        return self._folder / f"scanned-{name}.json"

    def _serve(
        self,
        number: int,
        name: str,
        todo: Sequence[int],
        following: Any,  # noqa: ANN401 - shared numbers
        owners: Any,  # noqa: ANN401
        at: Any,  # noqa: ANN401
    ) -> None:
        """Be a process: read the next member until there is none, then write what was brought."""
        try:
            self._read(number, name, todo, following, owners, at)
        except KeyboardInterrupt:
            os._exit(_STOPPED)  # the parent tells
        except BaseException:
            logger.exception("defect of a process that reads")
            os._exit(1)

    def _read(
        self,
        number: int,
        name: str,
        todo: Sequence[int],
        following: Any,  # noqa: ANN401 - shared numbers
        owners: Any,  # noqa: ANN401
        at: Any,  # noqa: ANN401
    ) -> None:
        progress = SharedProgress(_Counted(self._bytes))
        facts = []
        tools = self._tools(name)
        with tools:
            while True:
                with following.get_lock():
                    place = following.value
                    following.value = place + 1
                if place >= len(todo):
                    break
                index = todo[place]
                owners[place] = number
                at[number] = index
                facts.append(
                    guarded(lambda m: scan_member(m, tools.work, progress), self._members[index])
                )
                at[number] = _NOBODY
            progress.flush()
        part = self._result(name).with_suffix(f".{os.getpid()}.part")
        part.write_bytes(msgspec.json.encode(tools.scanned(facts)))
        part.replace(self._result(name))
