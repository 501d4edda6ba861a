"""Hits of all workers -> what the correlations found, as findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from exopsy.core.clock import format_utc
from exopsy.core.limits import Limits
from exopsy.detection.correlations.correlation import Correlation
from exopsy.detection.correlations.correlator import correlate
from exopsy.detection.correlations.match import Correlated, CorrelationMatch
from exopsy.detection.correlations.spool import merge_spools
from exopsy.detection.rule import Rule
from exopsy.detection.techniques import techniques_of
from exopsy.pipeline.findings import identity_of, raw_of
from exopsy.schema.case import Evidence, Finding, Grade
from exopsy.schema.event import EVENT_LOG
from exopsy.schema.rule import RuleInfo
from exopsy.store.working import WorkingTables

_LOSSES = {
    "ungrouped": "records lack a field that it groups by",
    "valueless": "records lack the field whose values it counts",
    "not_numbers": "values are no numbers",
    "unfolded": "records have more values than are looked at",
    "forgotten": "records were forgotten early, because too many were held: it may have missed some",
    "unjudged": "windows could not be judged, as records in them were forgotten",
    "uncarried": "matches handed on fewer values than they had",
    "folded": "matches are more than are kept",
}


def correlate_hits(
    correlations: Sequence[Correlation], spools: Sequence[Path], folder: Path, limits: Limits
) -> Correlated:
    """Correlate what the workers spooled, in one ordered pass."""
    if not correlations:
        return Correlated()
    return correlate(correlations, merge_spools(spools, folder), limits)


def correlation_infos(
    correlations: Sequence[Correlation], rules: Sequence[Rule]
) -> dict[str, RuleInfo]:
    """Return what the correlations mean: their level counts as that of the rules they refer to.

    Args:
        correlations: linked, those referred to first.
        rules: that can run.
    """
    logs: dict[str, frozenset[str]] = {rule.info.id: frozenset((rule.log,)) for rule in rules}
    infos = {}
    for correlation in correlations:
        own = frozenset[str]().union(*(logs.get(rule, ()) for rule in correlation.rules))
        logs[correlation.id] = own
        serious = correlation.level in ("high", "critical") and own == {EVENT_LOG}
        grade: Grade = "success" if serious else "attempt"
        infos[correlation.id] = RuleInfo(
            id=correlation.id,
            title=correlation.title,
            description=correlation.description,
            level=correlation.level,
            status=correlation.status,
            grades=(grade,),
            techniques=techniques_of(correlation.tags),
            logs=tuple(sorted(own)),
            subject=correlation.group_by,
            innocent=correlation.innocent,
        )
    return infos


def correlation_findings(
    correlated: Correlated,
    infos: Mapping[str, RuleInfo],
    hosts: Mapping[str, str],
    tables: WorkingTables,
    *,
    silent: frozenset[str],
) -> list[Finding]:
    """Return a finding for each match, with the records of its samples.

    Args:
        correlated: the outcome.
        infos: of the correlations.
        hosts: artifact -> host.
        tables: with the matched rows (``match``).
        silent: ids of correlations that only others ask for.
    """
    matches = [match for match in correlated.matches if match.rule_id not in silent]
    samples = [sample for match in matches for sample in match.samples]
    raw = raw_of([(s.origin.artifact, s.origin.offset) for s in samples], tables)
    return [_finding(match, infos[match.rule_id], hosts, raw) for match in matches]


def tell_correlation_losses(correlated: Correlated, infos: Mapping[str, RuleInfo]) -> list[str]:
    """Say what the correlations could not look at, in sentences."""
    told = []
    for rule, loss in sorted(correlated.losses.items()):
        for name, words in _LOSSES.items():
            if count := getattr(loss, name):
                told.append(f"Correlation {infos[rule].title!r}: {count} {words}.")
    return told


def _finding(
    match: CorrelationMatch,
    info: RuleInfo,
    hosts: Mapping[str, str],
    raw: Mapping[tuple[str, int], str],
) -> Finding:
    host = hosts.get(match.samples[0].origin.artifact, "") if match.samples else ""
    first_seen = format_utc(match.first_seen)
    subject = msgspec.json.encode(match.group, order="sorted").decode()
    return Finding(
        id="",
        key=identity_of(info.id, host, subject, info.grades[0], first_seen),
        rule_id=info.id,
        title=info.title,
        level=info.level,
        grade=info.grades[0],
        techniques=list(info.techniques),
        host=host,
        log=info.logs[0] if len(info.logs) == 1 else "",
        subject=match.group,
        first_seen=first_seen,
        last_seen=format_utc(match.last_seen),
        count=match.count,
        evidence=[
            Evidence(
                artifact=s.origin.artifact,
                offset=s.origin.offset,
                line=s.origin.line,
                text_b64=raw.get((s.origin.artifact, s.origin.offset), ""),
            )
            for s in match.samples
        ],
        innocent_explanations=list(info.innocent),
        next=info.next,
    )
