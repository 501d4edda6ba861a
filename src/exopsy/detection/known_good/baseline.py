r"""Which files a product ships, with the hash that each has in which build: read and written.

The format is text, so that a difference can be read; ours (``content/facts/shipped_files.txt``) and
an analyst's own (``exopsy baseline make``) are the same::

    exopsy-baseline 1
    # any comment
    origin: clean server
    covers: ascx ashx aspx
    builds: 15.1.2106.2 15.1.2106.13

    clientaccess/owa/auth/errorfe.aspx
     9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 1204 0-1

``covers`` lists the kinds of files (extensions) of which the baseline holds *all*; ``*`` is every
kind. Below a place each line is one content: SHA-256, size in bytes or ``-``, and the builds that
ship it, counted from 0 in ``builds``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from exopsy.core.errors import ContentError
from exopsy.detection.known_good.build_number import Number, build_number, write_number

HEAD = "exopsy-baseline 1"
EVERYTHING = "*"
MOST_BYTES = 256 << 20
MOST_LINES = 4_000_000
_MOST_LINE = 4_096
_MOST_BUILDS = 10_000
_HEX = frozenset("0123456789abcdef")
_MAKE_AGAIN = "Make it again with 'exopsy baseline make'"


class Content(msgspec.Struct, frozen=True):
    """One content of a place."""

    size: int | None
    builds: tuple[int, ...]
    """Indexes into ``Baseline.builds``, ascending."""


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What some builds ship."""

    origin: str
    covers: frozenset[str]
    """Extensions, lower case without the dot; ``*`` alone: every kind of file."""
    builds: tuple[Number, ...]
    """Ascending."""
    files: Mapping[str, Mapping[str, Content]]
    """Place -> SHA-256 -> content."""

    def knows_kind(self, extension: str) -> bool:
        """Say whether it holds all files of an extension."""
        return extension in self.covers or EVERYTHING in self.covers


def read_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        ContentError: it can't be read, or is none; says where and what to do.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ContentError(
                f"is larger than {MOST_BYTES >> 20} MiB", at=str(path), remedy=_MAKE_AGAIN
            )
        text = path.read_bytes().removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        raise ContentError("is no UTF-8 text", at=str(path), remedy=_MAKE_AGAIN) from error
    except OSError as error:
        raise ContentError(
            f"can't be read: {error.strerror or error}",
            at=str(path),
            remedy="Look at name and permissions",
        ) from error
    return parse_baseline(text, str(path))


def parse_baseline(text: str, at: str) -> Baseline:
    """Read a baseline's text.

    Args:
        text: all of it.
        at: its name, for errors.

    Raises:
        ContentError: it is none; says which line.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].strip() != HEAD:
        raise ContentError(
            f"is no baseline: its first line is not '{HEAD}'", at=at, remedy=_MAKE_AGAIN
        )
    if len(lines) > MOST_LINES:
        raise ContentError(f"has more than {MOST_LINES} lines", at=at, remedy=_MAKE_AGAIN)
    numbered = enumerate(lines[1:], start=2)
    try:
        return _parse(numbered)
    except _Wrong as wrong:
        raise ContentError(wrong.text, at=f"{at}:{wrong.line}", remedy=_MAKE_AGAIN) from wrong


class _Wrong(Exception):
    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.text = text


def _parse(lines: Iterator[tuple[int, str]]) -> Baseline:
    head = _read_head(lines)
    builds = []
    for word in head.get("builds", "").split():
        number = build_number(word)
        if number is None:
            raise _Wrong(1, f"names '{word[:40]}', which is no build")
        builds.append(number)
    if len(builds) > _MOST_BUILDS or builds != sorted(set(builds)):
        raise _Wrong(1, "has builds that are not in order, or too many")
    files: dict[str, dict[str, Content]] = {}
    ranges: dict[str, tuple[int, ...]] = {}
    current: dict[str, Content] | None = None
    for number_of_line, line in lines:
        if not line or line.startswith("#"):
            continue
        if len(line) > _MOST_LINE:
            raise _Wrong(number_of_line, f"is longer than {_MOST_LINE} characters")
        if line[0] != " ":
            current = files.setdefault(line, {})
            continue
        words = line.split()
        if current is None or len(words) != 3 or len(words[0]) != 64 or set(words[0]) - _HEX:
            raise _Wrong(number_of_line, "is neither a place nor '<SHA-256> <size> <builds>'")
        if words[2] not in ranges:
            ranges[words[2]] = _read_range(words[2], len(builds), number_of_line)
        size = words[1]
        if size != "-" and not (size.isascii() and size.isdigit() and len(size) < 16):
            raise _Wrong(number_of_line, f"has a size that is no number: '{size[:40]}'")
        current[words[0]] = Content(None if size == "-" else int(size), ranges[words[2]])
    return Baseline(
        origin=head.get("origin", ""),
        covers=frozenset(head.get("covers", EVERYTHING).lower().split()),
        builds=tuple(builds),
        files=files,
    )


def _read_head(lines: Iterator[tuple[int, str]]) -> dict[str, str]:
    """Read ``key: value`` lines up to the first empty one; keys of later versions are kept too."""
    head = {}
    for number, line in lines:
        if not line.strip():
            break
        if line.startswith("#"):
            continue
        key, colon, value = line.partition(":")
        if not colon:
            raise _Wrong(number, "is no 'key: value' line; an empty line ends the head")
        head[key.strip()] = value.strip()
    return head


def _read_range(text: str, count: int, line: int) -> tuple[int, ...]:
    """Read ``0-3,7``; ``-`` is none."""
    found: list[int] = []
    if text == "-":
        return ()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        ends = (first, last) if dash else (first, first)
        if not all(end.isascii() and end.isdigit() and len(end) < 6 for end in ends):
            raise _Wrong(line, f"has builds that are no numbers: '{text[:40]}'")
        low, high = int(ends[0]), int(ends[1])
        if not (found[-1] if found else -1) < low <= high < count:
            raise _Wrong(line, f"names builds that are not listed: '{text[:40]}'")
        found += range(low, high + 1)
    return tuple(found)


def write_range(indexes: Iterable[int]) -> str:
    """Write indexes as ``0-3,7``."""
    runs: list[list[int]] = []
    for index in sorted(indexes):
        if runs and runs[-1][1] == index - 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs) or "-"


def render_baseline(baseline: Baseline, comment: str = "") -> str:
    """Write a baseline: the same content gives the same bytes.

    Args:
        baseline: what is written.
        comment: text for people; each of its lines becomes a comment.
    """
    lines = [HEAD, *(f"# {line}" for line in comment.splitlines())]
    lines += [
        f"origin: {' '.join(baseline.origin.split())}",
        f"covers: {' '.join(sorted(baseline.covers))}",
        f"builds: {' '.join(map(write_number, baseline.builds))}",
        "",
    ]
    for place in sorted(baseline.files):
        lines.append(place)
        for sha256, content in sorted(
            baseline.files[place].items(), key=lambda item: (item[1].builds, item[0])
        ):
            size = "-" if content.size is None else str(content.size)
            lines.append(f" {sha256} {size} {write_range(content.builds)}")
    return "\n".join(lines) + "\n"
