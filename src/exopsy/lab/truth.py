"""The ground truth of a lab: what the evidence was made to hold, written beside the collection.

Definitions (the same as the product's): *use* is a POST answered 200, or a GET with a command-like
query answered 200; a plain GET answered 200 only looked and counts as a probe, like 302, 404, 401
and 403. Mass scanners that only attempt a chain, or ask for shell names that never existed, are no
operators; whoever asks for the path of a shell that truly exists at some time is one. Times are
UTC strings.
"""

from __future__ import annotations

import msgspec

from exopsy.schema.case import BackdoorKind, Conclusion, Grade


class TruthChain(msgspec.Struct, kw_only=True):
    """A chain that left traces on the host."""

    chain: str
    grade: Grade
    """The strongest grade that remains visible in the collection; ``use`` when what the chain
    gave (a shell, an identity) was used by the operator who came through it."""
    background: bool = False
    """Only mass scanners did it: refused, and nobody's operation."""


class TruthBackdoor(msgspec.Struct, kw_only=True):
    """Something left on the host that lets its planter, or anyone, come back."""

    kind: BackdoorKind
    path: str
    """The URL path of a web shell in its plain form; the role's name for a role grant."""
    planted_by: str | None
    used_by: list[str]
    probed_by: list[str]
    requests: int
    """All requests for the path, in any spelling, counted once each (site 1 only)."""
    uses: int
    first_use: str | None
    last_use: str | None


class TruthOperator(msgspec.Struct, kw_only=True):
    """One intruder's activity; several addresses when they were one party."""

    id: str
    addresses: list[str]
    planted: list[str]
    used: list[str]
    probed: list[str]


class TruthEvent(msgspec.Struct, kw_only=True):
    """A record of an event log that tells of the intrusion."""

    channel: str
    event_id: int
    record: int
    time: str
    what: str
    """What happened, in a word of the lab: ``shell-command``, ``mailbox-export``."""
    name: str | None = None
    """What it says was left behind: an account, a task, a page's URL path."""
    activity: str | None = None
    """The id that it shares with rows of text logs (``S:ACTID``, ``RequestId``), if it has one."""


class TruthLeft(msgspec.Struct, kw_only=True):
    """Something left on the host of which event logs tell."""

    kind: BackdoorKind
    names: list[str]
    """Each is a right name for it: a module has a name and a file."""


class TruthEventLogs(msgspec.Struct, kw_only=True):
    """What the event logs of a host hold; asked apart from what its text logs show."""

    records: dict[str, int]
    """How many, by channel."""
    cleared: list[str]
    """Channels that somebody emptied; what they held before is gone."""
    events: list[TruthEvent]
    observables: list[str]
    """Words of those ``events`` that an examination should notice, sorted."""
    trees: list[str]
    """Words whose ``events`` hang together by one process, whose start is told."""
    chains: list[str]
    """Chains of which an effect is told; of some of them nothing else may be left."""
    left: list[TruthLeft]


class TruthHost(msgspec.Struct, kw_only=True):
    """What an examination of the host should conclude, and from what."""

    name: str
    conclusion: Conclusion
    """Asked with ``--since`` at the first log day."""
    conclusion_without_since: Conclusion
    chains: list[TruthChain]
    backdoors: list[TruthBackdoor]
    operators: list[TruthOperator]
    first_entry: str | None
    """When the first leg succeeded; ``None`` without an intrusion or when its logs are gone."""
    event_logs: TruthEventLogs | msgspec.UnsetType = msgspec.UNSET
    """Only where event logs were made. Everything above is of the text logs alone."""


class Truth(msgspec.Struct, kw_only=True):
    """``truth.json``."""

    scenario: str
    seed: int
    parameters: str
    since: str
    """ISO date of the first log day."""
    hosts: list[TruthHost]
