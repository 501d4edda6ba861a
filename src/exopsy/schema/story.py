"""The ordered account of one host that ``correlation`` hands to ``verdict`` and ``reports``."""

from __future__ import annotations

import msgspec

from exopsy.schema.case import Backdoor, Chain, Impact, Join, Operator, Session


class Story(msgspec.Struct, kw_only=True):
    """What happened on one host; the parts are the case document's own."""

    host: str
    chains: list[Chain] = msgspec.field(default_factory=list)
    backdoors: list[Backdoor] = msgspec.field(default_factory=list)
    operators: list[Operator] = msgspec.field(default_factory=list)
    sessions: list[Session] = msgspec.field(default_factory=list)
    joins: list[Join] = msgspec.field(default_factory=list)
    impact: Impact = msgspec.field(default_factory=Impact)
    notes: list[str] = msgspec.field(default_factory=list)
    """Sentences a reader must know: capped hubs, operators without an address."""
