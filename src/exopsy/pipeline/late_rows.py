"""Rows about other files -> judged, once it is known which files there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exopsy.detection.matcher import Matcher, RowView
from exopsy.detection.rule import Rule, ValueList
from exopsy.pipeline.disk_state import DiskState
from exopsy.pipeline.matches import MatchTable
from exopsy.schema.row import Row


def judge_late(
    rows: Sequence[Row],
    disk: DiskState,
    rules: Sequence[Rule],
    lists: Mapping[str, ValueList],
    matches: MatchTable,
) -> None:
    """Complete the rows and ask the rules about them.

    Args:
        rows: of the kinds that are judged late.
        disk: what is known of files.
        rules: all of them.
        lists: that they name.
        matches: where matched rows go; those that something dates as events, the others as states.
    """
    wanted = {row.log for row in rows}
    matchers: dict[str, list[Matcher]] = {}
    for rule in rules:
        if rule.log in wanted:
            matchers.setdefault(rule.log, []).append(Matcher(rule, lists))
    batch = matches.batch()
    try:
        for row in sorted(rows, key=lambda r: (r.origin.artifact, r.origin.offset)):
            disk.complete(row)
            if row.fields.get("State") == "folder":
                continue
            view = RowView(row)
            matched = [
                (matcher, grade)
                for matcher in matchers.get(row.log, ())
                if (grade := matcher.match(view)) is not None
            ]
            if not matched:
                continue
            if row.timestamp is None:
                batch.add_state(row, view, matched)
            else:
                batch.add(row, view, "", matched)
    finally:
        batch.flush()
