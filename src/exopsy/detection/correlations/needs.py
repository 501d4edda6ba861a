"""Which fields of which rule's records the correlations look at."""

from __future__ import annotations

from collections.abc import Sequence

from exopsy.detection.correlations.correlation import Correlation


def field_needs(correlations: Sequence[Correlation]) -> dict[str, frozenset[str]]:
    """Return the fields that are needed of every rule and correlation that is referred to.

    A correlation that refers to another groups by its own fields, whatever the other groups by
    (the specification says so): the other has to hand them on, so it needs them of its own rules.

    Args:
        correlations: linked, those referred to first.
    """
    needs: dict[str, frozenset[str]] = {}
    for correlation in reversed(correlations):
        names = {*correlation.group_by, *correlation.fields, *carried_fields(correlation, needs)}
        for rule in set(correlation.rules):
            own = frozenset(correlation.field_of(rule, name) for name in names)
            needs[rule] = needs.get(rule, frozenset()) | own
    return needs


def carried_fields(correlation: Correlation, needs: dict[str, frozenset[str]]) -> tuple[str, ...]:
    """Return the fields that others need of a correlation's matches, and it does not group by."""
    wanted = needs.get(correlation.id, frozenset())
    return tuple(sorted(wanted - set(correlation.group_by)))
