"""The specification of an exploitation chain, as content gives it (``content/chains/*.yml``)."""

from __future__ import annotations

from datetime import date

import msgspec


class ChainStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a chain, in order."""

    step: str
    title: str
    logs: tuple[str, ...]
    """Formats in which this step would show."""
    proves: str | None = None
    """``success`` or ``use`` when seeing this step answered proves that grade; else None."""


class ChainSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One chain."""

    chain: str
    """Id: ``proxylogon``."""
    name: str
    field_note: str = ""
    """``C05``."""
    cves: tuple[str, ...]
    entry_cves: tuple[str, ...] = ()
    """The CVEs without which the chain can't start; they decide exposure. Empty: all of ``cves``."""
    published: date
    first_known_use: date | None = None
    """The day from which the question is asked; None: no use in the wild is sourced, and the chain
    opens no window of its own (its findings still count)."""
    success_logs: tuple[tuple[str, ...], ...] = ()
    """Alternatives: a day is covered when, of at least one inner group, every log is there that day.
    Empty: no text log shows a success, so no silence of logs says anything."""
    not_visible_because: str = ""
    """Why no text log shows a success, in a sentence."""
    steps: tuple[ChainStep, ...]
    references: tuple[str, ...] = ()
