"""An operator's events -> sessions: visits with no pause longer than thirty minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from exopsy.core.clock import format_utc
from exopsy.correlation.events import Event, Touch
from exopsy.correlation.operators import Group
from exopsy.schema.case import Session

SESSION_GAP = timedelta(minutes=30)


def sessions(groups: Sequence[Group], backdoor_ids: Mapping[str, str]) -> list[Session]:
    """Cut each operator's successes and uses into sessions, ordered by beginning.

    Args:
        groups: operators, events in order of time.
        backdoor_ids: path of an implant -> id of its backdoor.
    """
    out: list[tuple[datetime, int, Session]] = []
    for number, one in enumerate(groups):
        visit: list[Event] = []
        for event in one.events:
            if not event.meaning.grades and event.touch is not Touch.USE:
                continue
            if visit and event.time - max(visit[-1].time, visit[-1].last) > SESSION_GAP:
                out.append((visit[0].time, number, _session(one, visit, backdoor_ids)))
                visit = []
            visit.append(event)
        if visit:
            out.append((visit[0].time, number, _session(one, visit, backdoor_ids)))
    out.sort(key=lambda entry: entry[:2])
    return [session for _, _, session in out]


def _session(one: Group, visit: list[Event], backdoor_ids: Mapping[str, str]) -> Session:
    used = {
        backdoor_ids[event.path]
        for event in visit
        if event.touch is Touch.USE and event.path in backdoor_ids
    }
    return Session(
        operator_id=one.id,
        from_=format_utc(visit[0].time),
        to=format_utc(max(event.last for event in visit)),
        requests=len(visit),
        backdoor_ids=sorted(used, key=lambda name: (len(name), name)),
    )
