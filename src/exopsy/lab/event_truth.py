"""The intrusion's records that are left in event logs -> what an examination of them should say.

Judged by what the records are, as the field notes tell, never by the rules. What was cleared, or
written before the oldest record, is in nobody's answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from exopsy.lab.event_kind import Event
from exopsy.lab.truth import TruthEvent, TruthLeft
from exopsy.schema.case import BackdoorKind

EVERYDAY = frozenset(("page-compiled", "page-failed", "oab-restart", "identity-used"))
"""What innocent servers log too: nobody can be asked to notice it by itself."""
_CHAINS = {
    ("viewstate-sent", 1316): "viewstate-machinekey",
    ("ecp-background", 4): "proxylogon",
    ("oab-external-url", 1): "proxylogon",
}
_LEFT: dict[tuple[str, int], tuple[BackdoorKind, str]] = {
    ("account-created", 4720): ("account", "TargetUserName"),
    ("task-created", 4698): ("scheduled-task", "TaskName"),
    ("task-created", 200): ("scheduled-task", "TaskName"),
    ("service-installed", 7045): ("service", "ServiceName"),
    ("module-installed", 29): ("iis-module", "NewValue"),
    ("module-installed", 7): ("iis-module", "ImageLoaded"),
    ("threat-found", 1116): ("web-shell", "Path"),
    ("threat-found", 1117): ("web-shell", "Path"),
    ("page-written", 11): ("web-shell", "TargetFilename"),
    ("oab-external-url", 1): ("oab-external-url", ""),
}
"""What a kind of record says was left behind, and the field that names it."""
_STARTS = 1
_DOES = frozenset((3, 10, 11))
"""Sysmon's events of a process: its start, and what it does."""
_ONE_PROCESS = frozenset(("memory-read", "tunnel", "archive-staged"))
_ROOTS = (
    ("c:\\inetpub\\wwwroot\\", "/"),
    ("c:\\program files\\microsoft\\exchange server\\v15\\frontend\\httpproxy\\", "/"),
)


def name_left(event: Event, what: str) -> str | None:
    """Return the name that a record gives to what was left behind; None where it names nothing."""
    found = _LEFT.get((what, event.kind.event_id))
    if found is None:
        return None
    if not found[1]:  # a cmdlet: its parameters are the second of its strings
        identity = re.search(r'-Identity "([^"]+)"', str(event.values[1]))
        return identity[1] if identity else None
    names = [name for name, _ in event.kind.fields]
    return _url_of(str(event.values[names.index(found[1])]))


def observables(events: Sequence[TruthEvent]) -> list[str]:
    """Return the words of what should be noticed."""
    return sorted({event.what for event in events} - EVERYDAY)


def trees(events: Sequence[TruthEvent]) -> list[str]:
    """Return the words of what one process did, where its start and a deed of it are told."""
    seen = {
        (e.what, e.event_id) for e in events if e.channel.startswith("Microsoft-Windows-Sysmon")
    }
    started = {what for what, number in seen if number == _STARTS}
    done = {what for what, number in seen if number in _DOES}
    return sorted(started & done & _ONE_PROCESS)


def chains(events: Sequence[TruthEvent]) -> list[str]:
    """Return the chains of which an effect is told."""
    told = (_CHAINS.get((event.what, event.event_id)) for event in events)
    return sorted({chain for chain in told if chain is not None})


def left(events: Sequence[TruthEvent]) -> list[TruthLeft]:
    """Return what was left behind; names of one deed are names of one thing."""
    names: dict[tuple[str, BackdoorKind], set[str]] = {}
    for event in events:
        found = _LEFT.get((event.what, event.event_id))
        if found is not None and event.name is not None:
            names.setdefault((event.what, found[0]), set()).add(event.name)
    return [TruthLeft(kind=kind, names=sorted(found)) for (_, kind), found in sorted(names.items())]


def _url_of(name: str) -> str:
    path = name.removeprefix("file:_")
    for root, url in _ROOTS:
        if path.lower().startswith(root):
            return url + path[len(root) :].replace("\\", "/")
    return path
