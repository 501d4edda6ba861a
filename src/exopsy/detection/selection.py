"""Which rules from outside are wanted."""

from __future__ import annotations

import msgspec

from exopsy.detection.rule import Rule
from exopsy.schema.case import LEVELS


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What an analyst wants of rules that are not our own; ours are always in."""

    min_level: str = "informational"
    statuses: frozenset[str] = frozenset(("stable", "test", "experimental"))
    """Empty: any. Rules that are deprecated or unsupported have to be asked for."""
    include: frozenset[str] = frozenset()
    """Ids or tags (``attack.t1190``, ``cve.2021-26855``), in any case; empty: all."""
    exclude: frozenset[str] = frozenset()
    """The same, left out; stronger than ``include``."""

    def refusal(self, rule: Rule) -> str | None:
        """Return why a rule is not wanted, in few words; None when it is."""
        if not rule.is_foreign:
            return None
        names = {rule.info.id.lower(), *(tag.lower() for tag in rule.tags)}
        if LEVELS.index(rule.info.level) < LEVELS.index(self.min_level):
            return f"level below {self.min_level}"
        if self.statuses and rule.info.status not in self.statuses:
            return f"status {rule.info.status}"
        if names & {name.lower() for name in self.exclude}:
            return "excluded by id or tag"
        if self.include and not names & {name.lower() for name in self.include}:
            return "not among the ids and tags asked for"
        return None
