"""Lines of text for a terminal: escaped, wrapped, with or without colour."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from exopsy.reports.escape import visible

Style = Literal["plain", "head", "bad", "warn", "faint"]
_SGR: dict[Style, str] = {"plain": "", "head": "1", "bad": "1;31", "warn": "1;33", "faint": "2"}
_LONGEST = 1_200
_LONGEST_MARK = 30
_NARROWEST = 40

Item = TypeVar("Item")


class Page:
    """Collects lines. Everything that goes in is escaped, so nothing has to be remembered."""

    def __init__(self, *, colour: bool, width: int) -> None:
        self._colour = colour
        self._width = max(width, _NARROWEST)
        self._lines: list[str] = []

    def say(self, text: str, indent: int = 0, *, mark: str = "", style: Style = "plain") -> None:
        """Add a paragraph; ``mark`` stands before its first line, the others line up with it."""
        pad, mark = " " * indent, visible(mark, _LONGEST_MARK)
        wrapped = textwrap.wrap(
            visible(text, _LONGEST),
            self._width,
            initial_indent=pad + mark,
            subsequent_indent=pad + " " * len(mark),
            break_on_hyphens=False,
        )
        sgr = _SGR[style] if self._colour else ""
        self._lines += [f"\x1b[{sgr}m{line}\x1b[0m" if sgr else line for line in wrapped]

    def path(self, text: str, indent: int = 0) -> None:
        """Add a line that is never broken, so that it can be copied."""
        self._lines.append(" " * indent + visible(text, _LONGEST))

    def head(self, text: str, indent: int = 0) -> None:
        """Add a heading with a blank line before it."""
        self._lines.append("")
        self.say(text, indent, style="head")

    def each(
        self, items: Sequence[Item], most: int, show: Callable[[Item], None], indent: int
    ) -> None:
        """Show the first items, and say how many there are besides."""
        for item in items[:most]:
            show(item)
        if len(items) > most:
            self.say(f"... and {len(items) - most} more: see the report", indent, style="faint")

    def text(self) -> str:
        """Return the page, its last line ended."""
        return "\n".join(self._lines) + "\n"
