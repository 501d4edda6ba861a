"""The tests beside the rules -> how many cases passed, and what failed.

A case's rows are written as a real log file, or as events, and read back twice, by the plain path
and through the sieve; both must match the rows that the case names, with the grades it names.
"""

from __future__ import annotations

import functools
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from exopsy.core.content import read_yaml
from exopsy.core.errors import ContentError
from exopsy.core.limits import Limits
from exopsy.detection.events.event_rules import EventRules
from exopsy.detection.load import load_rules, rule_files
from exopsy.detection.matcher import Matcher, RowView
from exopsy.detection.rule import Aggregate, Rule, RuleSet
from exopsy.evidence import registry
from exopsy.evidence.events.flatten import flatten
from exopsy.pipeline.event_rows import render_events
from exopsy.pipeline.rule_rows import render_log
from exopsy.pipeline.sieving import LogSieve, scan_bytes
from exopsy.schema.event import EVENT_LOG, EventBatch
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Origin, Row

_START = datetime(2021, 3, 3, 4, 5, 6, tzinfo=UTC)
_STEP = timedelta(seconds=1)


class Repeat(msgspec.Struct, frozen=True):
    """One row written many times; ``{n}`` in varied values counts from 1."""

    row: dict[str, Any]
    times: int
    every: str = "1s"
    vary: dict[str, str] = {}


class TestFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a rule's test reads; its rows come after those of the files before it."""

    path: str
    text: str
    encoding: str = "utf-8"
    """How the text stands in the file."""
    modified: datetime | None = None
    created: datetime | None = None


class TestCase(msgspec.Struct, frozen=True):
    """One case of a test file."""

    name: str
    rows: list[dict[str, Any]] = []
    matches: list[int] | None = None
    grades: list[str] | None = None
    findings: int | None = None
    subjects: list[dict[str, str]] | None = None
    repeat: Repeat | list[Repeat] | None = None
    log: str | None = None
    files: list[TestFile] = []


def run_rule_tests(folders: Sequence[Path]) -> tuple[int, list[ContentError]]:
    """Run every test file of the folders; return passed cases and failures."""
    loaded = load_rules(folders, formats=registry.RULE_FORMATS)
    failures = list(loaded.errors)
    passed = 0
    made: dict[str, Rule | Aggregate] = {r.at: r for r in loaded.rules.rules}
    made |= {a.at: a for a in loaded.rules.aggregates}
    for folder in folders:
        for path in rule_files(folder):
            rule = made.get(str(path.relative_to(folder)))
            test = path.with_name(path.stem + ".test.yml")
            if rule is None or not test.is_file():
                continue
            at = str(test.relative_to(folder))
            try:
                cases = msgspec.convert(read_yaml(test), list[TestCase])
            except (ContentError, msgspec.ValidationError) as error:
                failures.append(ContentError(f"not a test file: {error}", at=at))
                continue
            for case in cases:
                problem = _run(rule, case, loaded.rules)
                if problem:
                    failures.append(ContentError(f"{case.name}: {problem}", at=at))
                else:
                    passed += 1
    return passed, failures


def _run(rule: Rule | Aggregate, case: TestCase, rules: RuleSet) -> str:
    """Return what is wrong with the outcome, "" if nothing is."""
    if isinstance(rule, Aggregate):
        from exopsy.pipeline.aggregate_tests import run_aggregate_case  # needs the query engine

        return run_aggregate_case(rule, case_rows(case), case, rules)
    if case.matches is None:
        return "no 'matches'"
    if rule.log in registry.FILE_NAMES:
        rows = file_rows(rule.log, case)
        found = _plainly(rows, Matcher(rule, rules.lists))
        return _compare(found, case, len(rows))
    if rule.log == EVENT_LOG:
        plain, sieved = _both_of_events(rule, event_batch(case), rules)
    else:
        data = render_log(rule.log, case_rows(case))
        plain = _plain(rule.log, data, Matcher(rule, rules.lists))
        sieved = _sieved(rule, data, rules)
    problem = _compare(plain, case, len(case_rows(case)))
    if problem:
        return f"plain path: {problem}"
    if sieved != plain:
        return f"the sieve finds {_text(sieved)} where the plain path finds {_text(plain)}"
    return ""


