"""Events -> operators: whose activity is whose, and what made two addresses one.

An operator exists for every address with an effect on this server and for every address that asked
for a backdoor that exists. Lines without an address are given to the request, the chain or the
account that they belong to; what is left is an operator without an address.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from exopsy.correlation.addresses import Places
from exopsy.correlation.causes import Causes
from exopsy.correlation.events import Event, Touch
from exopsy.correlation.gather import Gathered, plain_agent
from exopsy.correlation.implants import CMDLET_LOGS, short_hash
from exopsy.schema.event import EVENT_LOG

CMDLET_WINDOW = timedelta(minutes=10)
INTERNAL_WINDOW = timedelta(seconds=60)
EFFECT_WINDOW = timedelta(seconds=5)
"""Between a request and what it does on the machine."""
_AGENTS_KEPT = 50


@dataclass(slots=True)
class Group:
    """One operator in the making."""

    addresses: set[str] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    """In order of time, once grouped."""
    because: set[str] = field(default_factory=set)
    id: str = ""

    @property
    def first_seen(self) -> datetime:
        """Time of its first event."""
        return self.events[0].time

    @property
    def last_seen(self) -> datetime:
        """Time of its last event."""
        return max(event.last for event in self.events)

    @property
    def agents(self) -> list[str]:
        """User agents, sorted, bounded; of several spellings of one, the one with its commas."""
        spelled: dict[str, str] = {}
        for agent in {event.agent for event in self.events if event.agent}:
            plain = plain_agent(agent)
            spelled[plain] = max(
                spelled.get(plain, ""), agent, key=lambda text: ("," in text, text)
            )
        return sorted(spelled.values())[:_AGENTS_KEPT]

    @property
    def key(self) -> str:
        """Identity: of addresses, accounts and first time."""
        return short_hash(
            "|".join(sorted(self.addresses)),
            "|".join(sorted(self.accounts)),
            self.first_seen.isoformat(),
        )


def group(
    events: Sequence[Event],
    gathered: Gathered,
    places: Places,
    causes: Causes | None = None,
) -> list[Group]:
    """Group events (in order of time) into operators, numbered by first event, then key.

    An event without an address that nothing else gives to anybody is its cause's owner's.
    """
    groups: dict[str, Group] = {}
    homeless: list[Event] = []
    for event in events:
        if not event.address:
            homeless.append(event)
            continue
        one = groups.setdefault(event.address, Group({event.address}))
        one.events.append(event)
        if event.user and event.meaning.grades:
            one.accounts.add(event.user)
    merged = _merge(groups, gathered, places)
    merged += _place_homeless(homeless, merged, causes or {})
    for one in merged:
        one.events.sort(key=lambda event: event.order)
    merged.sort(key=lambda g: (g.first_seen, g.key))
    for number, one in enumerate(merged, start=1):
        one.id = f"O{number}"
    return merged


def _merge(groups: dict[str, Group], gathered: Gathered, places: Places) -> list[Group]:
    """Unite addresses that are one operator's; hubs are never united with anything."""
    root = {address: address for address in groups}

    def find(address: str) -> str:
        while root[address] != address:
            root[address] = root[root[address]]
            address = root[address]
        return address

    because: list[tuple[str, str]] = []
    for reason, addresses in _reasons(groups, gathered, places):
        alone = [a for a in addresses if a in groups and not places.read(a).is_hub]
        for one, other in pairwise(alone):
            root[max(find(one), find(other))] = min(find(one), find(other))
        if len(alone) > 1:
            because.append((alone[0], f"{', '.join(_bounded(alone))}: {reason}"))
    merged: dict[str, Group] = {}
    for address in sorted(groups):
        into = merged.setdefault(find(address), Group())
        into.addresses |= groups[address].addresses
        into.accounts |= groups[address].accounts
        into.events += groups[address].events
    for address, sentence in because:
        merged[find(address)].because.add(sentence)
    return list(merged.values())


def _bounded(values: list[str], most: int = 8) -> list[str]:
    return values if len(values) <= most else [*values[:most], f"and {len(values) - most} more"]


def _reasons(
    groups: dict[str, Group], gathered: Gathered, places: Places
) -> list[tuple[str, list[str]]]:
    """List what speaks for one operator behind several addresses, each with a sentence."""
    by_agent: dict[tuple[str, str, str], set[str]] = {}
    by_account: dict[str, set[str]] = {}
    for address, one in groups.items():
        network = places.read(address).network
        for account in one.accounts:
            by_account.setdefault(account, set()).add(address)
        for event in one.events:
            agent = plain_agent(event.agent) if event.path else ""
            if agent and gathered.agent_networks.get(agent) == {network}:
                by_agent.setdefault((network, event.path, agent), set()).add(address)
    out = [
        (f"same user agent, which no other network sent ({a[:120]}), on {p}, from {n}", sorted(who))
        for (n, p, a), who in by_agent.items()
    ]
    out += [(f"same account, {a[:120]}", sorted(who)) for a, who in by_account.items()]
    for request_id, pairs in gathered.clients.items():
        who = {address for _, address in pairs} - gathered.servers
        if len(who) > 1:
            out.append((f"same request id, {request_id[:40]}", sorted(who)))
    return sorted((reason, who) for reason, who in out if len(who) > 1)


