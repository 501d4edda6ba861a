"""What the rest of the product knows of a rule: its meaning, not its syntax."""

from __future__ import annotations

import msgspec

from exopsy.schema.case import BackdoorKind, Grade, Level


class RuleInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A rule's meaning, as ``detection`` hands it to ``correlation``, ``verdict`` and ``reports``."""

    id: str
    title: str
    description: str = ""
    level: Level
    status: str = "experimental"
    chain: str | None = None
    step: str | None = None
    """Step id of that chain's specification."""
    behaviour: str | None = None
    grades: tuple[Grade, ...] = ("attempt",)
    """Grades this rule can give."""
    techniques: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    """Formats it reads (``iis-w3c``)."""
    subject: tuple[str, ...] = ()
    innocent: tuple[str, ...] = ()
    next: str = ""
    backdoor_kind: BackdoorKind | None = None
    backdoor_field: str | None = None
    """The subject field that names the implant (a URL stem, a file path, a rule's name)."""
    impact: str | None = None
    """``mail_access``, ``blinding`` and so on: which part of the impact a success belongs to."""
    author: str = ""
    """Whoever wrote a rule from outside: licences ask to name them with its findings."""
    building_block: bool = False
    """Feeds aggregates and joins; makes no finding of its own."""
