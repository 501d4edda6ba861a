"""Activities in any order -> the rows that the story is made of, and what joins them.

One pass. Kept are rows that a rule graded success or use, and rows that touch an implant; of all
others only the request id, the client and the user agent are remembered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from exopsy.correlation.addresses import Places
from exopsy.correlation.implants import url_path
from exopsy.correlation.meaning import Meanings
from exopsy.schema.activity import Activity

BACK_END_SITE = "W3SVC2"
PROXY_LOG = "exchange-httpproxy"
_TOO_COMMON = 3


@dataclass(slots=True)
class Gathered:
    """What one pass over the activities leaves."""

    rows: list[Activity] = field(default_factory=list)
    """In order of time, artifact, offset."""
    clients: dict[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    """Request id -> (0 = front end, 1 = elsewhere; client address), sorted."""
    agent_networks: dict[str, set[str]] = field(default_factory=dict)
    """Plain user agent -> networks it came from; no more than ``_TOO_COMMON`` are remembered."""
    servers: set[str] = field(default_factory=set)
    """Private addresses that only the back end saw: Exchange servers, not clients."""


def plain_agent(agent: str) -> str:
    """Reduce a user agent to what every log agrees on: the proxy log writes commas as spaces."""
    return "" if agent == "-" else " ".join(agent.replace(",", " ").split())


class Paths:
    """``url_path`` with a memory: logs repeat few stems many times."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def read(self, stem: str) -> str:
        """Normalise a stem."""
        path = self._known.get(stem)
        if path is None:
            if len(self._known) > 200_000:
                self._known.clear()
            path = self._known[stem] = url_path(stem)
        return path


def is_back_end(row: Activity) -> bool:
    """Say whether this is a row of the site that only servers talk to."""
    return row.site.upper() == BACK_END_SITE


def is_front_end(row: Activity) -> bool:
    """Say whether this row's client is whoever connected from outside."""
    return row.log == PROXY_LOG or (row.log == "iis-w3c" and not is_back_end(row))


def row_order(row: Activity) -> tuple[datetime, str, int, int, tuple[str, ...], str]:
    """Order rows; of two copies of one row the one that matched more comes first."""
    return (row.time, row.artifact, row.offset, -len(row.rule_ids), row.rule_ids, row.log)


def gather(
    host: str,
    activities: Iterable[Activity],
    meanings: Meanings,
    implant_paths: Iterable[str],
    places: Places,
    paths: Paths,
) -> Gathered:
    """Read every activity of this host once."""
    out = Gathered()
    wanted = frozenset(implant_paths)
    back: set[str] = set()
    front: set[str] = set()
    agents: dict[str, str] = {}
    sites: dict[tuple[str, str], tuple[bool, bool]] = {}
    shared: dict[tuple[tuple[int, str], ...], tuple[tuple[int, str], ...]] = {}
    for row in activities:
        if row.host != host:
            continue
        if (row.rule_ids and meanings.read(row).grades) or (
            row.stem and wanted and paths.read(row.stem) in wanted
        ):
            out.rows.append(row)
        place = places.read(row.client)
        if not place.address or place.is_local:
            continue
        kind = (row.log, row.site)
        ends = sites.get(kind)
        if ends is None:
            ends = sites[kind] = (is_back_end(row), is_front_end(row))
        if ends[0]:
            if place.is_private:
                back.add(place.address)
            continue
        if ends[1]:
            front.add(place.address)
        if row.request_id:
            pair = (0 if ends[1] else 1, place.address)
            pairs = out.clients.get(row.request_id, ())
            if pair not in pairs:
                pairs = tuple(sorted((*pairs, pair)))
                out.clients[row.request_id] = shared.setdefault(pairs, pairs)
        if row.user_agent:
            agent = agents.get(row.user_agent)
            if agent is None:
                agent = agents[row.user_agent] = plain_agent(row.user_agent)
            networks = out.agent_networks.setdefault(agent, set())
            if len(networks) < _TOO_COMMON:
                networks.add(place.network)
    out.servers = back - front
    out.rows = _without_copies(sorted(out.rows, key=row_order))
    return out


def _without_copies(rows: list[Activity]) -> list[Activity]:
    kept: list[Activity] = []
    seen: tuple[object, ...] = ()
    for row in rows:
        identity = (row.time, row.artifact, row.offset, row.client, row.stem, row.what)
        if identity != seen:
            kept.append(row)
        seen = identity
    return kept
