"""What the correlations found, and what they could not look at."""

from __future__ import annotations

from datetime import datetime

import msgspec

from exopsy.schema.case import Level
from exopsy.schema.row import Origin


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One of the records of a match."""

    rule: str
    """Which of the correlated rules matched it; a correlation: the record that completed it."""
    timestamp: datetime
    host: str
    origin: Origin


class CorrelationMatch(msgspec.Struct, frozen=True, kw_only=True):
    """One burst: windows of one group that hold the condition and overlap."""

    rule_id: str
    title: str
    level: Level
    tags: tuple[str, ...]
    group: dict[str, str]
    """Field of ``group-by`` -> value, spelled as in the first hit. Empty without ``group-by``."""
    first_seen: datetime
    last_seen: datetime
    count: int
    """Hits in the windows; a record that several rules matched counts once for the types that
    count or reckon with events, else once for each rule."""
    by_rule: dict[str, int]
    """The same, by rule."""
    measured: int | float
    """The greatest that was measured in a window: hits, values, rules, steps, or the reckoned
    number."""
    samples: tuple[Sample, ...]
    """The first of each rule, then the earliest; in order of time, no more than
    ``samples_per_finding``."""


class CorrelationLoss(msgspec.Struct, kw_only=True):
    """Hits that one correlation could not use, counted by reason."""

    ungrouped: int = 0
    """They lack a field of ``group-by``: a missing value is no value."""
    valueless: int = 0
    """They lack the field whose values are counted or reckoned with."""
    not_numbers: int = 0
    """Its value is no number."""
    unfolded: int = 0
    """They have more values than are looked at; the first ones were."""
    forgotten: int = 0
    """They left their window early, because too many hits were held: matches may be missed."""
    unjudged: int = 0
    """Windows with forgotten hits, in which a condition that asks for few or none says nothing."""
    uncarried: int = 0
    """Matches that handed on fewer values to another correlation than they had."""
    folded: int = 0
    """Matches beyond ``correlation_matches``."""


class Correlated(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one pass."""

    matches: tuple[CorrelationMatch, ...] = ()
    """By time, correlation and group."""
    losses: dict[str, CorrelationLoss] = {}
    """By id of the correlation; only those that lost something."""
    untimed: int = 0
    """Hits without a time: they can't be placed in any window."""
    late: int = 0
    """Hits that came after a later one; not used. A feed that is sorted has none."""
