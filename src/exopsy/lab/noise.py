"""Innocent life of a server -> prepared requests by kind, with their shares.

Shares follow the field notes' model of one server-day: of all front-end rows about 49 % health
probes, 20 % anonymous 401 challenges, 10 % load balancers, 8 % static files, the rest users and
services; the users' share by protocol is theirs too.
"""

from __future__ import annotations

import random
from itertools import accumulate

import msgspec

from exopsy.lab import scanners, users
from exopsy.lab.probes import Pairs, healthcheck_requests, probe_requests
from exopsy.lab.rows import tracking_rows
from exopsy.lab.server import Build, Server
from exopsy.lab.services import add_services
from exopsy.lab.template import EVENTS, Extra, Template, compile_request

USER_SHARES = {
    "Mapi": 0.52, "Ews": 0.16, "Autodiscover": 0.09, "Owa": 0.08, "RpcHttp": 0.04, "Eas": 0.04,
    "Rest": 0.03, "Oab": 0.02, "Ecp": 0.01, "PowerShell": 0.01,
}  # fmt: skip
PROBES, CHALLENGES, BALANCERS, STATIC, USERS = 0.49, 0.205, 0.095, 0.085, 0.125
BACKGROUND = 0.004
MAILS = 0.06
# The hour's weight for people, UTC; the mean is 1.
HOURS = tuple(
    w / 1.0083 for w in (
        0.25, 0.2, 0.2, 0.2, 0.25, 0.4, 0.9, 1.6, 2.1, 2.2, 2.1, 1.9,
        1.7, 2.0, 2.0, 1.8, 1.4, 0.8, 0.5, 0.45, 0.4, 0.35, 0.3, 0.2,
    )
)  # fmt: skip
WEEKEND = 0.35


class Kind(msgspec.Struct, kw_only=True):
    """Requests of one kind, and which share of the front-end rows they are."""

    templates: list[Template]
    share: float
    follows_people: bool


class Noise:
    """All kinds of innocent requests of a server, prepared for one build."""

    def __init__(
        self, server: Server, build: Build, rng: random.Random, background: list[Template]
    ) -> None:
        self._server, self._build, self._rng = server, build, rng
        self.heartbeats = {
            protocol: [compile_request(r, server, build, x) for r, x in pairs]
            for protocol, pairs in probe_requests(server, build).items()
        }
        # mail flow is probed too; the probe writes message tracking rows only
        health = f"{server.health[0]}@{server.forest}"
        row = tracking_rows(
            server, build, "inboundproxy@example.com", health, "Client submission probe"
        )
        self.heartbeats["mail"] = [_rows_only(row)]
        self.kinds = [*self._machines(), *self._people()]
        if background:
            self.kinds.append(Kind(templates=background, share=BACKGROUND, follows_people=False))
        self._pools: dict[float, tuple[list[list[Template]], list[float], float]] = {}

    def pool(self, people_weight: float) -> tuple[list[list[Template]], list[float], float]:
        """Return kinds, their cumulative weights, and the sum, for an hour of that weight."""
        if people_weight not in self._pools:
            weights = [k.share * (people_weight if k.follows_people else 1.0) for k in self.kinds]
            cumulative = list(accumulate(weights))
            self._pools[people_weight] = (
                [k.templates for k in self.kinds],
                cumulative,
                cumulative[-1],
            )
        return self._pools[people_weight]

    def cmdlets(self, rng: random.Random, requests_per_day: int) -> list[Template]:
        """Draw a day's requests that ran a cmdlet, about as many as a day of the pools has."""
        made = []
        for kind in self.kinds:
            ran = [t for t in kind.templates if any(x.sink == EVENTS for x in t.extras)]
            mean = requests_per_day * kind.share * len(ran) / len(kind.templates)
            made += [rng.choice(ran) for _ in range(round(mean))]
        probe = self.heartbeats["PowerShell"][-1]
        return [*made, *[probe] * 24]

    def _compile(self, pairs: Pairs) -> list[Template]:
        return [compile_request(r, self._server, self._build, x) for r, x in pairs]

    def _machines(self) -> list[Kind]:
        probes = [t for made in self.heartbeats.values() for t in made if t.front]
        # about one probe in three reaches the back end
        probes += [t for t in probes if not t.back] * 7
        balancers: Pairs = [(r, ()) for r in healthcheck_requests(self._server)]
        return [
            Kind(templates=probes, share=PROBES, follows_people=False),
            Kind(templates=self._compile(balancers), share=BALANCERS, follows_people=False),
        ]

    def _people(self) -> list[Kind]:
        server, build, rng = self._server, self._build, self._rng
        made = users.user_requests(server, build, rng)
        add_services(made, server, build)
        kinds = [
            Kind(templates=self._compile(made[p]), share=USERS * share, follows_people=True)
            for p, share in USER_SHARES.items()
        ]
        challenges = self._compile(users.challenges(server))
        static = self._compile(users.static_files(server, build))
        mails = [self._mail(rng) for _ in range(200)]
        return [
            *kinds,
            Kind(templates=challenges, share=CHALLENGES, follows_people=True),
            Kind(templates=static, share=STATIC, follows_people=True),
            Kind(templates=mails, share=MAILS, follows_people=True),
        ]

    def _mail(self, rng: random.Random) -> Template:
        sender, recipient = rng.choice(self._server.people), rng.choice(self._server.people)
        subject = rng.choice(
            ("Minutes", "Re: offer, second draft", "Invoice", "Lunch?", "Straße 4")
        )
        row = tracking_rows(self._server, self._build, sender.smtp, recipient.smtp, subject)
        return _rows_only(row)


def _rows_only(row: Extra) -> Template:
    return Template("", False, "", "", "", 5, 400, (row,))


def internet_background(server: Server, rng: random.Random, build: Build) -> list[Template]:
    """The harmless part of what an internet-facing server receives."""
    return [compile_request(r, server, build) for r in scanners.harmless(rng, server, 40)]
