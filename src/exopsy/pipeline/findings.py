"""The table of matched rows -> findings: rule x subject x day x grade, in a fixed order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from exopsy.core.clock import UNTIMED, format_utc
from exopsy.core.limits import Limits
from exopsy.schema.case import GRADES, Evidence, Finding
from exopsy.schema.event import EVENT_LOG
from exopsy.schema.rule import RuleInfo
from exopsy.store.working import WorkingTables

_KEYS_MOST = 20

# One row for each rule that a row matched.
_VIEW = """
CREATE OR REPLACE VIEW matched AS
SELECT a.*, u.rule, u.grade, u.subject
FROM (SELECT * FROM activity UNION ALL BY NAME SELECT * FROM state) a,
LATERAL (SELECT unnest(a.rules) AS rule, unnest(a.grades) AS grade, unnest(a.subjects) AS subject) u
"""

_SAMPLE = """min_by({'time': time, 'artifact': artifact, 'offset': "offset", 'line': line},
    (time, artifact, "offset"), %d)"""

# Samples are taken for the groups that become findings only, and their records are fetched
# afterwards: rows can come by the million, and each may be a group of its own.
_FINDINGS = """
WITH dated AS (
  SELECT *, coalesce(strftime(time, '%%Y-%%m-%%d'), '') AS day FROM matched
), grouped AS (
  SELECT rule, host, log, subject, grade, day,
    count(*) AS count, min(time) AS first_seen, max(time) AS last_seen
  FROM dated GROUP BY ALL
), numbered AS (
  SELECT *, row_number() OVER (PARTITION BY rule, host, grade ORDER BY first_seen, subject, day)
    AS place FROM grouped
), wanted AS (
  SELECT rule, host, log, subject, grade, day FROM numbered WHERE place <= {most} + 1
), sampled AS (
  SELECT rule, host, log, subject, grade, day, {sample} AS samples,
    list_sort(list_distinct(min(NULLIF(request_id, ''), {keys}))) AS request_ids
  FROM dated SEMI JOIN wanted USING (rule, host, log, subject, grade, day) GROUP BY ALL
), told AS (
  SELECT n.*, s.samples, s.request_ids
  FROM numbered n LEFT JOIN sampled s USING (rule, host, log, subject, grade, day)
)
SELECT rule, host, log, subject, grade, count, first_seen, last_seen, samples, request_ids,
  0 AS folded FROM told WHERE place <= {most}
UNION ALL
SELECT rule, host, any_value(log), '{{}}', grade, sum(count)::BIGINT, min(first_seen), max(last_seen),
  any_value(samples), [], count(*)
  FROM told WHERE place > {most} GROUP BY rule, host, grade
ORDER BY first_seen, rule, host, grade, subject, folded
"""

_RAW = """
SELECT DISTINCT ON (m.artifact, m."offset") m.artifact, m."offset", m.raw
FROM match m JOIN sample s ON m.artifact = s.artifact AND m."offset" = CAST(s.place AS BIGINT)
ORDER BY m.artifact, m."offset"
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
    rows = [
        row
        for row in tables.rows(sql)
        if row["rule"] in infos
        and not infos[row["rule"]].building_block
        and row["rule"] not in silent
    ]
    raw = raw_of(((s["artifact"], s["offset"]) for row in rows for s in row["samples"]), tables)
    for row in rows:
        row["samples"] = [
            {**s, "raw": raw.get((s["artifact"], s["offset"]), "")} for s in row["samples"]
        ]
    return [to_finding(infos[row["rule"]], row) for row in rows]


def raw_of(places: Iterable[tuple[str, int]], tables: WorkingTables) -> dict[tuple[str, int], str]:
    """Return the records of some matched rows, base64, by artifact and offset."""
    wanted = sorted(set(places))
    if not wanted:
        return {}
    tables.add_rows(
        "sample",
        {"artifact": [a for a, _ in wanted], "place": [str(offset) for _, offset in wanted]},
    )
    return {(row["artifact"], row["offset"]): row["raw"] or "" for row in tables.rows(_RAW)}


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


def _text(moment: datetime | None) -> str:
    if moment is None:
        return UNTIMED
    return format_utc(moment.replace(tzinfo=UTC))
