"""One value a line; ``#`` begins a comment, behind a value too if a space stands before it."""

from __future__ import annotations

from collections.abc import Iterable

from exopsy.detection.indicators.reader import EntryTaker


def read_plain_list(lines: Iterable[str], taker: EntryTaker) -> None:
    """Take every line that is neither empty nor a comment."""
    for number, line in enumerate(lines, start=1):
        if "#" in line:
            if line.lstrip().startswith("#"):
                continue
            line = line.partition(" #")[0].partition("\t#")[0]
        value = line.strip()
        if value:
            taker.take(value, number)
