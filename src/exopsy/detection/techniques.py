"""Tags of a rule -> the ATT&CK techniques among them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_TECHNIQUE = re.compile(r"attack\.(t\d{4}(?:\.\d{3})?)", re.IGNORECASE)


def techniques_of(tags: Iterable[object]) -> tuple[str, ...]:
    """Return the techniques (``T1505.003``), in the order of the tags."""
    found = (_TECHNIQUE.fullmatch(tag) for tag in tags if isinstance(tag, str))
    return tuple(match[1].upper() for match in found if match)