class _Near:
    """Finds the group with an effect of a chain nearest to a moment."""

    def __init__(self, groups: list[Group], *, only_success: bool) -> None:
        self._times: dict[str, list[tuple[datetime, str, int]]] = {}
        for number, one in enumerate(groups):
            lowest = min(one.addresses)
            for event in one.events:
                meaning = event.meaning
                for chain in meaning.success_chains if only_success else meaning.chains:
                    self._times.setdefault(chain, []).append((event.time, lowest, number))
        for times in self._times.values():
            times.sort()

    def find(self, event: Event, chains: Iterable[str], window: timedelta) -> int | None:
        best: tuple[timedelta, str, int] | None = None
        for chain in sorted(chains):
            times = self._times.get(chain, [])
            at = bisect_left(times, (event.time, "", -1))
            for when, lowest, number in times[max(at - 1, 0) : at + 1]:
                distance = abs(when - event.time)
                if distance <= window and (best is None or (distance, lowest, number) < best):
                    best = (distance, lowest, number)
        return None if best is None else best[2]


class _Requests:
    """Finds the group whose request can have caused something on the machine."""

    def __init__(self, groups: list[Group]) -> None:
        self._times = sorted(
            (event.time, number)
            for number, one in enumerate(groups)
            for event in one.events
            if event.touch is Touch.USE or event.meaning.success_chains or event.meaning.is_use
        )

    def find(self, event: Event) -> int | None:
        """Return the only group that acted around that time; None where there are several."""
        at = bisect_left(self._times, (event.time - EFFECT_WINDOW, -1))
        owners = set()
        while at < len(self._times) and self._times[at][0] <= event.time + EFFECT_WINDOW:
            owners.add(self._times[at][1])
            at += 1
        return owners.pop() if len(owners) == 1 else None


def _place_homeless(
    homeless: list[Event], groups: list[Group], known_causes: Causes
) -> list[Group]:
    """Give events without an address to a group; return new groups for those left over."""
    by_success = _Near(groups, only_success=True)
    by_any = _Near(groups, only_success=False)
    requests = _Requests(groups)
    owned = {event.order: number for number, one in enumerate(groups) for event in one.events}
    accounts: dict[str, set[int]] = {}
    homes = {address: number for number, one in enumerate(groups) for address in one.addresses}
    for number, one in enumerate(groups):
        for account in one.accounts:
            accounts.setdefault(account, set()).add(number)
    placed: list[tuple[int, Event]] = []
    alone: dict[tuple[str, str], Group] = {}
    left: dict[int, tuple[str, str]] = {}
    for event in homeless:
        cause = known_causes.get(event.order)
        chains = event.meaning.chains
        if event.is_internal:
            owner = by_any.find(event, chains, INTERNAL_WINDOW)
        else:
            owner = by_success.find(event, chains, CMDLET_WINDOW)
        known = accounts.get(event.user, set()) if event.user else set()
        if owner is None and len(known) == 1:
            owner = min(known)
        if owner is None and event.fallback:
            owner = homes.get(event.fallback)
        if owner is None and event.log == EVENT_LOG and not event.user:
            owner = requests.find(event)
        if owner is None and cause is not None:
            owner = owned.get(cause.event.order)
        if owner is not None:
            placed.append((owner, event))
            owned[event.order] = owner
        elif event.meaning.grades or event.touch is Touch.USE:
            name = left.get(cause.event.order) if cause is not None else None
            left[event.order] = _leave_alone(alone, event, name)
    for owner, event in placed:
        groups[owner].events.append(event)
        if event.user and event.log in CMDLET_LOGS:
            groups[owner].accounts.add(event.user)
    return [alone[name] for name in sorted(alone)]


def _leave_alone(
    alone: dict[tuple[str, str], Group], event: Event, name: tuple[str, str] | None
) -> tuple[str, str]:
    """File an event where its cause is, or under its account, a server's address, or nobody at all."""
    if name is None:
        name = (event.user, "" if event.user else event.fallback)
    one = alone.setdefault(name, Group())
    one.events.append(event)
    if event.user:
        one.accounts.add(event.user)
    elif event.fallback:
        one.addresses.add(event.fallback)
    return name


def rivals(groups: Sequence[Group], gathered: Gathered, places: Places) -> dict[str, str]:
    """Pair operators with one rare user agent between them but no network in common.

    Rare: on this host two networks sent it and no third. The first such pair of an operator counts.
    """
    by_agent: dict[str, list[Group]] = {}
    for one in groups:
        for agent in map(plain_agent, one.agents):
            if len(gathered.agent_networks.get(agent, ())) == 2:
                by_agent.setdefault(agent, []).append(one)
    out: dict[str, str] = {}
    for agent in sorted(by_agent):
        pair = by_agent[agent]
        networks = [{places.read(a).network for a in one.addresses} for one in pair]
        if len(pair) == 2 and not networks[0] & networks[1]:
            out.setdefault(pair[0].id, pair[1].id)
            out.setdefault(pair[1].id, pair[0].id)
    return out
