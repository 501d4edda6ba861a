"""Process starts that the readers kept -> which process started which, and what hangs on that.

A process has one parent: by Sysmon's ids where it has them, else by number: the newest process
before it on the same computer that had the number, if its name is the one that the record gives the
parent. Numbers are used again, so a link by number is weak. A parent is always earlier, so there are
no rings, whatever the evidence says.

All of it is done by queries that spill to disk, one level of the trees at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from exopsy.pipeline.kept_records import ACT, KEPT, START, load_kept
from exopsy.schema.case import LEVELS, Finding
from exopsy.schema.event import EVENT_LOG
from exopsy.schema.process import ProcessTie
from exopsy.schema.rule import RuleInfo
from exopsy.store.tables import TABLES, TableWriter
from exopsy.store.working import WorkingTables
from exopsy.verdict.words import quote

NAME = "process"
_LEVELS = 32
"""Of a tree that are looked at, up and down."""
_TOLD_LEVELS = 6
_TOLD_EACH = 120
_TIES = 20_000
"""Of a host that are handed on."""

_FILE = "CREATE OR REPLACE MACRO file_of(path) AS lower(split_part(path, '\\', -1))"
_NODES = """
CREATE OR REPLACE TABLE node AS
SELECT row_number() OVER (ORDER BY time, artifact, "offset", line) AS id, artifact, "offset", line,
  h.host, time, computer, source, pid, guid, parent_pid, parent_guid,
  file_of(image) AS name, file_of(parent_image) AS parent_name
FROM raw_start JOIN artifact_host h USING (artifact)
"""
_LINKS = """
CREATE OR REPLACE TABLE link AS
WITH by_guid AS (
  SELECT c.id AS child, arg_min(p.id, (p.artifact <> c.artifact, p.id)) AS parent
  FROM node c JOIN node p ON c.host = p.host AND c.computer = p.computer
    AND c.parent_guid = p.guid AND p.id < c.id
  GROUP BY c.id
), by_pid AS (
  SELECT c.id AS child, p.id AS parent
  FROM (SELECT * FROM node WHERE parent_guid IS NULL) c
  ASOF JOIN (SELECT * FROM node WHERE pid IS NOT NULL) p
    ON c.host = p.host AND c.computer = p.computer AND c.source = p.source
    AND c.parent_pid = p.pid AND c.id > p.id
  WHERE coalesce(p.name = c.parent_name, true)
)
SELECT child, parent, 'guid' AS how FROM by_guid UNION ALL SELECT child, parent, 'pid' FROM by_pid
"""
_ACTS = """
CREATE OR REPLACE TABLE act AS
WITH placed AS (
  SELECT a.*, h.host, file_of(a.image) AS name
  FROM raw_act a JOIN artifact_host h USING (artifact)
), single AS (
  SELECT host, computer, pid, time, min(id) AS id, arg_min(name, id) AS name
  FROM node WHERE pid IS NOT NULL GROUP BY ALL
), by_guid AS (
  SELECT a.artifact, a."offset", a.time, 'guid' AS how,
    arg_min(n.id, (n.artifact <> a.artifact, n.id)) AS node
  FROM placed a JOIN node n ON a.host = n.host AND a.computer = n.computer AND a.guid = n.guid
  GROUP BY ALL
), by_pid AS (
  SELECT a.artifact, a."offset", a.time, 'pid' AS how, n.id AS node
  FROM (SELECT * FROM placed WHERE guid IS NULL) a ASOF JOIN single n
    ON a.host = n.host AND a.computer = n.computer AND a.pid = n.pid AND a.time >= n.time
  WHERE coalesce(n.name = a.name, true)
)
SELECT * FROM by_guid UNION ALL SELECT * FROM by_pid
"""
_NO_ACTS = """
CREATE OR REPLACE TABLE act
(artifact VARCHAR, "offset" BIGINT, time TIMESTAMP, how VARCHAR, node BIGINT)
"""

# What is kept: below a root, below and above what a rule matched.
_SEEDS = """
CREATE OR REPLACE TABLE kept AS
WITH matched AS (
  SELECT DISTINCT artifact, "offset" FROM activity WHERE len(rules) > 0
), seed AS (
  SELECT id, parent_name AS under FROM node WHERE parent_name IN (SELECT "key" FROM root)
  UNION ALL
  SELECT id, NULL FROM node JOIN matched USING (artifact, "offset")
  UNION ALL
  SELECT node, NULL FROM act JOIN matched USING (artifact, "offset")
)
SELECT id, max(under) AS under, 0 AS level FROM seed GROUP BY id
"""
_BELOW = """
INSERT INTO kept
SELECT l.child, max(k.under), {level} + 1 FROM link l JOIN kept k ON l.parent = k.id
WHERE k.level = {level} AND l.child NOT IN (SELECT id FROM kept) GROUP BY l.child
"""
_INHERIT = """
UPDATE kept SET under = above.under FROM (
  SELECT l.child, k.under FROM link l JOIN kept k ON l.parent = k.id WHERE k.under IS NOT NULL
) above WHERE kept.id = above.child AND kept.under IS NULL
"""
_CAN_INHERIT = """
SELECT 1 AS found FROM link l JOIN kept k ON l.parent = k.id JOIN kept c ON l.child = c.id
WHERE k.under IS NOT NULL AND c.under IS NULL LIMIT 1
"""
_ABOVE = """
INSERT INTO kept
SELECT DISTINCT l.parent, NULL, -{level} - 1 FROM link l JOIN kept k ON l.child = k.id
WHERE {whose} AND l.parent NOT IN (SELECT id FROM kept)
"""
_TABLE = """
WITH numbered AS (SELECT *, row_number() OVER (ORDER BY id) AS number FROM kept)
SELECT k.number AS id, p.number AS parent, CASE WHEN p.number IS NOT NULL THEN l.how END AS linked_by,
  n.host, k.under, {columns}
