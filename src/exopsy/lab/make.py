"""A scenario and a seed -> a collection of log files, and the truth about it beside it.

Same arguments, same bytes. The collection lies in ``folder/collection``, the truth in
``folder/truth.json``.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec

from exopsy.lab import owassrf, proxylogon, proxyshell, scanners
from exopsy.lab.event_side import EventSide
from exopsy.lab.noise import Noise, internet_background
from exopsy.lab.parameters import PARAMETERS
from exopsy.lab.plan import DAY, Plan
from exopsy.lab.scenarios import Scenario, find_scenario
from exopsy.lab.server import Build, Server
from exopsy.lab.stream import Stream
from exopsy.lab.truth import Truth
from exopsy.lab.writer import LogTree

EVENTS_BY_DEFAULT = True
"""Whether a lab has event logs when nobody says."""
BREAK_INS: dict[str, Callable[[Plan, float], None]] = {
    "proxylogon": proxylogon.break_in,
    "proxyshell": proxyshell.break_in,
    "proxynotshell": proxyshell.break_in_with_login,
    "owassrf": owassrf.break_in,
}


def make_lab(
    folder: Path,
    *,
    scenario: str,
    seed: int,
    days: int,
    requests_per_day: int,
    start: date | None = None,
    parameters: str = "default",
    host: str = "EX01",
    events: bool = EVENTS_BY_DEFAULT,
    sysmon: bool = True,
    event_scale: float = 1.0,
) -> Truth:
    """Write a lab and return its truth.

    ``days`` counts the days of the server's life; in ``rotated`` the first of them leave no logs.
    ``requests_per_day`` is about the number of lines in the front site's IIS log on a working day;
    the other logs follow from it. With ``events`` there are Windows event logs as well; the text
    logs are the same with and without. ``sysmon`` says whether it is installed, ``event_scale``
    multiplies the innocent events.

    Raises:
        ValueError: no such scenario or parameter set, or too few days for the scenario.
    """
    chosen = find_scenario(scenario)
    if parameters not in PARAMETERS:
        raise ValueError(
            f"there is no parameter set {parameters!r}; there are: {', '.join(PARAMETERS)}"
        )
    if days < chosen.min_days:
        raise ValueError(f"{scenario} needs at least {chosen.min_days} days")
    name = f"{scenario}/{parameters}/{seed}"
    rng = random.Random(f"{name}/plan")  # noqa: S311 - reproducible, not secret
    server = Server(host, rng, people=max(12, min(120, requests_per_day // 400)))
    plan = _plan(chosen, server, rng, start or chosen.start, days, requests_per_day, parameters)
    faces_internet = scenario != "quiet" or rng.random() < 0.7

    def make_noise(build: Build) -> Noise:
        draw = random.Random(f"{name}/{build.text}")  # noqa: S311
        background = internet_background(server, draw, build) if faces_internet else []
        return Noise(server, build, draw, background)

    tree = LogTree(folder / "collection" / host)
    noise_rng = random.Random(f"{name}/noise")  # noqa: S311
    side = None
    if events:
        side = EventSide(
            folder / "collection" / host,
            plan,
            random.Random(f"{name}/events"),  # noqa: S311
            requests_per_day=requests_per_day,
            scale=event_scale,
            has_sysmon=sysmon,
        )
    stream = Stream(tree, plan, noise_rng, make_noise, requests_per_day, side)
    if side:
        side.hidden(stream.noise)
    stream.write()
    truth = Truth(
        scenario=scenario,
        seed=seed,
        parameters=parameters,
        since=plan.iso(plan.visible_from)[:10],
        hosts=[plan.truth(host, is_intrusion=chosen.is_intrusion)],
    )
    if side:
        truth.hosts[0].event_logs = side.close()
    (folder / "truth.json").write_bytes(msgspec.json.format(msgspec.json.encode(truth)) + b"\n")
    return truth


def _plan(
    scenario: Scenario,
    server: Server,
    rng: random.Random,
    start: date,
    days: int,
    requests_per_day: int,
    parameters: str,
) -> Plan:
    """Decide what happens when."""
    builds = [(0.0, Build(scenario.build))]
    patch_day = 0
    if scenario.patched_to:
        patch_day = rng.randrange(0, max(1, days // 2))
        builds.append(
            (patch_day * DAY + rng.randrange(60, 1200) * 60.0, Build(scenario.patched_to))
        )
    plan = Plan(server, PARAMETERS[parameters], rng, start, days, builds)
    if scenario.patched_to:
        hostile_from = (patch_day + 1) * DAY
        for _ in range(rng.randint(1, 3)):
            proxylogon.be_refused(plan, rng.uniform(hostile_from, days * DAY - 1900))
    else:
        hostile_from = 0.0
    if scenario.chain and scenario.is_intrusion:
        day = rng.randrange(0, max(1, days // 2))
        room = DAY - (7200 if days > 1 else 43_200)
        BREAK_INS[scenario.chain](plan, day * DAY + rng.uniform(3600, room))
        if scenario.name == "rotated":
            plan.visible_from = (day + 1) * DAY
    if scenario.name != "quiet":
        _mass_scanners(plan, scenario, requests_per_day, hostile_from)
    return plan


def _mass_scanners(plan: Plan, scenario: Scenario, requests_per_day: int, since: float) -> None:
    """Spread the attempts of mass scanners over the days from ``since`` on."""
    rng, server = plan.rng, plan.server
    since = max(since, plan.visible_from)
    days = plan.days - since / DAY
    many = scenario.name == "scanned-only"
    share, least, most = (0.008, 30, 3000) if many else (0.0006, 3, 200)
    count = int(days * max(least, min(most, requests_per_day * share)))
    paths = frozenset(b.path.lower() for b in plan.backdoors)
    requests = scanners.shell_sweep(rng, server, count, paths)
    for chain in scenario.background:
        requests += scanners.chain_probes(rng, server, chain, count)
        plan.chain(chain, "attempt", plan.days * DAY, background=True)
    comes: dict[str, float] = {}
    for request in requests:
        # one scanner asks for all its names within a few minutes
        at = comes.setdefault(request.address, rng.uniform(since, plan.days * DAY - 200))
        plan.request(at + rng.uniform(0, 180), request)
