"""What the story asks for next: values whose every appearance should be read."""

from __future__ import annotations

from typing import Literal

import msgspec

PivotKind = Literal["address", "path", "account", "request_id"]


class PivotKey(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One value to look for in everything that is read."""

    kind: PivotKind
    value: str
    """Normalised: addresses as logged, paths decoded and lower-case, ids lower-case."""


class PivotRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One round's keys, in sorted order."""

    keys: tuple[PivotKey, ...]


class Hub(msgspec.Struct, frozen=True, kw_only=True):
    """A key that brought too much to mean anything (a load balancer, a NAT, a probe)."""

    key: PivotKey
    rows: int
