"""The event-log half of a lab: noise, what the text logs' requests caused, and the aftermath.

It has random numbers of its own, so the text logs are the same with and without it. Event logs
outlive text logs: days whose text logs are gone are told here too.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from pathlib import Path

from exopsy.lab.event_aftermath import BEHAVIOURS, Aftermath
from exopsy.lab.event_host import POWERSHELL_POOL, EventHost, pool_of
from exopsy.lab.event_kind import Event
from exopsy.lab.event_kinds import SYSMON
from exopsy.lab.event_logs import EventLogs
from exopsy.lab.event_noise import EventNoise
from exopsy.lab.event_story import EventStory
from exopsy.lab.noise import HOURS, WEEKEND, Noise
from exopsy.lab.plan import DAY, Plan
from exopsy.lab.server import guid
from exopsy.lab.template import EVENTS, Template, read_moment
from exopsy.lab.truth import TruthEventLogs

Deed = tuple[float, str, tuple[str, ...]]
FIRST_MITIGATING = 2375
"""The first build (of 15.1) that has the mitigation service."""
CLEARABLE = ("Security", "Windows PowerShell", "MSExchange Management")


class EventSide:
    """Writes the event logs of a lab, a day at a time."""

    def __init__(
        self,
        root: Path,
        plan: Plan,
        rng: random.Random,
        *,
        requests_per_day: int,
        scale: float,
        has_sysmon: bool,
    ) -> None:
        self.heard: list[str] = []
        """What the stream of text logs wrote down for event logs since the last day."""
        self._plan, self._rng, self._has_sysmon = plan, rng, has_sysmon
        start = plan.start
        self._begin = datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp()
        host = EventHost(plan.server, rng, self._begin)
        self._logs = EventLogs(root, plan.server.fqdn)
        self._noise = EventNoise(
            host,
            requests_per_day=requests_per_day,
            scale=scale,
            has_mitigation_service=int(plan.builds[0][1].parts[2]) >= FIRST_MITIGATING,
        )
        self._story = EventStory(host, plan.ranges.shell_commands, rng)
        self._aftermath = Aftermath(host, self._story)
        self._rate = requests_per_day
        # deeds and what follows from them, by day
        self._later: dict[int, list[Deed]] = {}
        for at, name, values in (*plan.deeds, *self._draw_aftermath()):
            self._later.setdefault(int(at // DAY), []).append((at, name, values))

    def hidden(self, noise: Noise) -> None:
        """Write the days before the first that has text logs."""
        for number in range(int(self._plan.visible_from // DAY)):
            begin = number * DAY
            for at, _, template in sorted(self._plan.events, key=lambda e: e[:2]):
                if begin <= at < begin + DAY:
                    self._hear(at, template)
            for template in noise.cmdlets(self._rng, self._rate):
                self._hear(begin + self._rng.uniform(0, DAY), template)
            self.day(number)

    def day(self, number: int) -> None:
        """Write a day, with what was heard of it."""
        begin = self._begin + number * DAY
        day = date.fromordinal(self._plan.start.toordinal() + number)
        workload = WEEKEND if day.weekday() >= 5 else 1.0
        for hour, weight in enumerate(HOURS):
            for event in self._noise.hour(begin + hour * 3600, workload * weight):
                self._hold(event)
        for text in self.heard:
            for event, what, activity in self._story.tell(read_moment(text)):
                self._hold(event, what, activity)
        self.heard.clear()
        for at, name, values in sorted(self._later.get(number, [])):
            self._do(self._begin + at, name, values)
        self._logs.flush(begin + DAY)

    def close(self) -> TruthEventLogs:
        """Close the logs and say what they hold."""
        return self._logs.close()

    def _hold(self, event: Event, what: str = "", activity: str = "") -> None:
        if event.kind.channel != SYSMON or self._has_sysmon:
            self._logs.hold(event, what, activity)

    def _hear(self, at: float, template: Template) -> None:
        """Tell of a request that no text log shows any more."""
        moment = datetime.fromtimestamp(self._begin + at, UTC)
        stamp = moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        values = {"t": stamp, "g": guid(self._rng), "n": template.took_from + 40}
        self.heard += [text % values for sink, text in template.extras if sink == EVENTS]

    def _do(self, at: float, name: str, values: tuple[str, ...]) -> None:
        if name == "cleared":
            (channel,) = values
            self._hold(self._aftermath.cleared(channel, at), "log-cleared")
        elif name in BEHAVIOURS:
            pool, address = values
            for event in self._aftermath.make(name, at, pool, address):
                self._hold(event, name)
        else:
            for event, what, activity in self._story.deed(at, name, values):
                self._hold(event, what, activity)

    def _draw_aftermath(self) -> list[Deed]:
        """Draw what is done later, soon after some use of what was planted."""
        rng = self._rng
        made: list[Deed] = []
        for backdoor in self._plan.backdoors:
            uses = sorted((at, who.addresses[0]) for at, who, used in backdoor.requests if used)
            if not uses:
                continue
            pool = POWERSHELL_POOL
            if backdoor.kind == "web-shell":
                pool = pool_of(backdoor.path)
            for behaviour in rng.sample(BEHAVIOURS, rng.randint(2, 4)):
                at, address = rng.choice(uses)
                made.append((at + rng.uniform(1.0, 20.0), behaviour, (pool, address)))
            if rng.random() < 0.3:
                at, _ = uses[-1]
                made.append((at + rng.uniform(30.0, 90.0), "cleared", (rng.choice(CLEARABLE),)))
        return made
