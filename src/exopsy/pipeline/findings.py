"""The table of matched rows -> findings: rule x subject x day x grade, in a fixed order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from exopsy.core.clock import format_utc
from exopsy.core.limits import Limits
from exopsy.schema.case import GRADES, Evidence, Finding
from exopsy.schema.event import EVENT_LOG
from exopsy.schema.rule import RuleInfo
from exopsy.store.working import WorkingTables

_KEYS_MOST = 20

# One row for each rule that a row matched.
_VIEW = """
CREATE OR REPLACE VIEW matched AS
SELECT a.*, u.rule, u.grade, u.subject FROM activity a,
LATERAL (SELECT unnest(a.rules) AS rule, unnest(a.grades) AS grade, unnest(a.subjects) AS subject) u
"""

_SAMPLE = """min_by({'time': time, 'artifact': artifact, 'offset': "offset", 'line': line, 'raw': raw},
    (time, artifact, "offset"), %d)"""

_FINDINGS = """
WITH grouped AS (
  SELECT rule, host, log, subject, grade, strftime(time, '%%Y-%%m-%%d') AS day,
    count(*) AS count, min(time) AS first_seen, max(time) AS last_seen,
    {sample} AS samples,
    list_sort(list_distinct(min(NULLIF(request_id, ''), {keys}))) AS request_ids
  FROM matched GROUP BY ALL
), numbered AS (
  SELECT *, row_number() OVER (PARTITION BY rule, host, grade ORDER BY first_seen, subject, day)
    AS place FROM grouped
)
SELECT rule, host, log, subject, grade, count, first_seen, last_seen, samples, request_ids,
  0 AS folded FROM numbered WHERE place <= {most}
UNION ALL
SELECT rule, host, any_value(log), '{{}}', grade, sum(count)::BIGINT, min(first_seen), max(last_seen),
  flatten(min_by(samples, (first_seen, subject, day), 1)), [], count(*)
  FROM numbered WHERE place > {most} GROUP BY rule, host, grade
ORDER BY first_seen, rule, host, grade, subject, folded
"""


def make_findings(
    tables: WorkingTables,
    infos: Mapping[str, RuleInfo],
    limits: Limits,
    silent: frozenset[str] = frozenset(),
) -> list[Finding]:
    """Query the matched rows (table ``activity``) for findings; building blocks make none.

    Nor do the rules named in ``silent``. Returns them ordered by first time, rule, host and subject, without ids and hashes.
    """
    tables.run(_VIEW)
    sql = _FINDINGS.format(
        sample=_SAMPLE % limits.samples_per_finding, keys=_KEYS_MOST, most=limits.findings_per_rule
    ).replace("%%", "%")
    return [
        to_finding(infos[row["rule"]], row)
        for row in tables.rows(sql)
        if row["rule"] in infos
        and not infos[row["rule"]].building_block
        and row["rule"] not in silent
    ]


def to_finding(info: RuleInfo, row: Mapping[str, Any]) -> Finding:
    """Say what matched and where to look.

    Args:
        info: the rule.
        row: host, log, subject (JSON), grade, count, first_seen, last_seen, samples, request_ids.
    """
    subject = msgspec.json.decode(row["subject"], type=dict[str, str])
    first_seen = _text(row["first_seen"])
    grade = row["grade"]
    return Finding(
        id="",
        key=identity_of(info.id, row["host"], row["subject"], grade, first_seen),
        rule_id=info.id,
        title=info.title,
        level=info.level,
        grade=grade,
        chain=info.chain,
        behaviour=info.behaviour,
        techniques=list(info.techniques),
        host=row["host"],
        log=row["log"],
        subject=subject,
        first_seen=first_seen,
        last_seen=_text(row["last_seen"]),
        count=row["count"],
        evidence=[
            Evidence(
                artifact=s["artifact"],
                offset=s["offset"],
                line=s["line"],
                record=s["line"] if row["log"] == EVENT_LOG else None,
                text_b64=s["raw"] or "",
            )
            for s in sorted(row["samples"], key=lambda s: (s["time"], s["artifact"], s["offset"]))
        ],
        innocent_explanations=list(info.innocent),
        next=info.next,
        keys={"request_id": row["request_ids"]} if row["request_ids"] else {},
        folded=row["folded"],
    )


def identity_of(rule: str, host: str, subject: str, grade: str, first_seen: str) -> str:
    """Return the key of a finding: it is the same in every run."""
    identity = "\0".join((rule, host, subject, grade, first_seen))
    return hashlib.sha256(identity.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def number_findings(findings: Iterable[Finding], hashes: Mapping[str, str | None]) -> list[Finding]:
    """Order findings, give them display ids and the hashes of the artifacts they point into."""
    ordered = sorted(
        findings, key=lambda f: (f.first_seen, f.host, f.rule_id, GRADES.index(f.grade), f.key)
    )
    for number, finding in enumerate(ordered, start=1):
        finding.id = f"F{number}"
        for evidence in finding.evidence:
            evidence.sha256 = hashes.get(evidence.artifact)
    return ordered


def _text(moment: datetime) -> str:
    return format_utc(moment.replace(tzinfo=UTC))
