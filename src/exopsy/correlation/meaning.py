"""The rules that a row matched -> what that says, worked out once per combination."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from exopsy.schema.activity import Activity
from exopsy.schema.case import LEVELS
from exopsy.schema.rule import RuleInfo


class Meaning(NamedTuple):
    """What a row's rules and grades amount to."""

    grades: frozenset[tuple[str, str]] = frozenset()
    """(rule id, grade) for success and use by rules that count."""
    chains: frozenset[str] = frozenset()
    """Chains of those rules."""
    success_chains: frozenset[str] = frozenset()
    """Chains of those that were graded success."""
    is_use: bool = False
    """Some rule, of whatever level, calls it use."""

    def __or__(self, other: object) -> Meaning:
        """Unite the meanings of two rows of one event."""
        if not isinstance(other, Meaning) or other is self or other == NOTHING:
            return self
        return Meaning(
            self.grades | other.grades,
            self.chains | other.chains,
            self.success_chains | other.success_chains,
            self.is_use or other.is_use,
        )


NOTHING = Meaning()


def counts(rule: RuleInfo | None) -> bool:
    """Say whether a success by this rule says something about a person: medium and above."""
    if rule is None:
        return True
    return not rule.building_block and LEVELS.index(rule.level) >= LEVELS.index("medium")


class Meanings:
    """Reads the meaning of rows, each combination of rules and grades once."""

    def __init__(self, rules: Mapping[str, RuleInfo]) -> None:
        self._rules = rules
        self._known: dict[tuple[tuple[str, ...], tuple[str, ...]], Meaning] = {((), ()): NOTHING}

    def read(self, row: Activity) -> Meaning:
        """Say what a row's rules and grades amount to."""
        key = (row.rule_ids, row.grades)
        known = self._known.get(key)
        if known is None:
            pairs = zip(row.rule_ids, row.grades, strict=False)
            known = self._known[key] = self.judge(pairs)
        return known

    def judge(self, pairs: Iterable[tuple[str, str]]) -> Meaning:
        """Say what pairs of rule id and grade amount to."""
        strong = [(rule_id, grade) for rule_id, grade in pairs if grade != "attempt"]
        rules = {rule_id: self._rules.get(rule_id) for rule_id, _ in strong}
        telling = [(rule_id, grade) for rule_id, grade in strong if counts(rules[rule_id])]
        chains = [
            (rule.chain, grade)
            for rule_id, grade in telling
            if (rule := rules[rule_id]) is not None and rule.chain
        ]
        return Meaning(
            grades=frozenset(telling),
            chains=frozenset(chain for chain, _ in chains),
            success_chains=frozenset(chain for chain, grade in chains if grade == "success"),
            is_use=any(
                grade == "use" and not ((rule := rules[rule_id]) and rule.building_block)
                for rule_id, grade in strong
            ),
        )
