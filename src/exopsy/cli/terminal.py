"""What the terminal at hand can show."""

from __future__ import annotations

import os
from typing import TextIO


def is_interactive(stream: TextIO) -> bool:
    """Say whether lines can be rewritten on this stream."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def has_colour(stream: TextIO) -> bool:
    """Say whether colour is wanted: on a terminal, unless ``NO_COLOR`` is set (no-color.org)."""
    return is_interactive(stream) and not os.environ.get("NO_COLOR")
