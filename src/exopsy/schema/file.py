"""Files that are evidence as a whole: a page, a configuration, a task, what an attacker left."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries of a listing of files are worth a row; all texts lower case."""

    endings: tuple[str, ...]
    """Of file names: one of them."""
    folders: tuple[str, ...] = ()
    r"""Parts of the path with ``\`` between folders: one of them; none: anywhere."""
    name: str = ""
    """Part of the file name."""

    def fits(self, path: str) -> bool:
        r"""Say whether a path (lower case, ``\`` between folders) is such an entry."""
        name = path.rpartition("\\")[2]
        return (
            name.endswith(self.endings)
            and self.name in name
            and (not self.folders or any(folder in path for folder in self.folders))
        )


class Interest(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted of listings of files, and how many of it."""

    wanted: tuple[Wanted, ...] = ()
    most: int = 50_000
    """Rows of one listing; further ones are counted."""

    @property
    def endings(self) -> tuple[str, ...]:
        """Return all endings of names, sorted: what ends otherwise is no row."""
        return tuple(sorted({ending for one in self.wanted for ending in one.endings}))

    def fits(self, path: str) -> bool:
        r"""Say whether a path (``\`` between folders) is worth a row."""
        low = path.lower()
        return any(one.fits(low) for one in self.wanted)


class FileFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a file before anybody looks into it."""

    path: str
    """Inside the collection, as ``ArtifactFacts.path``."""
    size: int
    """Bytes it has, all of it."""
    sha256: str
    """Of all its bytes, lower case; ``""`` where its reading stopped."""
    modified: datetime | None = None
    """Its last change as the collection states it, UTC; an intruder may have set it."""
    created: datetime | None = None
    """The same for its creation; few containers keep it."""
    is_whole: bool = True
    """The bytes handed over are all of it, not only the first ``Limits.file_bytes``."""
