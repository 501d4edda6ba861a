"""Findings of rules that speak of an impact -> what the intruders obtained or did, as seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exopsy.correlation.chains import times
from exopsy.correlation.findings import NEVER, ids, moment
from exopsy.schema.case import Effect, Finding, Impact
from exopsy.schema.rule import RuleInfo


def seen(findings: Sequence[Finding], rules: Mapping[str, RuleInfo]) -> Impact:
    """State one effect per rule with an impact and a success or use, in order of first time."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        rule = rules.get(finding.rule_id)
        if rule and rule.impact and finding.grade != "attempt":
            by_rule.setdefault(rule.id, []).append(finding)
    impact = Impact()
    for rule_id, own in by_rule.items():
        first, last = times(own)
        count = sum(finding.count for finding in own)
        effects = getattr(impact, rules[rule_id].impact or "", None)
        if isinstance(effects, list):
            many = f"{count} time{'s' * (count != 1)}"
            why = f"Logged {many} between {first} and {last}."
            if moment(first) is NEVER:
                why = f"Found {many} in the state of the server; since when is not known."
            effects.append(
                Effect(text=rules[rule_id].title, state="seen", why=why, finding_ids=ids(own))
            )
    return impact
