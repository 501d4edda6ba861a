"""One parsed record of a log, whatever its format, and what could not be parsed.

Field names are the log's own column names (``ClientIpAddress``), so that a rule, the log and an
analyst's eyes use one vocabulary; for IIS they are Sigma's (``cs-user-agent`` for
``cs(User-Agent)``). ``evidence.registry`` says which format has which.
"""

from __future__ import annotations

from datetime import datetime

import msgspec


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a record lies, to the byte."""

    artifact: str
    """Path of the artifact inside the collection."""
    offset: int
    """Of the record's first byte in the (uncompressed) artifact."""
    line: int
    """1-based; of an event log the record's number."""


class Row(msgspec.Struct, kw_only=True):
    """One record."""

    log: str
    """Name of the format: ``iis-w3c``, ``exchange-httpproxy``."""
    host: str
    timestamp: datetime | None
    """UTC; None where the record carries no time that can be read."""
    fields: dict[str, str]
    """Column -> value as logged (CSV quoting undone, percent-encoding kept). A column that the log
    writes as empty or ``-`` is absent: absent means "not recorded" and nothing else."""
    decoded: dict[str, str] = msgspec.field(default_factory=dict)
    """The same for those columns whose decoded value differs: percent-encoding undone until it
    no longer changes, ``+`` as space where IIS writes it so. Rules see these first."""
    many: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """All values of the fields that have several (an event's unnamed ``Data``); ``fields`` holds
    them too, joined by line ends. A test holds when it holds for one of them."""
    notes: tuple[str, ...] = ()
    """Where the record could be read in several ways, what was chosen, in short stable words
    (``evidence.events.notes``); for coverage to count."""
    origin: Origin
    raw: bytes
    """The record's bytes without its line end."""

    def value(self, name: str) -> str | None:
        """Return a field as rules see it: decoded, or None when it is absent."""
        found = self.decoded.get(name)
        return self.fields.get(name) if found is None else found


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """A record that could not be parsed."""

    reason: str
    """A short stable word: ``field-count``, ``no-columns``, ``nul``, ``too-long``, ``time``."""
    origin: Origin
