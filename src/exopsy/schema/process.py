"""What the tree of processes says of rows that rules matched."""

from __future__ import annotations

import msgspec


class ProcessTie(msgspec.Struct, frozen=True, kw_only=True):
    """A row whose process comes from one that an earlier row is about."""

    artifact: str
    offset: int
    """The row."""
    from_artifact: str
    from_offset: int
    """The row that is about the process, or about the nearest of its ancestors there is."""
    by_guid: bool
    """Every link between is by ids that no other process has; else some is by number."""