FROM numbered k JOIN node n ON k.id = n.id
JOIN raw_start r ON n.artifact = r.artifact AND n."offset" = r."offset" AND n.line = r.line
LEFT JOIN link l ON l.child = k.id LEFT JOIN numbered p ON p.id = l.parent
QUALIFY row_number() OVER (PARTITION BY k.id ORDER BY r.pid, r.guid) = 1
"""

# Rows by which somebody did something, and the processes that such rows are about.
_TELLING = """
CREATE OR REPLACE TABLE telling AS
SELECT DISTINCT artifact, "offset" FROM (
  SELECT artifact, "offset", unnest(rules) AS rule, unnest(grades) AS grade
  FROM activity
) WHERE grade <> 'attempt' AND rule IN (SELECT "key" FROM counted)
"""
_NAMED = """
CREATE OR REPLACE TABLE named AS
WITH about AS (
  SELECT n.id AS node, n.artifact, n."offset", n.time, 0 AS place
  FROM node n JOIN telling USING (artifact, "offset")
  UNION ALL
  SELECT a.node, a.artifact, a."offset", a.time, 1
  FROM act a JOIN telling USING (artifact, "offset") JOIN node n ON n.id = a.node
  WHERE n.name NOT IN (SELECT "key" FROM root)
)
SELECT node, arg_min(artifact, (place, time, artifact, "offset")) AS artifact,
  arg_min("offset", (place, time, artifact, "offset")) AS "offset" FROM about GROUP BY node
"""
_FIRST = """
CREATE OR REPLACE TABLE climbing AS
SELECT a.artifact, a."offset", a.time, a.node, a.how = 'guid' AS by_guid
FROM act a JOIN telling USING (artifact, "offset")
UNION ALL
SELECT n.artifact, n."offset", n.time, l.parent, l.how = 'guid'
FROM node n JOIN telling USING (artifact, "offset") JOIN link l ON l.child = n.id
"""
_EMIT = """
INSERT INTO tie
SELECT c.artifact, c."offset", c.time, m.artifact, m."offset", c.by_guid
FROM climbing c JOIN named m ON m.node = c.node
WHERE (m.artifact, m."offset") <> (c.artifact, c."offset")
"""
_CLIMB = """
CREATE OR REPLACE TABLE climbing AS
SELECT c.artifact, c."offset", c.time, l.parent AS node, c.by_guid AND l.how = 'guid' AS by_guid
FROM climbing c JOIN link l ON l.child = c.node
ANTI JOIN tie t ON t.artifact = c.artifact AND t."offset" = c."offset"
"""
_TIES_OF = """
SELECT t.artifact, t."offset", t.from_artifact, t.from_offset, bool_or(t.by_guid) AS by_guid
FROM tie t JOIN artifact_host h ON h.artifact = t.artifact WHERE h.host = '{host}'
GROUP BY ALL ORDER BY min(t.time), t.artifact, t."offset", t.from_artifact, t.from_offset LIMIT {most}
"""

_SAMPLED = """
CREATE OR REPLACE TABLE told AS
SELECT s.key, 0 AS level, coalesce(min(n.id), min(a.node)) AS node
FROM sample s
LEFT JOIN node n ON n.artifact = s.artifact AND n."offset" = CAST(s.place AS BIGINT)
LEFT JOIN act a ON a.artifact = s.artifact AND a."offset" = CAST(s.place AS BIGINT)
GROUP BY s.key
"""
_TOLD_ABOVE = """
INSERT INTO told
SELECT t.key, {level} + 1, l.parent FROM told t JOIN link l ON l.child = t.node WHERE t.level = {level}
"""
_TOLD = """
SELECT t.key, t.level, any_value(coalesce(r.command, r.image)) AS own,
  any_value(coalesce(r.parent_command, r.parent_image)) AS above
