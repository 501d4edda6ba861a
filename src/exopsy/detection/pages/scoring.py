"""Reasons -> a score and a level.

The heaviest reason counts in full, each further kind of reason less: many small things do not make a
shell, and a page is not worse for doing one thing twice.
"""

from __future__ import annotations

from collections.abc import Iterable

from exopsy.detection.pages.page_report import LEVELS, Reason

_FLOORS = (0, 15, 35, 60, 85)
_SHARES = (1.0, 0.34, 0.17, 0.08, 0.04)


def score_of(reasons: Iterable[Reason]) -> int:
    """Return 0 to 100."""
    heaviest: dict[str, int] = {}
    for reason in reasons:
        heaviest[reason.name] = max(heaviest.get(reason.name, 0), reason.weight)
    weights = sorted(heaviest.values(), reverse=True)
    total = sum(weight * share for weight, share in zip(weights, _SHARES, strict=False))
    return min(100, int(total + 0.5))


def level_of(score: int) -> str:
    """Return the level of a score."""
    return next(
        level for floor, level in zip(_FLOORS[::-1], LEVELS[::-1], strict=True) if score >= floor
    )
