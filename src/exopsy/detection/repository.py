"""A whole repository of Sigma rules -> what its files gave, read by several processes if it is large."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path

import msgspec

from exopsy.detection.foreign import ForeignReader, Handed, Read, foreign_files
from exopsy.detection.log_sources import Kind, LogSource, LogSources, read_log_sources
from exopsy.detection.rule import ValueList
from exopsy.schema.format import FormatSpec

_MANY = 400
"""So many files are worth the start of processes."""
_SLICE = 100

EVENT_FIELDS = frozenset(
    """
    Channel EventID Provider_Name Computer EventRecordID Level Task Keywords UserID ProcessID
    ThreadID Opcode Version Qualifiers Provider_Guid ActivityID RelatedActivityID
    """.split()
)
"""Fields of the system part: every event has them."""


@cache
def known_log_sources(formats: tuple[FormatSpec, ...]) -> LogSources:
    """Return the log sources of our content, and those of the formats that it does not name.

    Raises:
        ContentError: our own content is damaged.
    """
    sources = read_log_sources()
    named = {tuple(sorted(source.logsource.items())) for source in sources}
    for spec in formats:
        given = {"product": spec.product, "category": spec.category, "service": spec.service}
        logsource = {key: value for key, value in given.items() if value}
        if logsource and tuple(sorted(logsource.items())) not in named:
            kind = Kind(name=spec.title)
            sources.append(LogSource(logsource=logsource, log=spec.name, subject=(), kinds=(kind,)))
    return LogSources(sources, EVENT_FIELDS)


def read_repository(
    folder: Path,
    lists: dict[str, ValueList],
    formats: tuple[FormatSpec, ...],
    workers: int = 1,
    filters: Sequence[Handed] = (),
) -> Read:
    """Read every rule file of a folder, in path order however many processes do it."""
    paths = foreign_files(folder)
    if workers > 1 and len(paths) >= _MANY:
        try:
            known = msgspec.json.encode((lists, formats, tuple(filters)))
            return _read_by_processes(folder, paths, known, workers)
        except (BrokenProcessPool, OSError):
            pass  # no processes to be had here: the slow way gives the same
    return ForeignReader(folder, known_log_sources(formats), lists, filters).read(paths)


def _read_by_processes(folder: Path, paths: list[Path], known: bytes, workers: int) -> Read:
    result = Read()
    # fork would copy locks that other threads may hold
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        slices = [paths[i : i + _SLICE] for i in range(0, len(paths), _SLICE)]
        for part in pool.map(_read_slice, [folder] * len(slices), slices, [known] * len(slices)):
            result.add(msgspec.json.decode(part, type=Read))
    return result


def _read_slice(folder: Path, paths: list[Path], known: bytes) -> bytes:
    lists, formats, filters = msgspec.json.decode(
        known, type=tuple[dict[str, ValueList], tuple[FormatSpec, ...], tuple[Handed, ...]]
    )
    read = ForeignReader(folder, known_log_sources(formats), lists, filters).read(paths)
    return msgspec.json.encode(read)
