"""Our case folding: ASCII letters only.

The sieve's automaton folds ASCII only; a matcher that folded more (``K`` KELVIN SIGN to ``k``) would
find what the sieve can't see. Both sides of every comparison go through here.
"""

from __future__ import annotations

_TABLE = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def fold(text: str) -> str:
    """Return ``text`` with A-Z lowered and nothing else touched."""
    return text.lower() if text.isascii() else text.translate(_TABLE)
