"""The case document (``case.json``, format ``exopsy-case``, version 1): the product's contract.

Names and shapes are fixed; fields may be added. Times are UTC strings (``2021-03-03T04:05:06Z``),
so that a document reads back byte for byte. Lists are ordered by their makers, never by chance.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Conclusion = Literal[
    "compromised", "exploited", "suspicious", "attempted", "inconclusive", "no-evidence-found"
]
CONCLUSIONS: tuple[Conclusion, ...] = (
    "no-evidence-found",
    "inconclusive",
    "attempted",
    "suspicious",
    "exploited",
    "compromised",
)
"""From weakest to strongest: the order in which hosts are compared for the collection's verdict."""
CoverageGrade = Literal["sufficient", "partial", "insufficient"]
Confidence = Literal["high", "moderate", "low"]
Grade = Literal["attempt", "success", "use"]
GRADES: tuple[Grade, ...] = ("attempt", "success", "use")
Level = Literal["informational", "low", "medium", "high", "critical"]
LEVELS: tuple[Level, ...] = ("informational", "low", "medium", "high", "critical")
BackdoorKind = Literal[
    "web-shell",
    "oab-external-url",
    "iis-module",
    "virtual-directory",
    "isapi",
    "transport-agent",
    "mail-rule",
    "account",
    "role-grant",
    "viewstate-key",
    "page-tamper",
    "scheduled-task",
    "service",
    "other",
]


class Tool(msgspec.Struct, kw_only=True):
    """What made the case."""

    version: str
    content_version: str
    content_sha256: str
    options: dict[str, Any] = msgspec.field(default_factory=dict)


class CollectionInfo(msgspec.Struct, kw_only=True):
    """What was handed in."""

    name: str
    sha256: str
    """Of the sorted artifact list: path, size and sha256 of each."""
    artifacts: int
    bytes: int


class ArtifactEntry(msgspec.Struct, kw_only=True):
    """One artifact, for custody."""

    path: str
    kind: str
    host: str
    size: int
    sha256: str | None
    state: Literal["read", "partial", "failed", "not-evidence"]
    why: str = ""


class UnusableRule(msgspec.Struct, kw_only=True):
    """A rule that can't run, and why."""

    id: str
    why: str
    title: str = ""


class RulesInfo(msgspec.Struct, kw_only=True):
    """Which rules ran."""

    loaded: int = 0
    unmapped: list[UnusableRule] = msgspec.field(default_factory=list)
    failed: list[UnusableRule] = msgspec.field(default_factory=list)


class Reason(msgspec.Struct, kw_only=True):
    """A sentence and the findings it rests on."""

    text: str
    finding_ids: list[str] = msgspec.field(default_factory=list)


class Window(msgspec.Struct, kw_only=True):
    """One chain's question: was this hole used between these two moments?"""

    from_: str | None = msgspec.field(name="from")
    to: str | None
    chain: str
    conclusion: Conclusion
    coverage: CoverageGrade
    basis: Literal["logs", "state", "both", "none"]
    text: str = ""


class Gap(msgspec.Struct, kw_only=True):
    """Evidence that would be needed and was not there."""

    text: str
    log: str
    from_: str | None = msgspec.field(name="from")
    to: str | None


class Verdict(msgspec.Struct, kw_only=True):
    """The conclusion with its reasons and its gaps. There is no "clean"."""

    conclusion: Conclusion
    coverage: CoverageGrade
    confidence: Confidence
    attempts_seen: bool
    summary: str
    """Three plain sentences."""
    reasons: list[Reason] = msgspec.field(default_factory=list)
    windows: list[Window] = msgspec.field(default_factory=list)
    gaps: list[Gap] = msgspec.field(default_factory=list)
    would_change: list[str] = msgspec.field(default_factory=list)


class Step(msgspec.Struct, kw_only=True):
    """One step of a chain on this host."""

    step: str
    state: Literal["seen", "not-seen", "not-covered"]
    at: str | None = None
    finding_ids: list[str] = msgspec.field(default_factory=list)
    title: str = ""


class Chain(msgspec.Struct, kw_only=True):
    """One exploitation route as observed on one host."""

    chain: str
    name: str = ""
    cves: list[str] = msgspec.field(default_factory=list)
    grade: Grade
    first_seen: str
    last_seen: str
    operator_ids: list[str] = msgspec.field(default_factory=list)
    finding_ids: list[str] = msgspec.field(default_factory=list)
    steps: list[Step] = msgspec.field(default_factory=list)


