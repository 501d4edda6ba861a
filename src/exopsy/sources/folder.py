"""A folder in -> its regular files in byte order of their paths; links and devices stay outside."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from exopsy.core.clock import from_unix
from exopsy.sources.member import Member, ProblemLog, local_member
from exopsy.sources.names import NamesTaken, safe_path

_LINKS = (
    "symbolic links or junctions, which are not followed: what they point to is not part of the "
    "collection; copy the targets in if they belong to it"
)
_SECOND = 1_000_000_000
_SPECIAL = "devices, pipes or sockets, which are not read"


def folder_members(folder: Path, problems: ProblemLog) -> Iterator[Member]:
    """Yield every regular file below a folder, ordered by the bytes of its path."""
    skipped: Counter[str] = Counter()
    taken = NamesTaken()
    stack = [_listing(folder, "", problems, skipped)]
    while stack:
        found = next(stack[-1], None)
        if found is None:
            stack.pop()
            continue
        entry, name = found
        if entry.is_dir(follow_symlinks=False):
            stack.append(_listing(Path(entry.path), f"{name}/", problems, skipped))
            continue
        path = taken.claim(safe_path(name))
        try:
            facts = entry.stat(follow_symlinks=False)
        except OSError as error:
            problems.add(path, f"can't be read ({error.strerror}); it may have been deleted")
            continue
        modified = from_unix(facts.st_mtime_ns // _SECOND, facts.st_mtime_ns % _SECOND // 100)
        yield local_member(path, Path(entry.path), facts.st_size, modified)
    for what, count in sorted(skipped.items()):
        problems.add("", f"The folder holds {count} {what}")


def _listing(
    folder: Path, prefix: str, problems: ProblemLog, skipped: Counter[str]
) -> Iterator[tuple[os.DirEntry[str], str]]:
    try:
        with os.scandir(folder) as scan:
            entries = [entry for entry in scan if _is_followed(entry, skipped)]
    except OSError as error:
        problems.add(
            safe_path(prefix) if prefix else "",
            f"The folder can't be listed ({error.strerror}); what is in it was not read: "
            "run as a user who may read it",
        )
        return
    # 'a.b/x' comes before 'a/x' in byte order: a folder sorts with its slash
    entries.sort(key=lambda e: os.fsencode(e.name) + b"/" * e.is_dir(follow_symlinks=False))
    for entry in entries:
        yield entry, prefix + entry.name


def _is_followed(entry: os.DirEntry[str], skipped: Counter[str]) -> bool:
    if entry.is_symlink() or _is_junction(entry):
        skipped[_LINKS] += 1
        return False
    if not entry.is_dir(follow_symlinks=False) and not entry.is_file(follow_symlinks=False):
        skipped[_SPECIAL] += 1
        return False
    return True


def _is_junction(entry: os.DirEntry[str]) -> bool:
    """Whether a Windows folder is a mount point; DirEntry.is_junction comes with Python 3.12."""
    try:
        tag: int = getattr(entry.stat(follow_symlinks=False), "st_reparse_tag", 0)
    except OSError:
        return False
    return tag == getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", -1)
