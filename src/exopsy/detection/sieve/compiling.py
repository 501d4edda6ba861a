"""Patterns -> a Hyperscan database, kept in a folder from run to run."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import hyperscan

from exopsy.detection.sieve.pattern import Pattern

FLAGS = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_DOTALL


def compile_patterns(
    patterns: Sequence[Pattern], cache: Path | None = None, *, once: bool = False
) -> hyperscan.Database | None:
    """Compile; a pattern's place in the list is its id.

    Args:
        patterns: what to look for; nothing to look for is no automaton.
        cache: folder for compiled automata. They are kept under the hash of everything that went
            in; the library refuses those that were made by another version or for another
            processor, and damaged ones.
        once: report each pattern once a scan.
    """
    if not patterns:
        return None
    flags = FLAGS | hyperscan.HS_FLAG_SINGLEMATCH if once else FLAGS
    kept = None if cache is None else cache / f"sieve-{_identity(patterns, flags)}.hsdb"
    if kept is not None:
        try:
            return hyperscan.loadb(kept.read_bytes(), mode=hyperscan.HS_MODE_BLOCK)
        except (OSError, hyperscan.HyperscanError):
            pass
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[p.regex.encode("ascii") for p in patterns],
        ids=list(range(len(patterns))),
        flags=flags,
    )
    if kept is not None:
        keep_file(kept, hyperscan.dumpb(database))
    return database


def keep_file(path: Path, data: bytes) -> None:
    """Write a cache file whole; a cache that can't be written is no cache, and no error."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        return


def _identity(patterns: Sequence[Pattern], flags: int) -> str:
    digest = hashlib.sha256(f"{version('hyperscan')} {flags} {platform.machine()}".encode())
    for pattern in patterns:
        digest.update(pattern.regex.encode("ascii") + b"\0")
    return digest.hexdigest()[:32]