class Backdoor(msgspec.Struct, kw_only=True):
    """One way back in, whatever the evidence for it."""

    id: str
    key: str
    kind: BackdoorKind
    path: str
    file: str | None = None
    """Path on disk, lower case, where the evidence names it (``path`` is then often the URL path)."""
    sha256: str | None = None
    state: Literal["present", "removed", "unknown"] = "unknown"
    """``removed``: its folder was collected, or listed, and it is not there."""
    state_basis: Literal[
        "", "collection", "configuration", "file-table", "change-journal", "copy-list"
    ] = ""
    """What says so: the files collected, or a list of files."""
    modified: str | None = None
    """Last change of the file; an intruder sets it at will."""
    created: str | None = None
    """Its creation: of a file table the one that programs can't set."""
    times_basis: Literal["", "collection", "file-table", "copy-list"] = ""
    """What states both; ``collection``: the container in which the file was handed in;
    ``configuration``: a collected configuration or export names it (that its file is there is not
    said by that)."""
    planted_at: str | None = None
    planted_by: str | None = None
    """Operator id."""
    removed_at: str | None = None
    first_use: str | None = None
    last_use: str | None = None
    requests: int = 0
    """Requests that used it (probes not counted)."""
    used_by: list[str] = msgspec.field(default_factory=list)
    probed_by: list[str] = msgspec.field(default_factory=list)
    finding_ids: list[str] = msgspec.field(default_factory=list)


class Action(msgspec.Struct, kw_only=True):
    """Something an operator did."""

    at: str
    what: str
    technique: str
    finding_id: str


class Operator(msgspec.Struct, kw_only=True):
    """One intruder's activity: addresses, agents, accounts, timing. Never a name."""

    id: str
    key: str
    addresses: list[str] = msgspec.field(default_factory=list)
    user_agents: list[str] = msgspec.field(default_factory=list)
    accounts: list[str] = msgspec.field(default_factory=list)
    first_seen: str
    last_seen: str
    planted: list[str] = msgspec.field(default_factory=list)
    used: list[str] = msgspec.field(default_factory=list)
    probed: list[str] = msgspec.field(default_factory=list)
    actions: list[Action] = msgspec.field(default_factory=list)
    merged_because: list[str] = msgspec.field(default_factory=list)
    rival: str | None = None


class Session(msgspec.Struct, kw_only=True):
    """An operator's visit: requests with no pause longer than the session gap."""

    operator_id: str
    from_: str = msgspec.field(name="from")
    to: str
    requests: int = 0
    backdoor_ids: list[str] = msgspec.field(default_factory=list)


class Join(msgspec.Struct, kw_only=True):
    """Two pieces of evidence that speak of the same event."""

    a: str
    b: str
    by: str
    strength: Literal["exact", "strong", "weak"]


class Effect(msgspec.Struct, kw_only=True):
    """A consequence: what was seen of it, or why it is possible though not seen."""

    text: str
    state: Literal["seen", "possible"]
    why: str
    finding_ids: list[str] = msgspec.field(default_factory=list)


class Impact(msgspec.Struct, kw_only=True):
    """What the intruders obtained or did."""

    credentials: list[Effect] = msgspec.field(default_factory=list)
    mail_access: list[Effect] = msgspec.field(default_factory=list)
    exfiltration: list[Effect] = msgspec.field(default_factory=list)
    lateral_movement: list[Effect] = msgspec.field(default_factory=list)
    ransomware: list[Effect] = msgspec.field(default_factory=list)
    blinding: list[Effect] = msgspec.field(default_factory=list)


class Exposure(msgspec.Struct, kw_only=True):
    """Whether a hole was open between two days, both included (``2021-03-03``).

    ``to`` is None when no later state is known: it still held at the last sighting.
    """

    cve: str
    from_: str | None = msgspec.field(name="from")
    to: str | None
    state: Literal[
        "vulnerable", "patched", "presumed-vulnerable", "not-affected", "needs-config-check"
    ]
    basis: str
    fixed_in: str = ""
    """The update that closes it on this server, for people; empty when no build is known to."""


class CoverageGap(msgspec.Struct, kw_only=True):
    """A hole in one log's series."""

    from_: str = msgspec.field(name="from")
    to: str
    why: Literal["rotated", "deleted", "cleared", "unknown"]


class Coverage(msgspec.Struct, kw_only=True):
    """What was read of one log of one host."""

    log: str
    from_: str | None = msgspec.field(name="from")
    to: str | None
    bytes: int
    classes: dict[str, int]
    lines: int
    artifacts: int = 0
    days: dict[str, Literal["full", "part", "none"]] = msgspec.field(default_factory=dict)
    state: Literal["read", "partial", "failed", "absent"]
    gaps: list[CoverageGap] = msgspec.field(default_factory=list)
    skipped: dict[str, int] = msgspec.field(default_factory=dict)
    notes: dict[str, int] | msgspec.UnsetType = msgspec.UNSET
    """Of an event log: records that could be read in several ways, by what was chosen
    (``time-zone-assumed``), among those that rules matched and, of an export, the first and last of
    every piece. ``problems`` says it in words."""
    known: dict[str, int] = msgspec.field(default_factory=dict)
    """Of web files: how many builds ship such a file (``shipped``), how many none (``unknown``)."""


