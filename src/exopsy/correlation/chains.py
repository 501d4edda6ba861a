"""Findings of a chain -> the chain as this host saw it, step by step."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from exopsy.correlation.findings import NEVER, ids, moment, strongest
from exopsy.schema.case import Chain, Finding, Step
from exopsy.schema.chain import ChainSpec, ChainStep
from exopsy.schema.rule import RuleInfo


def observed(
    findings: Sequence[Finding],
    specs: Sequence[ChainSpec],
    rules: Mapping[str, RuleInfo],
    operators: Mapping[str, Collection[str]],
    covered_logs: Collection[str],
) -> list[Chain]:
    """Describe every chain that a finding belongs to, by first time, then id.

    Args:
        findings: of one host, in order.
        specs: content's chains; a chain without one is described by its findings alone.
        rules: what each rule means.
        operators: chain id -> operators with an effect of it.
        covered_logs: formats of which anything was read.
    """
    by_chain: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.chain:
            by_chain.setdefault(finding.chain, []).append(finding)
    known = {spec.chain: spec for spec in specs}
    chains = [
        _chain(chain, own, known.get(chain), rules, operators.get(chain, ()), covered_logs)
        for chain, own in by_chain.items()
    ]
    return sorted(chains, key=lambda c: (moment(c.first_seen), c.chain))


def _chain(
    chain: str,
    findings: list[Finding],
    spec: ChainSpec | None,
    rules: Mapping[str, RuleInfo],
    operators: Collection[str],
    covered_logs: Collection[str],
) -> Chain:
    first, last = times(findings)
    grade = strongest(findings).grade
    return Chain(
        chain=chain,
        name=spec.name if spec else chain,
        cves=list(spec.cves) if spec else [],
        grade=grade,
        first_seen=first,
        last_seen=last,
        operator_ids=[] if grade == "attempt" else sorted(operators, key=lambda o: (len(o), o)),
        finding_ids=ids(findings),
        steps=[_step(step, findings, rules, covered_logs) for step in spec.steps] if spec else [],
    )


def times(findings: Sequence[Finding]) -> tuple[str, str]:
    """First and last moment of some findings, as they write them; "" where none is known."""
    first = min((f.first_seen for f in findings), key=lambda text: (moment(text), text))
    known = [f.last_seen for f in findings if moment(f.last_seen) is not NEVER]
    return first, max(known, key=lambda text: (moment(text), text), default="")


def _step(
    step: ChainStep,
    findings: list[Finding],
    rules: Mapping[str, RuleInfo],
    covered_logs: Collection[str],
) -> Step:
    own = [f for f in findings if (rule := rules.get(f.rule_id)) and rule.step == step.step]
    if own:
        return Step(
            step=step.step, state="seen", at=times(own)[0], finding_ids=ids(own), title=step.title
        )
    is_covered = any(log in covered_logs for log in step.logs)
    return Step(step=step.step, state="not-seen" if is_covered else "not-covered", title=step.title)
