"""A collected file -> whether some build ships it: by place and hash, never by name alone.

The same file in the same place is *shipped*; its content elsewhere is *shipped-elsewhere*; another
content in its place is *changed*, but only where the server's build is one that the baselines know,
else *changed-since*: a later update may have brought it. Where no build ships a file there it is
*unknown*; and *not-compared* where the baselines say nothing: of a kind of file that they do not
hold, or of a generation that they do not describe.

The server's build is known only when all evidence has been read. So ``compare`` answers as if
it were unknown, and ``settle`` completes the answer.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Literal

import msgspec

from exopsy.detection.known_good.baseline import Baseline, Content
from exopsy.detection.known_good.build_number import Number, build_number, write_number
from exopsy.detection.known_good.names import ShippedNames
from exopsy.detection.known_good.places import Roots, cut, parts_of

State = Literal[
    "shipped", "shipped-elsewhere", "changed", "changed-since", "unknown", "not-compared"
]
Range = Literal["inside", "after", "unlisted", "other", "unknown"]
"""Where the server's build lies against those of the baselines: one of them or between two updates
of one base; newer than the newest of its line; neither; of a line that none describes; not known."""

_DEEPEST = 24
"""Folders above a file that are tried as the beginning of a place."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What a file is, compared with what is shipped."""

    state: State
    place: str = ""
    """See ``places``; ``""`` where the file lies below no folder that is looked at."""
    builds: str = ""
    """Which builds ship it, for people; of a changed file: which ship one there."""
    at: str = ""
    """Where the same content, or a file of the same or a like name, is shipped."""
    likeness: Literal["", "content", "name", "like-name"] = ""
    """What is the same at ``at``."""

    @property
    def waits(self) -> bool:
        """Say whether the server's build can change the state."""
        return self.state in ("changed-since", "unknown")


