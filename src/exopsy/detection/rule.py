"""A loaded rule: its meaning for others, and its condition for the matcher and the sieve."""

from __future__ import annotations

import msgspec

from exopsy.detection.expression import Expression
from exopsy.schema.case import Grade
from exopsy.schema.rule import RuleInfo


class GradeWhen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a rule's ``grade`` block: the first whose condition holds gives the grade."""

    when: Expression | None
    """None: always."""
    grade: Grade


class Extract(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A further field, taken out of another by a regular expression with one group."""

    name: str
    field: str
    pattern: str


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One detection rule for one log format."""

    info: RuleInfo
    log: str
    """Format it reads."""
    condition: Expression
    grades: tuple[GradeWhen, ...]
    extracts: tuple[Extract, ...] = ()
    keys: tuple[str, ...] = ()
    """Fields that yield join keys."""
    at: str
    """Path of its file, relative to the rules folder."""
    is_foreign: bool = False
    """It has no block of ours: somebody else's rule, translated by ``mappings/sigma``."""
    name: str = ""
    """By which correlations may refer to it."""
    tags: tuple[str, ...] = ()
    filtered_by: tuple[str, ...] = ()
    """Places of the filters that were added to it."""
    reads: tuple[str, ...] = ()
    """Of a translated rule: the kinds of records in which it is looked for."""
    left_out: tuple[str, ...] = ()
    """Of a translated rule: kinds of records that can't answer it, and why."""


class Aggregate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A behaviour that no single line shows: a query over a table."""

    info: RuleInfo
    log: str | None
    """Format whose every row feeds the table; None for the table of activities."""
    table: str
    columns: tuple[str, ...]
    sql: str
    at: str


class ValueList(msgspec.Struct, frozen=True, kw_only=True):
    """A named list of values (``content/lists/<name>.txt``)."""

    name: str
    values: frozenset[str]
    """Case-folded, normalised."""
    normalise: str = ""
    """``version-folders``: path segments that look like a version number are one value."""


class RuleSet(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was loaded from the rule folders."""

    rules: tuple[Rule, ...]
    aggregates: tuple[Aggregate, ...]
    lists: dict[str, ValueList]

    def infos(self) -> dict[str, RuleInfo]:
        """Return every rule's meaning by id."""
        return {r.info.id: r.info for r in self.rules} | {
            a.info.id: a.info for a in self.aggregates
        }
