"""Findings and activities so far -> what should be looked for next, in everything that is read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from exopsy.core.limits import Limits
from exopsy.correlation.addresses import Places, read_address
from exopsy.correlation.events import Touch, judge_touch, person
from exopsy.correlation.findings import addresses_of, is_strong
from exopsy.correlation.gather import Paths, gather
from exopsy.correlation.implants import CMDLET_LOGS, WebRoots, find_implants
from exopsy.correlation.meaning import Meaning, Meanings
from exopsy.schema.activity import Activity
from exopsy.schema.case import Finding
from exopsy.schema.pivot import PivotKey, PivotKind, PivotRequest
from exopsy.schema.rule import RuleInfo

_ORDER: tuple[PivotKind, ...] = ("path", "address", "account", "request_id")
"""What is kept first when there are too many keys."""


def next_pivot(
    findings: Iterable[Finding],
    activities: Iterable[Activity],
    rules: Mapping[str, RuleInfo],
    *,
    already: Collection[PivotKey],
    limits: Limits,
    trusted: Collection[str] = (),
    web_roots: WebRoots = (),
    ignored_tokens: Sequence[str] = (),
) -> PivotRequest:
    """Name the keys of success, use and implants that were not looked for yet.

    Attempts alone give no keys: what a scanner asks for is everywhere. An empty request is the
    fixed point. ``trusted``, ``web_roots`` and ``ignored_tokens`` as for ``correlate``.
    """
    strong = [f for f in findings if is_strong(f, rules.get(f.rule_id))]
    places, paths, meanings = Places(trusted), Paths(), Meanings(rules)
    tokens = frozenset(token.lower() for token in ignored_tokens)
    rows: dict[str, list[Activity]] = {}
    for row in activities:
        rows.setdefault(row.host, []).append(row)
    found: set[PivotKey] = set()
    for host in sorted({f.host for f in strong} | rows.keys()):
        own = [f for f in strong if f.host == host]
        implants = {i.path for i in find_implants(host, own, rules, web_roots) if i.is_url}
        found |= {PivotKey(kind="path", value=path) for path in implants}
        named = {a for f in own for a in (*addresses_of(f), *_as_logged(f))}
        gathered = gather(host, rows.get(host, ()), meanings, implants, places, paths)
        servers = gathered.servers
        for row in gathered.rows:
            meaning = meanings.read(row)
            is_use = (
                paths.read(row.stem) in implants and judge_touch(row, meaning, tokens) is Touch.USE
            )
            if meaning.grades or is_use:
                named.add(row.client)
                found |= _keys(row, meaning)
        for address in named:
            place = places.read(address)
            is_client = place.address and not place.is_local and not place.is_trusted
            if is_client and place.address not in servers:
                found.add(PivotKey(kind="address", value=address.strip()))
    return PivotRequest(keys=tuple(sorted(_bounded(found - set(already), limits.pivot_keys))))


def _as_logged(finding: Finding) -> list[str]:
    """List the addresses of a subject as their log writes them."""
    return [value for value in finding.subject.values() if read_address(value) is not None]


def _keys(row: Activity, meaning: Meaning) -> set[PivotKey]:
    """Request id of a success, and the account of a cmdlet that succeeded in a chain."""
    found: set[PivotKey] = set()
    if row.request_id and any(grade == "success" for _, grade in meaning.grades):
        found.add(PivotKey(kind="request_id", value=row.request_id.lower()))
    if row.log in CMDLET_LOGS and meaning.success_chains and person(row.user):
        found.add(PivotKey(kind="account", value=person(row.user)))
    return found


def _bounded(keys: set[PivotKey], most: int) -> list[PivotKey]:
    """Keep at most ``most`` keys, request ids at most a quarter of them."""
    kept: list[PivotKey] = []
    for kind in _ORDER:
        room = most - len(kept)
        room = min(room, most // 4) if kind == "request_id" else room
        kept += sorted(key for key in keys if key.kind == kind)[:room]
    return kept