class ActionItem(msgspec.Struct, kw_only=True):
    """What to do now."""

    order: int
    do: str
    why: str
    finding_ids: list[str] = msgspec.field(default_factory=list)
    verify: str = ""


class Host(msgspec.Struct, kw_only=True):
    """Everything about one server."""

    name: str
    exchange_build: str | None = None
    build_basis: str = ""
    clock_skew_s: int = 0
    verdict: Verdict
    chains: list[Chain] = msgspec.field(default_factory=list)
    backdoors: list[Backdoor] = msgspec.field(default_factory=list)
    operators: list[Operator] = msgspec.field(default_factory=list)
    sessions: list[Session] = msgspec.field(default_factory=list)
    joins: list[Join] = msgspec.field(default_factory=list)
    impact: Impact = msgspec.field(default_factory=Impact)
    exposure: list[Exposure] = msgspec.field(default_factory=list)
    coverage: list[Coverage] = msgspec.field(default_factory=list)
    actions: list[ActionItem] = msgspec.field(default_factory=list)


class Evidence(msgspec.Struct, kw_only=True):
    """One record that a finding rests on, to be found again to the byte."""

    artifact: str
    offset: int
    line: int
    record: int | None = None
    sha256: str | None = None
    """Of the artifact."""
    text_b64: str
    """The raw record, bounded, base64: our own files must not trip antivirus."""


class Finding(msgspec.Struct, kw_only=True):
    """A rule x a subject x a day."""

    id: str
    """Display name (``F1``)."""
    key: str
    """Derived from rule, host, subject and first time: survives a re-run."""
    rule_id: str
    title: str
    level: Level
    grade: Grade
    chain: str | None = None
    """Chain id (``proxylogon``) or None."""
    behaviour: str | None = None
    """Behaviour id (``P11``) or None."""
    techniques: list[str] = msgspec.field(default_factory=list)
    host: str
    log: str = ""
    subject: dict[str, str] = msgspec.field(default_factory=dict)
    """Field -> value: what this finding is about."""
    first_seen: str
    last_seen: str
    count: int
    evidence: list[Evidence] = msgspec.field(default_factory=list)
    innocent_explanations: list[str] = msgspec.field(default_factory=list)
    next: str = ""
    keys: dict[str, list[str]] = msgspec.field(default_factory=dict)
    """Join keys its rows yielded (``request_id`` -> values), bounded."""
    folded: int = 0
    """Further subjects of this rule folded into this finding by a limit."""
    ancestry: list[str] | msgspec.UnsetType = msgspec.UNSET
    """Command lines (or programs) from the oldest known ancestor down to the process that the first
    evidence is about, bounded, with control characters replaced; only where processes are known."""


class Attribution(msgspec.Struct, kw_only=True):
    """Other people's claims; empty until an overlap is computed."""

    overlaps: list[dict[str, Any]] = msgspec.field(default_factory=list)
    hypotheses: list[dict[str, Any]] = msgspec.field(default_factory=list)
    claims: list[dict[str, Any]] = msgspec.field(default_factory=list)


class CaseDocument(msgspec.Struct, kw_only=True):
    """The whole case."""

    format: Literal["exopsy-case"] = "exopsy-case"
    version: Literal[1] = 1
    reproducible: bool = True
    not_reproducible_because: list[str] = msgspec.field(default_factory=list)
    tool: Tool
    verdict: Verdict
    collection: CollectionInfo
    artifacts: list[ArtifactEntry] = msgspec.field(default_factory=list)
    rules: RulesInfo = msgspec.field(default_factory=RulesInfo)
    hosts: list[Host] = msgspec.field(default_factory=list)
    findings: list[Finding] = msgspec.field(default_factory=list)
    problems: list[str] = msgspec.field(default_factory=list)
    """Sentences on what could not be read and what a limit stopped: what, where, what to do."""
    attribution: Attribution = msgspec.field(default_factory=Attribution)


def encode_case(case: CaseDocument) -> bytes:
    """Write the document as indented UTF-8 JSON; equal documents give equal bytes."""
    return msgspec.json.format(msgspec.json.encode(case), indent=1) + b"\n"


def decode_case(data: bytes) -> CaseDocument:
    """Read a document back.

    Raises:
        msgspec.ValidationError: not a case of this version; the message names the field.
    """
    return msgspec.json.decode(data, type=CaseDocument)