def case_rows(case: TestCase) -> list[dict[str, str]]:
    """Return a case's rows as text, repeats spelled out."""
    rows = [_as_text(row) for row in case.rows]
    repeats = case.repeat if isinstance(case.repeat, list) else [case.repeat] if case.repeat else []
    for repeat in repeats:
        step = _seconds(repeat.every)
        for n in range(1, repeat.times + 1):
            row = _as_text(repeat.row)
            row |= {k: v.replace("{n}", str(n)) for k, v in repeat.vary.items()}
            row.setdefault("@time", (_START + timedelta(seconds=step * n)).isoformat())
            rows.append(row)
    for index, row in enumerate(rows):
        row.setdefault("@time", (_START + index * _STEP).isoformat())
    return rows


def file_rows(log: str, case: TestCase) -> list[Row]:
    """Return what rules see of a case's files, and of its rows as they stand."""
    reader = registry.load_file(registry.spec_of(log))
    found = []
    for file in case.files:
        data = file.text.encode(file.encoding)
        facts = FileFacts(
            path=file.path,
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            modified=file.modified,
            created=file.created,
        )
        found += [item for item in reader.read_file(data, facts) if isinstance(item, Row)]
    for row in case_rows(case):
        fields = {name: value for name, value in row.items() if not name.startswith("@")}
        origin = Origin(artifact="test", offset=0, line=1)
        found.append(
            Row(log=log, host="TEST", timestamp=None, fields=fields, origin=origin, raw=b"")
        )
    return found


def event_batch(case: TestCase) -> EventBatch:
    """Return a case's rows as events; numbers and lists of values stay what they are."""
    rows: list[dict[str, Any]] = [*case.rows, *case_rows(case)[len(case.rows) :]]
    times = [{"@time": row["@time"]} for row in case_rows(case)]
    return render_events([time | row for time, row in zip(times, rows, strict=True)])


def _as_text(row: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in row.items() if value is not None}


def _seconds(text: str) -> float:
    units = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
    return float(text[:-1]) * units[text[-1]]


def _plain(log: str, data: bytes, matcher: Matcher) -> dict[int, str]:
    """Return record number (from 0) -> grade, by the plain path."""
    parser = registry.load(registry.spec_of(log))
    found = {}
    items = parser.parse(io.BytesIO(data), artifact="test", host="TEST")
    for index, item in enumerate(items):
        if isinstance(item, Row) and (grade := matcher.match(RowView(item))) is not None:
            found[index] = str(grade)
    return found


def _plainly(rows: Iterable[Row], matcher: Matcher) -> dict[int, str]:
    """Return row number (from 0) -> grade."""
    graded = ((index, matcher.match(RowView(row))) for index, row in enumerate(rows))
    return {index: str(grade) for index, grade in graded if grade is not None}


def _sieved(rule: Rule, data: bytes, rules: RuleSet) -> dict[int, str]:
    """Return the same through the sieve, records found again by their lines."""
    sieve = LogSieve(registry.spec_of(rule.log), [rule], rules.lists)
    lines = {line: index for index, line in enumerate(_record_lines(data, rule.log))}
    return {
        lines[match.row.origin.line]: str(grade)
        for match in scan_bytes(data, sieve, limits=Limits())
        for _, grade in match.matched
    }


def _both_of_events(
    rule: Rule, batch: EventBatch, rules: RuleSet
) -> tuple[dict[int, str], dict[int, str]]:
    """Return record number (from 0) -> grade, by the plain path and through the sieve."""
    own = EventRules([rule], rules.lists)
    decode = functools.partial(flatten, artifact="test", host="TEST")
    plain, sieved = own.scan_plain(batch, decode), own.scan(batch, decode)
    return (
        {hit.index: str(hit.grade) for hit in plain.hits},
        {hit.index: str(hit.grade) for hit in sieved.hits},
    )


def _record_lines(data: bytes, log: str) -> Iterable[int]:
    parser = registry.load(registry.spec_of(log))
    for item in parser.parse(io.BytesIO(data), artifact="test", host="TEST"):
        yield item.origin.line


def _compare(found: Mapping[int, str], case: TestCase, count: int) -> str:
    wanted = case.matches or []
    if sorted(found) != sorted(wanted):
        return f"matches rows {sorted(found)} of {count}, wanted {sorted(wanted)}"
    if case.grades is not None:
        grades = [found[index] for index in sorted(wanted)]
        expected = [grade for _, grade in sorted(zip(wanted, case.grades, strict=True))]
        if grades != expected:
            return f"gives grades {grades}, wanted {expected}"
    return ""


def _text(found: Mapping[int, str]) -> str:
    return ", ".join(f"row {row} ({grade})" for row, grade in sorted(found.items())) or "nothing"
