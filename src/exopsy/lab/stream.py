"""Noise and plan, minute by minute -> lines in the log files.

The only hot loop of the lab. Nothing is formatted per line but what differs per line; dates and
times are strings made once a minute.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Callable
from datetime import date, timedelta

from exopsy.lab.event_side import EventSide
from exopsy.lab.noise import HOURS, WEEKEND, Noise
from exopsy.lab.plan import DAY, Plan
from exopsy.lab.server import Build
from exopsy.lab.template import EVENTS, Template
from exopsy.lab.writer import PROTOCOLS, LogTree

SECONDS = tuple(f"{s:02}" for s in range(60))
MILLISECONDS = tuple(f".{m:03}Z" for m in range(1000))
HEARTBEATS = 2
"""Probes of every protocol in every hour at least, so that a small lab's hours have all logs."""
TORN_SHARE = 0.008
"""Hourly HttpProxy files that end with a row cut short."""

Emit = Callable[[Template, str, str, int], None]


def emitter(tree: LogTree, rng: random.Random, events: list[str] | None = None) -> Emit:
    """Return the function that adds a request's lines: template, IIS minute, ISO minute, ms.

    What event logs would say of it is added to ``events``, if given.
    """
    pending = {name: file.pending for name, file in tree.files.items()}
    if events is not None:
        pending[EVENTS] = events
    front, back = pending["front"].append, pending.get("back", []).append
    proxies = {p: pending[p].append for p in PROTOCOLS}
    bits, uniform = rng.getrandbits, rng.random

    def emit(template: Template, iis: str, iso: str, ms: int) -> None:
        line, joined, protocol, proxy, behind, took, more, extras = template
        second = SECONDS[ms // 1000]
        h = f"{bits(128):032x}"
        request_id = f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
        took += int(uniform() * more)
        stamp = iis + second
        if joined:
            front(line % (stamp, request_id, took))
            exact = iso + second + MILLISECONDS[ms % 1000]
            size = bits(14)
            proxies[protocol](proxy % (exact, request_id, size >> 3, size, took, exact, exact))
            if behind:
                back(behind % (stamp, request_id, took))
        elif line:
            front(line % (stamp, took))
        if extras:
            values = {
                "t": iso + second + MILLISECONDS[ms % 1000],
                "g": f"{h[20:28]}-{h[:4]}-{h[4:8]}-{h[8:12]}-{h[12:24]}",
                "n": took,
            }
            for sink, text in extras:
                if sink in pending:
                    pending[sink].append(text % values)

    return emit


class Stream:
    """Writes a lab's days to a tree."""

    def __init__(
        self,
        tree: LogTree,
        plan: Plan,
        rng: random.Random,
        make_noise: Callable[[Build], Noise],
        requests_per_day: int,
        events: EventSide | None = None,
    ) -> None:
        self._tree, self._plan, self._rng, self._event_side = tree, plan, rng, events
        self._make_noise, self._rate = make_noise, requests_per_day / 1440
        self._emit = emitter(tree, rng, events.heard if events else None)
        self._build = plan.build_at(plan.visible_from)
        self.noise = make_noise(self._build)
        self._events = sorted(
            e[:2] + e[2:] for e in plan.events if plan.visible_from <= e[0] < plan.days * DAY
        )
        self._next = 0
        self._carry = 0.0

    def write(self) -> None:
        """Write every day that is visible."""
        first = int(self._plan.visible_from // DAY)
        for number in range(first, self._plan.days):
            day = self._plan.start + timedelta(days=number)
            restart = (
                self._rng.randrange(60, 1380)
                if number == first or self._rng.random() < 0.35
                else -1
            )
            self._day(day, number * DAY, restart, is_first=number == first)
            if self._event_side:
                self._event_side.day(number)
        self._tree.close()

    def _day(self, day: date, begin: float, restart: int, *, is_first: bool) -> None:
        workload = WEEKEND if day.weekday() >= 5 else 1.0
        for hour in range(24):
            weight = workload * HOURS[hour]
            beats = self._beats()
            for minute in range(60):
                at = begin + hour * 3600 + minute * 60
                clock = f"{hour:02}:{minute:02}:"
                self._minute(
                    at,
                    f"{day.isoformat()} {clock}",
                    f"{day.isoformat()}T{clock}",
                    weight,
                    beats.get(minute, []),
                )
                if hour * 60 + minute == restart:
                    self._tree.restart(f"{day.isoformat()}T{clock}59.999Z", self._build)
            self._tear(f"{day.isoformat()}T{hour:02}:59:59.871Z", forced=is_first and hour == 3)

    def _beats(self) -> dict[int, list[Template]]:
        """Choose this hour's guaranteed probes and their minutes."""
        beats: dict[int, list[Template]] = {}
        for made in self.noise.heartbeats.values():
            for number in range(HEARTBEATS):
                template = made[-1] if number else self._rng.choice(made)
                beats.setdefault(self._rng.randrange(60), []).append(template)
        return beats

    def _minute(self, at: float, iis: str, iso: str, weight: float, beats: list[Template]) -> None:
        build = self._plan.build_at(at)
        if build != self._build:
            # an update restarts every service
            self._build, self.noise = build, self._make_noise(build)
            self._tree.restart(f"{iso}00.000Z", build)
        kinds, cumulative, total = self.noise.pool(weight)
        self._carry += self._rate * total
        count = int(self._carry)
        self._carry -= count
        uniform, emit = self._rng.random, self._emit
        chosen = []
        for _ in range(count):
            templates = kinds[min(bisect(cumulative, uniform() * total), len(kinds) - 1)]
            chosen.append((int(uniform() * 60000), templates[int(uniform() * len(templates))]))
        chosen += [(int(uniform() * 60000), template) for template in beats]
        events = self._events
        while self._next < len(events) and events[self._next][0] < at + 60:
            when, _, template = events[self._next]
            chosen.append((int((when - at) * 1000), template))
            self._next += 1
        chosen.sort(key=_millisecond)
        for ms, template in chosen:
            emit(template, iis, iso, ms)
        if chosen:
            first = chosen[0][0]
            self._tree.flush(iso + SECONDS[first // 1000] + MILLISECONDS[first % 1000], build)

    def _tear(self, stamp: str, *, forced: bool) -> None:
        """Let the worker process of a protocol be killed in the middle of a row."""
        for protocol in PROTOCOLS:
            if self._rng.random() < TORN_SHARE or (forced and protocol == "Owa"):
                template = self.noise.heartbeats[protocol][0]
                row = template.proxy % (
                    stamp,
                    f"{self._rng.getrandbits(32):08x}-19b4-4e0c",
                    1,
                    1,
                    1,
                    "",
                    "",
                )
                self._tree.files[protocol].tear(row[: self._rng.randrange(20, 180)])


def _millisecond(item: tuple[int, Template]) -> int:
    return item[0]
