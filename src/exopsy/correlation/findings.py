"""Findings of one host, in order, and which of them a row belongs to.

A finding is rule x subject x day. Its subject speaks of columns, an activity of fields, so a row is
given to the findings of its rule and day that share the most values with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from exopsy.core.clock import UNTIMED, parse_utc
from exopsy.correlation.addresses import read_address
from exopsy.schema.activity import Activity
from exopsy.schema.case import GRADES, LEVELS, Finding
from exopsy.schema.rule import RuleInfo

_DAYS_MOST = 3_660
NEVER = datetime.max.replace(tzinfo=UTC)


Owners = dict[tuple[str, str], list[str]]
"""``identity`` of a finding -> ids of the operators whose events belong to it."""


def identity(finding: Finding) -> tuple[str, str]:
    """What tells two findings of one case apart."""
    return finding.key, finding.id


def moment(text: str) -> datetime:
    """Read a document's time; what has none sorts last."""
    return NEVER if text == UNTIMED else parse_utc(text) or NEVER


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings by time, rule and identity."""
    return sorted(
        findings, key=lambda f: (moment(f.first_seen), f.rule_id, f.key, len(f.id), f.id, f.log)
    )


def ids(findings: Iterable[Finding]) -> list[str]:
    """Display names of findings, each once, in the order of the findings."""
    return list(dict.fromkeys(f.id for f in in_order(findings)))


def strongest(findings: Iterable[Finding]) -> Finding:
    """Return the finding of the strongest grade, the earliest of them."""
    return min(findings, key=lambda f: (-GRADES.index(f.grade), moment(f.first_seen), f.key, f.id))


def is_strong(finding: Finding, rule: RuleInfo | None) -> bool:
    """Say whether a finding speaks of an intruder's effect: success or use, medium and above."""
    if rule is not None and rule.building_block:
        return False
    return finding.grade != "attempt" and LEVELS.index(finding.level) >= LEVELS.index("medium")


def addresses_of(finding: Finding) -> list[str]:
    """List the addresses that a finding's subject names, sorted, normalised."""
    found = {str(a) for a in map(read_address, finding.subject.values()) if a is not None}
    return sorted(found)


class FindingIndex:
    """Looks up the findings of a row."""

    def __init__(self, findings: list[Finding]) -> None:
        """Index findings; positions in this list are what ``find`` returns."""
        self._by_value: dict[tuple[str, str, int, str], list[int]] = {}
        self._by_day: dict[tuple[str, str, int], list[int]] = {}
        self._addresses = [addresses_of(finding) for finding in findings]
        self._values = [[v.casefold() for v in sorted(f.subject.values()) if v] for f in findings]
        self._cache: dict[tuple[object, ...], frozenset[int]] = {}
        for position, finding in enumerate(findings):
            for day in _days(finding):
                head = (finding.rule_id, finding.grade, day)
                self._by_day.setdefault(head, []).append(position)
                for value in {*self._values[position], *self._addresses[position]}:
                    self._by_value.setdefault((*head, value), []).append(position)

    def find(self, row: Activity, grades: frozenset[tuple[str, str]]) -> frozenset[int]:
        """Return the positions of the findings that this row belongs to.

        Args:
            row: any row.
            grades: (rule id, grade) for which findings are wanted.
        """
        day = row.time.toordinal()
        found: set[int] = set()
        for rule_id, grade in grades:
            key = (rule_id, grade, day, row.client, row.stem, row.user, row.what, row.user_agent)
            known = self._cache.get(key)
            if known is None:
                if len(self._cache) > 200_000:
                    self._cache.clear()
                known = self._cache[key] = self._look_up(rule_id, grade, day, row)
            found |= known if len(known) < 2 else self._by_text(known, row)
        return frozenset(found)

    def _look_up(self, rule_id: str, grade: str, day: int, row: Activity) -> frozenset[int]:
        address = read_address(row.client)
        texts = (row.client, row.stem, row.user, row.what, row.user_agent)
        values = {text.casefold() for text in texts if text}
        if address is not None:
            values.add(str(address))
        scores = dict.fromkeys(self._by_day.get((rule_id, grade, day), ()), 0)
        for value in values:
            for position in self._by_value.get((rule_id, grade, day, value), ()):
                scores[position] += 1
        # A finding about another address is never this row's, whatever else they share.
        fitting = {
            position: score
            for position, score in scores.items()
            if address is None
            or not self._addresses[position]
            or str(address) in self._addresses[position]
        }
        best = max(fitting.values(), default=0)
        return frozenset(p for p, score in fitting.items() if score == best)

    def _by_text(self, positions: frozenset[int], row: Activity) -> frozenset[int]:
        """Of several, keep those whose values stand in the row's parameters or query."""
        text = f"{row.detail}\n{row.query}\n{row.stem}".casefold()
        scores = {p: sum(value in text for value in self._values[p]) for p in positions}
        best = max(scores.values())
        return frozenset(p for p, score in scores.items() if score == best)


def _days(finding: Finding) -> range:
    """Number the days a finding spans: one, unless a limit folded several into it."""
    first, last = moment(finding.first_seen), moment(finding.last_seen)
    if first is NEVER:
        return range(0)
    end = first if last is NEVER else max(first, last)
    return range(first.toordinal(), min(end.toordinal(), first.toordinal() + _DAYS_MOST) + 1)
