"""Rows -> events: one request is one event, however many logs wrote it down.

Rows of one request are joined by request id; without one, by client, path and status within two
seconds in another log or site. A row of the back end, whose client is a server, takes the client of
the request that caused it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from exopsy.correlation.addresses import Place, Places
from exopsy.correlation.findings import FindingIndex
from exopsy.correlation.gather import Gathered, Paths, is_back_end
from exopsy.correlation.meaning import NOTHING, Meaning, Meanings
from exopsy.schema.activity import Activity

SAME_REQUEST = timedelta(seconds=2)
_PURGE_EVERY = 20_000


class Touch(IntEnum):
    """What a request to an implant amounts to."""

    PROBE = 1
    LOOK = 2
    USE = 3


@dataclass(slots=True)
class Event:
    """One request, or one line of a log that is not about requests."""

    time: datetime
    last: datetime
    address: str
    """Client; "" = not known."""
    fallback: str = ""
    """A server's own address, should nobody else be found to have caused this."""
    is_internal: bool = False
    """Came from the host itself or another server."""
    user: str = ""
    agent: str = ""
    log: str = ""
    request_id: str = ""
    by_id: bool = False
    """Its rows were joined by request id."""
    path: str = ""
    """The implant that it touches."""
    touch: Touch | None = None
    meaning: Meaning = NOTHING
    """What its rules say."""
    findings: frozenset[int] = frozenset()
    """Positions in the list of findings."""
    sources: frozenset[str] = frozenset()
    """Logs and sites that wrote it down."""
    order: int = 0
    """Its place among the host's events."""


Spot = tuple[str, int]
"""Where a row lies: artifact and offset."""


@dataclass(slots=True)
class Folded:
    """Every event in order of time, and what was left out."""

    events: list[Event] = field(default_factory=list)
    trusted: int = 0
    """Events of trusted addresses, not kept."""
    placed: dict[Spot, Event] = field(default_factory=dict)
    """The events of the rows that were asked for."""


class _Lane:
    """Open events of one key; each source takes them in turn."""

    __slots__ = ("events", "taken")

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.taken: dict[str, int] = {}

    def take(self, row: Activity, source: str) -> Event | None:
        at = self.taken.get(source, 0)
        while at < len(self.events) and row.time - self.events[at].time > SAME_REQUEST:
            at += 1
        self.taken[source] = at
        for position in range(at, min(at + 8, len(self.events))):
            event = self.events[position]
            is_other = row.request_id and event.request_id and row.request_id != event.request_id
            if source not in event.sources and not is_other:
                if position == at:
                    self.taken[source] = at + 1
                return event
        return None

    def add(self, event: Event, source: str) -> None:
        if self.events and event.time - self.events[-1].time > SAME_REQUEST:
            self.events.clear()
            self.taken.clear()
        self.events.append(event)
        self.taken.setdefault(source, 0)


class _Folder:
    def __init__(self) -> None:
        self.out: list[Event] = []
        self._by_id: dict[str, Event] = {}
        self._lanes: dict[tuple[str, str, str, int | None], _Lane] = {}

    def join(self, row: Activity, address: str, source: str) -> tuple[Event, bool] | None:
        """Find the event that a row belongs to, and whether its request id says so."""
        if row.request_id and (event := self._by_id.get(row.request_id)):
            return event, True
        if not row.stem:
            return None
        # A row without client may belong to anybody's request; one with a client to its own or
        # to one whose client is not known yet.
        for who in (("own", address), ("nobody", "")) if address else (("anybody", ""),):
            lane = self._lanes.get((*who, row.stem, row.status))
            if lane and (event := lane.take(row, source)):
                return event, False
        return None

    def open(self, row: Activity, event: Event, source: str) -> None:
        self.out.append(event)
        if row.request_id:
            self._by_id[row.request_id] = event
        if row.stem:
            who = ("own", event.address) if event.address else ("nobody", "")
            for key in (who, ("anybody", "")):
                self._lanes.setdefault((*key, row.stem, row.status), _Lane()).add(event, source)
        if len(self.out) % _PURGE_EVERY == 0:
            self._lanes = {
                key: lane
                for key, lane in self._lanes.items()
                if row.time - lane.events[-1].time <= SAME_REQUEST
            }

    def note_id(self, event: Event, request_id: str) -> None:
        if request_id and not event.request_id:
            event.request_id = request_id
            self._by_id[request_id] = event