class KnownFiles:
    """All baselines of a run.

    Args:
        baselines: ours, and the analyst's.
        roots: what places begin with.
    """

    def __init__(self, baselines: Sequence[Baseline], roots: Roots) -> None:
        self._baselines = tuple(baselines)
        self._roots = roots
        self._builds = sorted({build for one in baselines for build in one.builds})

    @cached_property
    def _places(self) -> dict[str, dict[str, list[tuple[Baseline, Content]]]]:
        """Place -> SHA-256 -> which baseline has it."""
        found: dict[str, dict[str, list[tuple[Baseline, Content]]]] = {}
        for baseline in self._baselines:
            for place, contents in baseline.files.items():
                known = found.setdefault(place, {})
                for sha256, content in contents.items():
                    known.setdefault(sha256, []).append((baseline, content))
        return found

    @cached_property
    def _by_hash(self) -> dict[str, str]:
        """SHA-256 -> the first place that ships it; what is empty is shipped by nobody."""
        found: dict[str, str] = {}
        for place in sorted(self._places):
            for sha256, known in self._places[place].items():
                if all(content.size != 0 for _, content in known):
                    found.setdefault(sha256, place)
        return found

    @cached_property
    def _tails(self) -> dict[tuple[str, ...], list[str]]:
        """A place without its root -> places; a root that was cut off leaves this."""
        found: dict[tuple[str, ...], list[str]] = {}
        for place in sorted(self._places):
            tail = self._below_root(tuple(place.split("/")))
            if len(tail) > 1:
                found.setdefault(tail, []).append(place)
        return found

    @cached_property
    def _folders(self) -> dict[tuple[str, ...], str]:
        """A folder without its root -> the same with it; at least two, which tell it from others.

        Of several the last: below the longer root, which is the one that strangers can ask.
        """
        found: dict[tuple[str, ...], str] = {}
        for tail, places in self._tails.items():
            for end in range(2, len(tail)):
                folder = places[-1].rsplit("/", len(tail) - end)[0]
                found[tail[:end]] = max(folder, found.get(tail[:end], ""))
        return found

    @cached_property
    def _names(self) -> ShippedNames:
        return ShippedNames(self._places)

    def compare(self, path: str, size: int, sha256: str) -> Comparison:
        """Compare one file.

        Args:
            path: inside the collection, with ``/`` (or a backslash) between folders, ``!/`` behind
                archives, a collector's encoding undone.
            size: of all of it, bytes.
            sha256: of all of it, lower case; ``""``: it could not be read to its end, and only its
                place can be compared.
        """
        parts = parts_of(path)
        if not parts:
            return Comparison(state="not-compared")
        extension = parts[-1].rpartition(".")[2] if "." in parts[-1] else ""
        placed = cut(parts, self._roots)
        above = parts if placed is None else placed.above
        candidates = self._cut_off(parts) if placed is None else ["/".join(placed.place)]
        for place in candidates:
            known = self._places.get(place, {}).get(sha256)
            if known:
                return Comparison(state="shipped", place=place, builds=_builds_of(known))
        place = candidates[0] if candidates else ""
        elsewhere = self._by_hash.get(sha256) if size else None
        if elsewhere is not None:
            return Comparison(
                state="shipped-elsewhere",
                place=place,
                builds=_builds_of(self._places[elsewhere][sha256]),
                at=elsewhere,
                likeness="content",
            )
        if self._roots.other_generations.intersection(above) or not any(
            one.knows_kind(extension) for one in self._baselines
        ):
            return Comparison(state="not-compared", place=place)
        if place in self._places and not sha256:
            return Comparison(state="not-compared", place=place)
        if place in self._places:
            there = [found for known in self._places[place].values() for found in known]
            return Comparison(state="changed-since", place=place, builds=_builds_of(there))
        alike = self._names.likeness(parts[-1])
        if alike is None:
            return Comparison(state="unknown", place=place)
        return Comparison(
            state="unknown",
            place=place,
            at=alike.place,
            likeness="name" if alike.is_same else "like-name",
        )

    def settle(self, state: State, build: str | None) -> tuple[State, Range]:
        """Complete a state by the server's build; None: it is not known."""
        where = self.range_of(build)
        if state == "changed-since" and where == "inside":
            return "changed", where
        if state in ("changed-since", "unknown") and where == "other":
            return "not-compared", where
        return state, where

    def range_of(self, build: str | None) -> Range:
        """Say where a build lies against those that the baselines describe."""
        number = None if build is None else build_number(build)
        if number is None:
            return "unknown"
        line = [known for known in self._builds if known[:2] == number[:2]]
        if line:
            return _range(number, line)
        if not self._builds:
            return "unknown"
        return "after" if number > self._builds[-1] else "other"

    def _cut_off(self, parts: Sequence[str]) -> list[str]:
        """Return the places of a path whose root was cut off; of an unknown file, its folder's."""
        longest = range(max(0, len(parts) - _DEEPEST), len(parts) - 1)
        for at in longest:
            if found := self._tails.get(tuple(parts[at:])):
                return found
        for at in longest:
            if folder := self._folders.get(tuple(parts[at:-1])):
                return [f"{folder}/{parts[-1]}"]
        return []

    def _below_root(self, place: tuple[str, ...]) -> tuple[str, ...]:
        for root in self._roots.roots:
            if place[: len(root.place)] == root.place:
                return place[len(root.place) :]
        return ()


def _range(number: Number, line: Sequence[Number]) -> Range:
    """Place a build among the ascending ones of its line."""
    if number in line:
        return "inside"
    base = [known for known in line if known[:3] == number[:3]]
    if len(number) == 4 and base and base[0] < number < base[-1]:
        return "inside"
    return "after" if bisect_left(line, number) == len(line) else "unlisted"


def _builds_of(known: Sequence[tuple[Baseline, Content]]) -> str:
    """Name the builds: "15.1.2106.2", or "15.0.516.32 to 15.2.858.5 (101 builds)"."""
    numbers = tuple(sorted({one.builds[at] for one, content in known for at in content.builds}))
    return _named(numbers)


@lru_cache(maxsize=4_096)
def _named(numbers: tuple[Number, ...]) -> str:
    if len(numbers) < 2:
        return write_number(numbers[0]) if numbers else ""
    first, last = write_number(numbers[0]), write_number(numbers[-1])
    return f"{first} to {last} ({len(numbers)} builds)"
