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
import threading
import warnings
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import msgspec

from exopsy.pipeline.progress import SharedProgress, SilentProgress
from exopsy.pipeline.scan import scan_member
from exopsy.pipeline.scan_tools import ScanResult, ScanTools
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
    return (
        sys.platform == "linux"
        and "fork" in multiprocessing.get_all_start_methods()
        # who calls this from a thread has others, whose locks a fork would copy as they are
        and threading.current_thread() is threading.main_thread()
    )


def _nothing() -> None:
    """Have nothing to do meanwhile."""


class _Counted(SilentProgress):
    """A process's progress: bytes, for the parent to tell."""

    def __init__(self, read: Any, number: int) -> None:  # noqa: ANN401 - shared numbers
        self._read = read
        self._number = number

    def advance(self, count: int) -> None:
        """Count bytes, in this process's own place."""
        self._read[self._number] += count


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
        self._started = 0

    def run(self, workers: int, meanwhile: Callable[[], None]) -> tuple[ScanResult, list[Member]]:
        """Read members.

        Args:
            workers: processes at the same time.
            meanwhile: called once they have begun.

        Returns:
            What was brought, and the members that are left because a process failed at something
            else than a member (a full disk): whoever reads them next will meet it and can say so.
        """
        load_writer()
        gc.freeze()  # what is loaded stays: no process has to look through it, or copy it
        result = ScanResult()
        todo = list(range(len(self._members)))
        goes_on = True
        while todo and goes_on:
            todo, goes_on = self._round(todo, workers, result, meanwhile)
            meanwhile = _nothing
        gc.unfreeze()
        return result, [self._members[index] for index in todo]

    def _round(
        self, todo: list[int], workers: int, result: ScanResult, meanwhile: Callable[[], None]
    ) -> tuple[list[int], bool]:
        """Read members; return those to be read again, and whether processes should do it."""
        following = self._context.Value("i", 0)
        # Each process writes into places of its own, so that none can die holding a lock on them.
        owners = self._context.RawArray("i", [_NOBODY] * len(todo))
        at = self._context.RawArray("i", [_NOBODY] * workers)
        read = self._context.RawArray("Q", workers)
        names = [f"p{self._started + number}" for number in range(workers)]
        self._started += workers
        processes = [
            self._context.Process(
                target=self._serve, args=(number, names[number], todo, following, owners, at, read)
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
            self._wait(processes, todo, at, read)
        finally:
            for process in processes:
                if process.is_alive():
                    process.terminate()
        again: list[int] = []
        goes_on = True
        for number, process in enumerate(processes):
            if process.exitcode == 0:
                path = self._result(names[number])
                result.add(msgspec.json.decode(path.read_bytes(), type=ScanResult))
                continue
            goes_on = goes_on and at[number] != _NOBODY
            mine = [todo[place] for place, owner in enumerate(owners) if owner == number]
            for index in mine:
                if index == at[number]:
                    member = self._members[index]
                    result.facts.append(lost(member, "The process that was reading it died."))
                else:
                    again.append(index)
        untouched = [todo[place] for place, owner in enumerate(owners) if owner == _NOBODY]
        return sorted([*again, *untouched]), goes_on

    def _wait(self, processes: Sequence[Any], todo: Sequence[int], at: Any, read: Any) -> None:  # noqa: ANN401
        told, shown = 0, _NOBODY
        alive = {process.sentinel for process in processes}
        while alive:
            alive.difference_update(wait(alive, _LOOK))
            now = sum(read)
            self._progress.count(now - told)
            told = now
            newest = max(at)
            if newest not in (shown, _NOBODY):
                shown = newest
                self._progress.artifact(self._members[newest].path)
        for process in processes:
            process.join()

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
        read: Any,  # noqa: ANN401
    ) -> None:
        """Be a process: read the next member until there is none, then write what was brought."""
        try:
            self._read(number, name, todo, following, owners, at, read)
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
        read: Any,  # noqa: ANN401
    ) -> None:
        progress = SharedProgress(_Counted(read, number))
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
        part.write_bytes(msgspec.json.encode(tools.result(facts)))
        part.replace(self._result(name))