def fold(
    gathered: Gathered,
    meanings: Meanings,
    index: FindingIndex,
    implant_paths: Collection[str],
    places: Places,
    paths: Paths,
    ignored_tokens: Sequence[str] = (),
    asked: Collection[Spot] = (),
) -> Folded:
    """Turn rows, in order of time, into events in order of time; ``asked``: rows to be found again."""
    wanted = frozenset(implant_paths)
    tokens = frozenset(token.lower() for token in ignored_tokens)
    folder = _Folder()
    trusted = 0
    placed: dict[Spot, Event] = {}
    sources: dict[tuple[str, str], str] = {}
    for row in gathered.rows:
        place = _client(row, gathered, places)
        if place.is_trusted:
            trusted += 1
            continue
        event = _event(row, place, gathered, meanings.read(row), index)
        path = paths.read(row.stem) if row.stem else ""
        if path in wanted:
            event.path = path
            event.touch = judge_touch(row, event.meaning, tokens)
        source = sources.setdefault((row.log, row.site), f"{row.log}|{row.site}")
        joined = folder.join(row, event.address, source)
        if joined is None:
            event.sources = frozenset((source,))
            folder.open(row, event, source)
        else:
            _merge(joined[0], event, source, by_id=joined[1])
            folder.note_id(joined[0], row.request_id)
        if (spot := (row.artifact, row.offset)) in asked:
            placed[spot] = event if joined is None else joined[0]
    return Folded(folder.out, trusted, placed)


def judge_touch(row: Activity, meaning: Meaning, tokens: frozenset[str]) -> Touch:
    """Grade one request to an implant: used it, saw it, or knocked.

    A page that only answers is seen, not used: a GET counts as use when a rule says so and it
    carried something of the client's own in its query.
    """
    method = row.method.upper()
    if row.status == 200 and method in {"GET", "HEAD"}:
        is_asking = meaning.is_use and has_query(row.query, tokens)
        return Touch.USE if is_asking else Touch.LOOK
    if meaning.is_use or (row.status == 200 and method == "POST"):
        return Touch.USE
    return Touch.LOOK if row.status == 200 else Touch.PROBE


def has_query(query: str, tokens: frozenset[str]) -> bool:
    """Say whether a query holds more than what the server itself appends."""
    for piece in query.lstrip("?").replace(";", "&").split("&"):
        if piece not in {"", "-"} and piece.split("=", 1)[0].strip().lower() not in tokens:
            return True
    return False


def _client(row: Activity, gathered: Gathered, places: Places) -> Place:
    """Find whose row this is: the front end's client where the row's own is a server or a hub."""
    own = places.read(row.client)
    is_server = own.is_local or (is_back_end(row) and own.is_private)
    is_server = is_server or own.address in gathered.servers
    if own.address and not is_server and not own.is_hub:
        return own
    for _, address in gathered.clients.get(row.request_id, ()) if row.request_id else ():
        other = places.read(address)
        if not other.is_hub and other.address not in gathered.servers:
            return other
    return own


def _event(
    row: Activity,
    place: Place,
    gathered: Gathered,
    meaning: Meaning,
    index: FindingIndex,
) -> Event:
    is_internal = place.is_local or place.address in gathered.servers
    address = "" if is_internal else place.address
    return Event(
        time=row.time,
        last=row.time,
        address=address,
        fallback="" if place.is_local or address else place.address,
        is_internal=is_internal,
        user=person(row.user),
        agent="" if row.user_agent == "-" or is_internal else row.user_agent,
        log=row.log,
        request_id=row.request_id,
        meaning=meaning,
        findings=index.find(row, meaning.grades) if meaning.grades else frozenset(),
    )


def _merge(event: Event, other: Event, source: str, *, by_id: bool) -> None:
    event.last = max(event.last, other.last)
    event.address = event.address or other.address
    event.is_internal = event.is_internal and other.is_internal
    event.user = event.user or other.user
    event.agent = event.agent or other.agent
    event.by_id = event.by_id or by_id
    event.path = event.path or other.path
    if other.touch is not None:
        event.touch = max(event.touch or other.touch, other.touch)
    event.meaning |= other.meaning
    if not other.findings <= event.findings:
        event.findings |= other.findings
    if source not in event.sources:
        event.sources |= {source}


def person(user: str) -> str:
    """Return an account in lower case, or "" for what is nobody: machines, the system, pools, no user."""
    name = user.strip().lower()
    is_nobody = name in {"", "-", "system", "anonymous", "<null>"} or name.startswith(
        ("nt authority", "iis apppool")
    )
    is_nobody = is_nobody or name.endswith("apppool")  # events split domain and name
    return "" if is_nobody or name.endswith("$") or "$@" in name else name


def in_order(events: Iterable[Event]) -> list[Event]:
    """Sort events by time (ties stay in the order of their rows) and number them."""
    ordered = sorted(events, key=lambda event: event.time)
    for number, event in enumerate(ordered):
        event.order = number
    return ordered
