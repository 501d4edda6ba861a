"""Ties between rows by the tree of processes -> which event comes from which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from exopsy.correlation.events import Event, Spot
from exopsy.schema.process import ProcessTie


class Cause(NamedTuple):
    """The event whose process, or whose process's descendant, did something."""

    event: Event
    by_guid: bool
    """All links between are certain."""


Causes = dict[int, Cause]
"""``order`` of an event -> its cause, which is earlier or of the same time."""


def spots_of(ties: Sequence[ProcessTie]) -> set[Spot]:
    """Return the rows that ties speak of."""
    spots = {(tie.artifact, tie.offset) for tie in ties}
    return spots | {(tie.from_artifact, tie.from_offset) for tie in ties}


def causes_of(ties: Sequence[ProcessTie], placed: Mapping[Spot, Event]) -> Causes:
    """Return the cause of each event that has one; of several the first tie by ids counts.

    Args:
        ties: of the host.
        placed: the events of the ties' rows, in order and numbered; rows that became none are left
            out.
    """
    causes: Causes = {}
    for tie in sorted(ties, key=lambda tie: not tie.by_guid):
        event = placed.get((tie.artifact, tie.offset))
        above = placed.get((tie.from_artifact, tie.from_offset))
        if event is not None and above is not None and above.order < event.order:
            causes.setdefault(event.order, Cause(above, tie.by_guid))
    return causes
