"""What is done to the server, in time order, and the ledger from which the truth is drawn.

A plan is made before any line is written. Every shell request goes through
``Plan.shell_request``, so that the truth counts exactly what the logs will hold; what falls
before ``visible_from`` (rotated logs) is neither written nor counted.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

from exopsy.lab.parameters import Ranges
from exopsy.lab.server import Build, Server
from exopsy.lab.template import Extra, Request, Template, compile_request, event_extra
from exopsy.lab.truth import TruthBackdoor, TruthChain, TruthHost, TruthOperator
from exopsy.schema.case import BackdoorKind, Conclusion, Grade

DAY = 86_400.0


class Operator:
    """One party: an id, its addresses and its tool."""

    def __init__(self, name: str, addresses: tuple[str, ...], agent: str) -> None:
        self.name, self.addresses, self.agent = name, addresses, agent
        self.acted_at: list[float] = []
        """When it did something other than ask for a shell."""


class Backdoor:
    """A backdoor of the plan with the requests for it."""

    def __init__(self, kind: BackdoorKind, path: str, planter: Operator, planted_at: float) -> None:
        self.kind, self.path, self.planter, self.planted_at = kind, path, planter, planted_at
        self.requests: list[tuple[float, Operator, bool]] = []
        """Time, who, and whether it was use."""


class Plan:
    """The events of a lab, to be merged into the noise minute by minute."""

    def __init__(
        self,
        server: Server,
        ranges: Ranges,
        rng: random.Random,
        start: date,
        days: int,
        builds: list[tuple[float, Build]],
    ) -> None:
        self.server, self.ranges, self.rng, self.start, self.days = server, ranges, rng, start, days
        self.builds = builds
        """From when (seconds after the start) which build runs."""
        self.visible_from = 0.0
        self.events: list[tuple[float, int, Template]] = []
        self.chains: list[tuple[str, Grade, bool, float]] = []
        self.backdoors: list[Backdoor] = []
        self.operators: list[Operator] = []
        self.first_entry: float | None = None
        self.deeds: list[tuple[float, str, tuple[str, ...]]] = []
        """What only event logs show: time, name, values."""

    def build_at(self, at: float) -> Build:
        """Return the build that runs at a time."""
        return [build for since, build in self.builds if since <= at][-1]

    def request(self, at: float, request: Request, extras: tuple[Extra, ...] = ()) -> None:
        """Let a request happen."""
        template = compile_request(request, self.server, self.build_at(at), extras)
        self.events.append((at, len(self.events), template))

    def row(self, at: float, *extras: Extra) -> None:
        """Let something happen that only other logs show."""
        self.events.append((at, len(self.events), Template("", False, "", "", "", 9, 900, extras)))

    def operator(self, name: str, agent: str, addresses: tuple[str, ...] = ()) -> Operator:
        """Bring in another party."""
        made = Operator(name, addresses or (self.server.addresses.stranger(),), agent)
        self.operators.append(made)
        return made

    def chain(self, name: str, grade: Grade, at: float, *, background: bool = False) -> None:
        """Note that a chain reached a grade, last seen at a time."""
        self.chains.append((name, grade, background, at))

    def shell_request(
        self, at: float, shell: Backdoor, operator: Operator, request: Request
    ) -> None:
        """Ask for a shell's path; what it counts as follows from method, query and status."""
        used = request.status == 200 and (request.method == "POST" or "=" in request.query)
        shell.requests.append((at, operator, used))
        extras = (
            (event_extra("page-run", shell.path, request.address, request.method, str(int(used))),)
            if request.status == 200
            else ()
        )
        self.request(at, request, extras)

    def deed(self, at: float, name: str, *values: str) -> None:
        """Let something happen that only event logs show."""
        self.deeds.append((at, name, values))

    def iso(self, at: float) -> str:
        """Write a time as the logs do."""
        moment = datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC)
        return (moment + timedelta(seconds=int(at))).strftime("%Y-%m-%dT%H:%M:%SZ")

    def truth(self, host: str, *, is_intrusion: bool) -> TruthHost:
        """Sum up what remains visible."""
        seen = self.visible_from
        backdoors = [b for b in (self._backdoor(b) for b in self.backdoors) if b is not None]
        operators = [
            o for o in (self._operator(o, backdoors) for o in self.operators) if o is not None
        ]
        chains: dict[str, TruthChain] = {}
        for name, grade, background, at in sorted(self.chains, key=lambda c: (c[2], c[0])):
            if at >= seen and name not in chains:
                chains[name] = TruthChain(chain=name, grade=grade, background=background)
        entry = self.first_entry
        quiet: Conclusion = "attempted" if chains else "no-evidence-found"
        return TruthHost(
            name=host,
            conclusion="compromised" if is_intrusion else quiet,
            conclusion_without_since="compromised" if is_intrusion else "inconclusive",
            chains=sorted(chains.values(), key=lambda c: c.chain),
            backdoors=backdoors,
            operators=operators,
            first_entry=self.iso(entry) if entry is not None and entry >= seen else None,
        )

    def _backdoor(self, backdoor: Backdoor) -> TruthBackdoor | None:
        rows = sorted(
            (r for r in backdoor.requests if r[0] >= self.visible_from), key=lambda r: r[0]
        )
        uses = [r for r in rows if r[2]]
        planted = backdoor.planted_at >= self.visible_from
        if not rows and not planted:
            return None
        used_by = sorted({r[1].name for r in uses})
        return TruthBackdoor(
            kind=backdoor.kind,
            path=backdoor.path,
            planted_by=backdoor.planter.name if planted else None,
            used_by=used_by,
            probed_by=sorted({r[1].name for r in rows} - set(used_by)),
            requests=len(rows) if backdoor.kind == "web-shell" else 0,
            uses=len(uses) if backdoor.kind == "web-shell" else 0,
            first_use=self.iso(uses[0][0]) if uses else None,
            last_use=self.iso(uses[-1][0]) if uses else None,
        )

    def _operator(self, operator: Operator, backdoors: list[TruthBackdoor]) -> TruthOperator | None:
        planted = [b.path for b in backdoors if b.planted_by == operator.name]
        used = [b.path for b in backdoors if operator.name in b.used_by]
        probed = [b.path for b in backdoors if operator.name in b.probed_by]
        acted = any(at >= self.visible_from for at in operator.acted_at)
        if not (planted or used or probed or acted):
            return None
        return TruthOperator(
            id=operator.name,
            addresses=sorted(operator.addresses),
            planted=planted,
            used=used,
            probed=probed,
        )
