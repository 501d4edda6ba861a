"""Findings and events -> which two pieces of evidence speak of one event, and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import combinations

from exopsy.correlation.causes import Causes
from exopsy.correlation.events import Event
from exopsy.correlation.findings import NEVER, addresses_of, moment
from exopsy.correlation.implants import url_path
from exopsy.schema.case import Finding, Join

MOST = 200
_SECONDS = timedelta(seconds=5)
_WINDOW = timedelta(seconds=60)
_NEIGHBOURS = 4
_STRENGTHS = ("exact", "strong", "weak")


class _Joins:
    def __init__(self, findings: Sequence[Finding]) -> None:
        self._findings = findings
        self.found: dict[tuple[int, int], tuple[int, str]] = {}

    def add(self, one: int, other: int, strength: int, by: str, *, same_log: bool = False) -> None:
        """Note a pair of findings, usually of two logs; its strongest reason is kept."""
        a, b = sorted((one, other))
        if a != b and (same_log or self._findings[a].log != self._findings[b].log):
            known = self.found.get((a, b))
            self.found[a, b] = min((strength, by), known or (strength, by))

    def add_neighbours(self, positions: list[int], gap: timedelta, strength: int, by: str) -> None:
        """Note pairs among findings in order of time that begin within ``gap`` of each other."""
        begins = [moment(self._findings[p].first_seen) for p in positions]
        for at, one in enumerate(positions):
            for offset in range(at + 1, min(at + 1 + _NEIGHBOURS, len(positions))):
                if begins[at] is not NEVER and begins[offset] - begins[at] <= gap:
                    self.add(one, positions[offset], strength, by)


def joins(
    findings: Sequence[Finding], events: Sequence[Event], causes: Causes | None = None
) -> list[Join]:
    """Pair findings (in order of time); exact ones first, at most ``MOST``.

    Findings of one log are only paired by the tree of processes.

    Args:
        findings: of the host.
        events: of the host.
        causes: event -> the event whose process its own comes from.
    """
    out = _Joins(findings)
    by_id: dict[str, list[int]] = {}
    by_place: dict[tuple[str, str], list[int]] = {}
    by_chain: dict[str, list[int]] = {}
    for at, finding in enumerate(findings):
        for value in finding.keys.get("request_id", ()):
            by_id.setdefault(value.lower(), []).append(at)
        paths = {url_path(v) for v in finding.subject.values() if v.startswith("/")}
        for address in addresses_of(finding):
            for path in sorted(paths):
                by_place.setdefault((address, path), []).append(at)
        if finding.chain and finding.grade != "attempt":
            by_chain.setdefault(finding.chain, []).append(at)
    for positions in by_id.values():
        for one, other in combinations(positions[: 2 * _NEIGHBOURS], 2):
            out.add(one, other, 0, "request-id")
    for event in events:
        if len(event.findings) > 1 and len(event.sources) > 1:
            how = (0, "request-id") if event.by_id else (1, "address, path and time")
            for one, other in combinations(sorted(event.findings)[: 2 * _NEIGHBOURS], 2):
                out.add(one, other, *how)
    for event in events:
        cause = (causes or {}).get(event.order)
        if cause is not None:
            for one in sorted(cause.event.findings)[:_NEIGHBOURS]:
                for other in sorted(event.findings - cause.event.findings)[:_NEIGHBOURS]:
                    strength = 1 if cause.by_guid else 2
                    out.add(one, other, strength, "process-tree", same_log=True)
    for positions in by_place.values():
        out.add_neighbours(positions, _SECONDS, 1, "address, path and time")
    for positions in by_chain.values():
        out.add_neighbours(positions, _WINDOW, 2, "time-window")
    ordered = sorted((strength, pair, by) for pair, (strength, by) in out.found.items())
    return [
        Join(a=findings[a].id, b=findings[b].id, by=by, strength=_STRENGTHS[strength])  # type: ignore[arg-type]
        for strength, (a, b), by in ordered[:MOST]
    ]
