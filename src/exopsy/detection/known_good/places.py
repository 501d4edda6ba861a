"""The path of a collected file -> its place: where it lies below a folder that every server has.

Drives, install folders, collectors and archives differ; what lies below the product's own folders
does not. A *place* is that part of the path, lower case, ``/`` between folders, with every folder
that is named like a version as ``{ver}`` (``clientaccess/owa/prem/{ver}/scripts/blank.html``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from exopsy.core.content import CONTENT, read_yaml
from exopsy.core.errors import ContentError
from exopsy.detection.casefold import fold

VERSION = "{ver}"
_VERSION_FOLDER = re.compile(r"\d{1,6}(?:\.\d{1,6}){2,3}", re.ASCII)
_SEPARATOR = re.compile(r"!/|[/\\]")


class Root(msgspec.Struct, frozen=True):
    """A folder that every server has, wherever it was installed."""

    folders: tuple[str, ...]
    """Names of the folder and of those above it that tell it from others."""
    place: tuple[str, ...]
    """What its places begin with."""


class Roots(msgspec.Struct, frozen=True, kw_only=True):
    """Which folders are looked at, and which never: content says."""

    roots: tuple[Root, ...]
    other_generations: frozenset[str]
    """Folders below which lies a generation of the product that nobody described."""


def load_roots(content: Path = CONTENT) -> Roots:
    """Read ``mappings/known_good.yml``.

    Raises:
        ContentError: it does not have the shape it must have.
    """
    path = content / "mappings" / "known_good.yml"
    found = read_yaml(path)
    try:
        return Roots(
            roots=tuple(
                Root(tuple(str(root[0]).split("/")), tuple(str(root[1]).split("/")))
                for root in found["roots"]
            ),
            other_generations=frozenset(str(name) for name in found["other_generations"]),
        )
    except (KeyError, TypeError, IndexError) as error:
        raise ContentError(
            f"has not the shape it must have: {error}", at=str(path), remedy="See its first lines"
        ) from error


def parts_of(path: str) -> tuple[str, ...]:
    """Split a path of a collection (archives ``!/``), fold its case, name version folders alike."""
    parts = [part for part in _SEPARATOR.split(fold(path)) if part]
    last = len(parts) - 1
    return tuple(
        VERSION if at < last and _VERSION_FOLDER.fullmatch(part) else part
        for at, part in enumerate(parts)
    )


class Placed(msgspec.Struct, frozen=True):
    """A path, cut at the first root."""

    above: tuple[str, ...]
    """The folder that a product was installed into, and what lies above it."""
    place: tuple[str, ...]


def cut(parts: Sequence[str], roots: Roots) -> Placed | None:
    """Cut a path at its first root; None where it has none.

    The first, for what lies deeper may have been named by an intruder.
    """
    for at in range(len(parts) - 1):
        for root in roots.roots:
            end = at + len(root.folders)
            if end < len(parts) and tuple(parts[at:end]) == root.folders:
                return Placed(tuple(parts[:at]), (*root.place, *parts[end:]))
    return None
