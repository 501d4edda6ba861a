"""Implants + operators -> the ledger: who planted each backdoor, who used it, who only knocked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from exopsy.core.clock import format_utc
from exopsy.correlation.events import Event, Touch
from exopsy.correlation.findings import NEVER, Owners, identity, ids, moment
from exopsy.correlation.implants import Implant
from exopsy.correlation.operators import CMDLET_WINDOW, Group
from exopsy.schema.case import Backdoor, Finding

_SLACK = timedelta(seconds=5)


@dataclass(slots=True)
class Life:
    """What the events say of one implant."""

    implant: Implant
    uses: int = 0
    first_use: datetime | None = None
    last_use: datetime | None = None
    first_answer: datetime | None = None
    """The first time it was there: an answered look or a use."""
    first_user: str = ""
    used_by: set[str] = field(default_factory=set)
    probed_by: set[str] = field(default_factory=set)

    def note(self, event: Event, operator: str, *, touch: Touch) -> None:
        """Take in one event."""
        if touch is not Touch.PROBE and (not self.first_answer or event.time < self.first_answer):
            self.first_answer = event.time
        if touch is not Touch.USE:
            if operator:
                self.probed_by.add(operator)
            return
        self.uses += 1
        if self.first_use is None or event.time < self.first_use:
            self.first_use, self.first_user = event.time, operator
        self.last_use = max(self.last_use or event.last, event.last)
        if operator:
            self.used_by.add(operator)


def live(
    implants: Sequence[Implant],
    groups: Sequence[Group],
    events: Sequence[Event],
    findings: Sequence[Finding],
) -> list[Life]:
    """Follow every implant through all events (each in one group, or in none)."""
    lives = [Life(implant) for implant in implants]
    by_path = {life.implant.path: life for life in lives if life.implant.is_url}
    by_finding: dict[int, list[Life]] = {}
    positions = {id(finding): at for at, finding in enumerate(findings)}
    for life in lives:
        planting = {id(finding) for finding in life.implant.planting}
        for finding in life.implant.naming:
            if id(finding) in planting:
                continue  # what makes it is not yet a use of it
            if not life.implant.is_url and finding.grade == "use":
                by_finding.setdefault(positions[id(finding)], []).append(life)
    owners = {id(event): one.id for one in groups for event in one.events}
    for event in events:
        owner = owners.get(id(event), "")
        if event.touch is not None and event.path in by_path:
            by_path[event.path].note(event, owner, touch=event.touch)
        for at in sorted(event.findings & by_finding.keys()):
            for life in by_finding[at]:
                life.note(event, owner, touch=Touch.USE)
    for life in lives:
        _fill_from_findings(life)
        life.probed_by -= life.used_by
    return lives


def _fill_from_findings(life: Life) -> None:
    """Where no row was left to count, a use is known from its finding alone."""
    if life.uses:
        return
    planting = {id(finding) for finding in life.implant.planting}
    for finding in life.implant.naming:
        first, last = moment(finding.first_seen), moment(finding.last_seen)
        if id(finding) not in planting and finding.grade == "use" and first is not NEVER:
            life.uses += finding.count
            life.first_use = min(life.first_use or first, first)
            life.last_use = max(life.last_use or last, last)
            life.first_answer = min(life.first_answer or first, first)


class Planters:
    """Says who made an implant."""

    def __init__(
        self,
        groups: Sequence[Group],
        owners: Owners,
    ) -> None:
        """Remember when each operator had an effect of a chain, and whose each finding is."""
        self._owners = owners
        self._placed = {one.id for one in groups if one.addresses}
        self._successes = [
            (one.id, [e.time for e in one.events if e.meaning.success_chains]) for one in groups
        ]
        self._successes = [(operator, times) for operator, times in self._successes if times]

    def find(self, life: Life) -> tuple[datetime | None, str | None]:
        """Return when and by whom; a planting finding decides, else the order of events.

        Of planting findings close together, one whose operator has an address says by whom: the
        others tell the same from inside the machine. Where only these do, it is the one operator
        who came in by a chain within the minutes before.
        """
        born = life.first_answer
        planting = [f for f in life.implant.planting if moment(f.first_seen) is not NEVER]
        planting.sort(key=lambda f: (moment(f.first_seen), f.key, f.id))
        for finding in planting:
            at = moment(finding.first_seen)
            if born is None or at <= born + _SLACK:
                near = [f for f in planting if at <= moment(f.first_seen) <= at + CMDLET_WINDOW]
                return at, self._by_whom(near, at)
        return (None, None) if born is None else self._by_time(life, born)

    def _by_whom(self, planting: Sequence[Finding], at: datetime) -> str | None:
        owners = [self._owners.get(identity(finding), ()) for finding in planting]
        sure = [who[0] for who in owners if len(who) == 1]
        placed = [who for who in sure if who in self._placed]
        if placed:
            return placed[0] if len(set(placed)) == 1 else None
        if len(owners[0]) != 1:
            return None
        # seen from inside the machine only: the one operator who had just come in
        came = {
            operator
            for operator, times in self._successes
            if operator in self._placed
            and any(at - CMDLET_WINDOW <= time <= at + _SLACK for time in times)
        }
        return came.pop() if len(came) == 1 else sure[0]

    def _by_time(self, life: Life, born: datetime) -> tuple[datetime | None, str | None]:
        latest: dict[str, datetime] = {}
        for operator, times in self._successes:
            before = [time for time in times if time <= born]
            if before:
                latest[operator] = max(before)
        if not latest:
            return None, None
        last = max(latest.values())
        nearest = [operator for operator, time in latest.items() if time == last]
        is_sure = len(nearest) == 1 and (nearest[0] == life.first_user or len(self._successes) == 1)
        return (last, nearest[0]) if is_sure else (None, None)


def ledger(lives: Sequence[Life], planters: Planters) -> list[Backdoor]:
    """Write the backdoors, numbered by first sign (planting, else first answer), then key."""
    entries: list[tuple[datetime, Backdoor]] = []
    for life in lives:
        planted_at, planted_by = planters.find(life)
        named = min((moment(f.first_seen) for f in life.implant.naming), default=NEVER)
        first = min(t for t in (planted_at, life.first_answer, named) if t is not None)
        entries.append((first, _backdoor(life, planted_at, planted_by)))
    entries.sort(key=lambda entry: (entry[0], entry[1].key))
    for number, (_, backdoor) in enumerate(entries, start=1):
        backdoor.id = f"B{number}"
    return [backdoor for _, backdoor in entries]


def _backdoor(life: Life, planted_at: datetime | None, planted_by: str | None) -> Backdoor:
    implant = life.implant
    return Backdoor(
        id="",
        key=implant.key,
        kind=implant.kind,
        path=implant.path,
        file=implant.file,
        planted_at=None if planted_at is None else format_utc(planted_at),
        planted_by=planted_by,
        first_use=None if life.first_use is None else format_utc(life.first_use),
        last_use=None if life.last_use is None else format_utc(life.last_use),
        requests=life.uses,
        used_by=_numeric(life.used_by),
        probed_by=_numeric(life.probed_by),
        finding_ids=ids(implant.naming),
    )


def _numeric(names: set[str]) -> list[str]:
    return sorted(names, key=lambda name: (len(name), name))
