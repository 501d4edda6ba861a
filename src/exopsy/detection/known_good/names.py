"""A file's name -> the shipped name that it may want to be taken for."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

_SHORTEST = 4
"""Characters of a name without its extension; shorter ones are like everything."""


class Likeness(msgspec.Struct, frozen=True):
    """A shipped name that a name is, or is like."""

    place: str
    """Where the shipped one lies; the first of several."""
    is_same: bool
    """The very name, elsewhere; else one that differs in a few letters."""


class ShippedNames:
    """Names of the files that are shipped.

    Args:
        places: of the files, with ``/`` between folders.
    """

    def __init__(self, places: Iterable[str]) -> None:
        self._by_name: dict[str, str] = {}
        for place in sorted(places):
            self._by_name.setdefault(place.rpartition("/")[2], place)
        self._by_length: dict[int, list[tuple[int, str, str]]] = {}
        for name in self._by_name:
            stem, _, extension = name.rpartition(".")
            if len(stem) >= _SHORTEST:
                self._by_length.setdefault(len(stem), []).append((_letters(stem), stem, extension))

    def likeness(self, name: str) -> Likeness | None:
        """Return the shipped name that a (lower-case) name is or is like, of one extension."""
        if name in self._by_name:
            return Likeness(self._by_name[name], is_same=True)
        stem, _, extension = name.rpartition(".")
        most = _most_changes(len(stem))
        if not most or len(stem) > 64:
            return None
        letters = _letters(stem)
        found = []
        for length in range(len(stem) - most, len(stem) + most + 1):
            for known_letters, known, known_extension in self._by_length.get(length, ()):
                # each change touches at most two letters
                if (
                    known_extension == extension
                    and (letters ^ known_letters).bit_count() <= 2 * most
                    and (changes := _changes(stem, known, most)) <= most
                ):
                    found.append((changes, known))
        if not found:
            return None
        nearest = min(found)[1]
        return Likeness(self._by_name[f"{nearest}.{extension}"], is_same=False)


def _most_changes(length: int) -> int:
    """Return how many letters may differ: one in short names, three in long ones."""
    if length < _SHORTEST:
        return 0
    return 1 if length < 6 else 2 if length < 15 else 3


def _letters(text: str) -> int:
    found = 0
    for char in text:
        found |= 1 << (ord(char) & 63)
    return found


def _changes(a: str, b: str, most: int) -> int:
    """Return how many letters must be put in, taken out or changed; ``most`` + 1 if more."""
    row = list(range(len(b) + 1))
    for i, one in enumerate(a, start=1):
        above, row = row, [i]
        for j, other in enumerate(b, start=1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (one != other)))
        if min(row) > most:
            return most + 1
    return row[-1]
