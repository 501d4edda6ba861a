"""Findings and activities of one host -> its story: chains, backdoors, operators, sessions, impact.

Equal content gives an equal story, in whatever order it comes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from exopsy.core.clock import format_utc
from exopsy.correlation import findings as finding_list
from exopsy.correlation.addresses import Places
from exopsy.correlation.backdoors import Life, Planters, ledger, live
from exopsy.correlation.causes import causes_of, spots_of
from exopsy.correlation.chain_use import mark_used
from exopsy.correlation.chains import observed
from exopsy.correlation.events import Event, Folded, fold, in_order
from exopsy.correlation.findings import (
    FindingIndex,
    Owners,
    addresses_of,
    identity,
    is_strong,
    moment,
)
from exopsy.correlation.gather import Paths, gather
from exopsy.correlation.impact import seen
from exopsy.correlation.implants import WebRoots, find_implants
from exopsy.correlation.joins import joins
from exopsy.correlation.meaning import Meanings
from exopsy.correlation.operators import Group, group, rivals
from exopsy.correlation.sessions import sessions
from exopsy.schema.activity import Activity
from exopsy.schema.case import Action, Backdoor, Finding, Operator
from exopsy.schema.chain import ChainSpec
from exopsy.schema.pivot import Hub
from exopsy.schema.process import ProcessTie
from exopsy.schema.rule import RuleInfo
from exopsy.schema.story import Story


def correlate(
    host: str,
    *,
    findings: Sequence[Finding],
    activities: Iterable[Activity],
    rules: Mapping[str, RuleInfo],
    chains: Sequence[ChainSpec],
    ties: Sequence[ProcessTie] = (),
    hubs: Sequence[Hub] = (),
    trusted: Collection[str] = (),
    covered_logs: Collection[str] = (),
    web_roots: WebRoots = (),
    ignored_tokens: Sequence[str] = (),
) -> Story:
    """Tell what happened on one host.

    Args:
        host: only its findings and activities are read.
        findings: graded, of any hosts.
        activities: rows that a rule matched and rows that the pivot brought; read once.
        rules: meaning of every rule, by id.
        chains: content's chains.
        ties: rows of this host whose processes come from each other.
        hubs: keys too common to mean one client.
        trusted: addresses and networks (CIDR) of the analyst's own testers: never operators.
        covered_logs: formats of which anything was read.
        web_roots: (part of a disk path, URL path that it is served as).
        ignored_tokens: names of query parameters that the server itself appends.
    """
    own = finding_list.in_order(f for f in findings if f.host == host)
    places, paths, meanings = Places(trusted, hubs), Paths(), Meanings(rules)
    implants = find_implants(host, own, rules, web_roots)
    implant_paths = {implant.path for implant in implants if implant.is_url}
    gathered = gather(host, activities, meanings, implant_paths, places, paths)
    index = FindingIndex(own)
    folded = fold(
        gathered, meanings, index, implant_paths, places, paths, ignored_tokens, spots_of(ties)
    )
    events = in_order([*folded.events, *_rowless(own, folded.events, rules, meanings, places)])
    causes = causes_of(ties, folded.placed)
    groups = group(events, gathered, places, causes)
    owners = _owners(own, groups)
    lives = live(implants, groups, events, own)
    backdoors = ledger(lives, Planters(groups, owners))
    by_path = {b.path: b.id for b in backdoors if b.path in implant_paths}
    seen_chains = observed(own, chains, rules, _by_chain(own, groups, owners), covered_logs)
    mark_used(seen_chains, groups, own)
    return Story(
        host=host,
        chains=seen_chains,
        backdoors=backdoors,
        operators=_operators(groups, backdoors, own, rivals(groups, gathered, places)),
        sessions=sessions(groups, by_path),
        joins=joins(own, events, causes),
        impact=seen(own, rules),
        notes=_notes(groups, hubs, folded, lives),
    )


def _rowless(
    findings: list[Finding],
    events: list[Event],
    rules: Mapping[str, RuleInfo],
    meanings: Meanings,
    places: Places,
) -> list[Event]:
    """Make an event of each strong finding that no row speaks for (aggregates) but names a client."""
    spoken = {at for event in events for at in event.findings}
    out: list[Event] = []
    for at, finding in enumerate(findings):
        first, last = moment(finding.first_seen), moment(finding.last_seen)
        if at in spoken or not is_strong(finding, rules.get(finding.rule_id)):
            continue
        for address in addresses_of(finding):
            place = places.read(address)
            if place.is_local or place.is_trusted or first is finding_list.NEVER:
                continue
            out.append(
                Event(
                    time=first,
                    last=first if last is finding_list.NEVER else max(first, last),
                    address=place.address,
                    log=finding.log,
                    meaning=meanings.judge([(finding.rule_id, finding.grade)]),
                    findings=frozenset({at}),
                )
            )
    return out


def _owners(findings: list[Finding], groups: Sequence[Group]) -> Owners:
    """Give each finding the ids of the operators whose events belong to it, in order."""
    owners: Owners = {}
    for one in groups:
        for at in sorted({at for event in one.events for at in event.findings}):
            owners.setdefault(identity(findings[at]), []).append(one.id)
    return owners


def _by_chain(
    findings: list[Finding],
    groups: Sequence[Group],
    owners: Owners,
) -> dict[str, set[str]]:
    out: dict[str, set[str]] = {}
    for one in groups:
        for event in one.events:
            for chain in event.meaning.chains:
                out.setdefault(chain, set()).add(one.id)
    for finding in findings:
        if finding.chain and finding.grade != "attempt":
            out.setdefault(finding.chain, set()).update(owners.get(identity(finding), ()))
    return out


def _operators(
    groups: Sequence[Group],
    backdoors: Sequence[Backdoor],
    findings: list[Finding],
    rival: Mapping[str, str],
) -> list[Operator]:
    return [
        Operator(
            id=one.id,
            key=one.key,
            addresses=sorted(one.addresses),
            user_agents=one.agents,
            accounts=sorted(one.accounts),
            first_seen=format_utc(one.first_seen),
            last_seen=format_utc(one.last_seen),
            planted=[b.id for b in backdoors if b.planted_by == one.id],
            used=[b.id for b in backdoors if one.id in b.used_by],
            probed=[b.id for b in backdoors if one.id in b.probed_by],
            actions=_actions(one, findings),
            merged_because=sorted(one.because),
            rival=rival.get(one.id),
        )
        for one in groups
    ]


def _actions(one: Group, findings: list[Finding]) -> list[Action]:
    """List what this operator did, each finding once, at this operator's own first time in it."""
    first: dict[int, str] = {}
    for event in one.events:
        for at in sorted(event.findings):
            if findings[at].grade != "attempt":
                first.setdefault(at, format_utc(event.time))
    return [
        Action(
            at=when,
            what=findings[at].title,
            technique=next(iter(findings[at].techniques), ""),
            finding_id=findings[at].id,
        )
        for at, when in sorted(first.items(), key=lambda item: (moment(item[1]), item[0]))
    ]


def _notes(
    groups: Sequence[Group],
    hubs: Sequence[Hub],
    folded: Folded,
    lives: Sequence[Life],
) -> list[str]:
    """Write what a reader must know: hubs, operators without address, rows left out."""
    notes: list[str] = []
    paths = {life.implant.path for life in lives}
    for hub in sorted(hubs, key=lambda h: h.key):
        value = hub.key.value[:120]
        if hub.key.kind == "address":
            who = [one.id for one in groups if value in one.addresses]
            tail = f"; {who[0]} may be more than one client" if who else ""
            notes.append(
                f"{value} brought {hub.rows} rows: a load balancer, NAT or probe rather than one "
                f"client, so nothing was joined through it{tail}."
            )
        elif hub.key.kind == "path" and value in paths:
            notes.append(
                f"{value} brought {hub.rows} rows and was capped: its requests are a lower bound."
            )
    notes += [
        f"{one.id} has no address: its rows name no client and no request that caused them was found."
        for one in groups
        if not one.addresses
    ]
    if folded.trusted:
        notes.append(f"{folded.trusted} rows of trusted addresses were left out.")
    return notes