FROM told t JOIN node n ON n.id = t.node
JOIN raw_start r ON n.artifact = r.artifact AND n."offset" = r."offset" AND n.line = r.line
GROUP BY t.key, t.level, n.id ORDER BY t.key, t.level
"""


class ProcessTree:
    """The processes of a run; needs ``artifact_host`` and ``activity``."""

    def __init__(self, tables: WorkingTables, kept: Mapping[str, Sequence[Path]]) -> None:
        """Link processes.

        Args:
            tables: of the run.
            kept: files of the readers, by table; without process starts there is no tree.
        """
        self._tables = tables
        self._is_there = bool(kept.get(START))
        if not self._is_there:
            return
        tables.add_files("raw_start", kept[START])
        tables.run(_FILE)
        tables.run(_NODES)
        tables.run(_LINKS)
        if kept.get(ACT):
            tables.add_files("raw_act", kept[ACT])
        tables.run(_ACTS if kept.get(ACT) else _NO_ACTS)
        roots = sorted(name.lower() for name in load_kept().processes.roots)
        tables.add_rows("root", {"key": roots})

    def write(self, folder: Path) -> None:
        """Write the case's table ``process``."""
        with TableWriter(folder, NAME, TABLES[NAME]) as table:
            if not self._is_there:
                return
            self._choose()
            own = {column.name for column in KEPT[START]}
            columns = ", ".join(f'r."{name}"' for name in sorted(own))
            names = ", ".join(f'"{column.name}"' for column in TABLES[NAME])
            query = _TABLE.format(columns=columns)
            table.append_batches(
                self._tables.batches(f"SELECT {names} FROM ({query}) ORDER BY id")  # noqa: S608
            )

    def _choose(self) -> None:
        run = self._tables.run
        run(_SEEDS)
        for level in range(_LEVELS):
            if not self._has(f"SELECT 1 AS found FROM kept WHERE level = {level} LIMIT 1"):  # noqa: S608
                break
            run(_BELOW.format(level=level))
        for _ in range(_LEVELS):
            if not self._has(_CAN_INHERIT):
                break
            run(_INHERIT)
        for level in range(_LEVELS):
            whose = "true" if level == 0 else f"k.level = -{level}"
            run(_ABOVE.format(level=level, whose=whose))
            if not self._has(f"SELECT 1 AS found FROM kept WHERE level = -{level + 1} LIMIT 1"):  # noqa: S608
                break

    def _has(self, sql: str) -> bool:
        return any(True for _ in list(self._tables.rows(sql)))

    def tie(self, infos: Mapping[str, RuleInfo], told: Collection[str]) -> None:
        """Tie rows that tell of an effect to the nearest process above that such a row is about.

        Args:
            infos: what the rules mean.
            told: ids of the rules that the story is told by.
        """
        if not self._is_there:
            return
        run = self._tables.run
        counted = [
            rule
            for rule in told
            if (info := infos.get(rule)) is not None
            and not info.building_block
            and LEVELS.index(info.level) >= LEVELS.index("medium")
        ]
        self._tables.add_rows("counted", {"key": ["", *sorted(counted)]})
        run(_TELLING)
        run(_NAMED)
        run(_FIRST)
        run(
            'CREATE OR REPLACE TABLE tie (artifact VARCHAR, "offset" BIGINT, time TIMESTAMP, '
            "from_artifact VARCHAR, from_offset BIGINT, by_guid BOOLEAN)"
        )
        for _ in range(_LEVELS):
            run(_EMIT)
            run(_CLIMB)
            if not self._has("SELECT 1 AS found FROM climbing LIMIT 1"):
                break

    def ties(self, host: str) -> list[ProcessTie]:
        """Return the ties of a host's rows, in order of time; after ``tie``."""
        if not self._is_there:
            return []
        sql = _TIES_OF.format(host=host.replace("'", "''"), most=_TIES)
        return [ProcessTie(**row) for row in self._tables.rows(sql)]

    def tell(self, findings: Sequence[Finding]) -> None:
        """Say of each finding which process the first of its records comes from, root first."""
        found = [f for f in findings if f.log == EVENT_LOG and f.evidence]
        if not self._is_there or not found:
            return
        places = [f.evidence[0] for f in found]
        self._tables.add_rows(
            "sample",
            {
                "key": [f"{number:09}" for number in range(len(places))],
                "artifact": [place.artifact for place in places],
                "place": [str(place.offset) for place in places],
            },
        )
        self._tables.run(_SAMPLED)
        for level in range(_TOLD_LEVELS):
            self._tables.run(_TOLD_ABOVE.format(level=level))
        lines: dict[int, list[str]] = {}
        above: dict[int, str | None] = {}
        for row in self._tables.rows(_TOLD):
            number = int(row["key"])
            lines.setdefault(number, []).insert(0, row["own"] or "?")
            above[number] = row["above"]
        for number, line in lines.items():
            whole = [above[number], *line] if above[number] else line
            if len(whole) > 1:
                found[number].ancestry = [quote(text or "", _TOLD_EACH) for text in whole]
