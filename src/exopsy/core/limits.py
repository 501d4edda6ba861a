"""Bounds on work. They count bytes, members and rounds, never seconds, so a run can be repeated."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one run may cost; every limit that is reached is disclosed in the case."""

    archive_depth: int = 4
    """Archives inside archives."""
    archive_members: int = 500_000
    archive_ratio: int = 1_000
    """Uncompressed over compressed bytes of one member, once it is past ``archive_ratio_from``."""
    archive_ratio_from: int = 64 << 20
    member_bytes: int = 512 << 30
    """Uncompressed size of one member."""
    spool_bytes: int = 8 << 30
    """Temporary copies of archives that can't be read as a stream, all together."""
    record_bytes: int = 1 << 20
    """One record; what is longer is counted as cut and its beginning is looked at."""
    file_bytes: int = 32 << 20
    """Of a file that is evidence as a whole (a page, a configuration); what follows is only hashed."""
    table_rows: int = 50_000
    """Entries of one listing of files (file table, change journal, copy log) that become rows; of a
    file table up to two million folders are remembered to name them."""
    event_fields: int = 2_000
    """Values of one event that become fields; what follows is left to keywords."""
    event_depth: int = 32
    """Objects inside objects in the data of one event."""
    event_value: int = 1 << 18
    """Characters of one value of an event; an event of ``.evtx`` can't have so many."""
    pivot_rounds: int = 4
    pivot_keys: int = 2_000
    hub_rows: int = 50_000
    """A pivot key that brings more rows than this is a hub: capped, and reported as capped."""
    findings_per_rule: int = 500
    """Findings of one rule on one host; the rest is folded into one finding that says how many."""
    correlation_hits: int = 100_000
    """Hits held in the windows of all correlations together; beyond it the oldest are forgotten."""
    correlation_values: int = 16
    """Values of one hit's fields that are looked at, where a field has several or several fields
    are combined; also what one match of a correlation hands on to another."""
    correlation_matches: int = 2_000
    """Matches of one correlation; further ones are only counted."""
    correlation_run_hits: int = 20_000
    """Hits that a worker sorts in memory before they go to disk."""
    samples_per_finding: int = 5
    sample_bytes: int = 4_096
