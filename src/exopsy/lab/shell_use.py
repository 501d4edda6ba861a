"""What happens to a web shell after it was planted: its planter's sessions, other users, probers."""

from __future__ import annotations

import random

from exopsy.lab.parameters import Ranges
from exopsy.lab.plan import DAY, Backdoor, Operator, Plan
from exopsy.lab.template import Request


def shell_path(rng: random.Random, ranges: Ranges, folders: tuple[str, ...] | None = None) -> str:
    """Invent a shell's URL path: a look-alike or a random name."""
    if rng.random() < 0.4:
        name = rng.choice(ranges.shell_words)
    else:
        name = "".join(
            rng.choice(ranges.shell_alphabet) for _ in range(rng.randint(*ranges.shell_lengths))
        )
    return f"{rng.choice(folders or ranges.shell_folders)}{name}.aspx"


def spelled(path: str, rng: random.Random, share: float) -> str:
    """Return the path, in some requests with changed case or percent-encoding."""
    if rng.random() >= share:
        return path
    kind = rng.randrange(3)
    if kind == 0:
        return path.upper()
    if kind == 1:
        return path.lower()
    place = rng.randrange(2, len(path) - 5)
    if path[place] == "/":
        place += 1
    return f"{path[:place]}%{ord(path[place]):02x}{path[place + 1 :]}"


def use_and_probe(plan: Plan, shell: Backdoor) -> None:
    """Let the planter, two later users and several probers come to a shell."""
    rng, ranges = plan.rng, plan.ranges
    agents = rng.sample(ranges.shell_agents, 3)
    planter = shell.planter
    planter.agent = agents[0] if rng.random() < 0.7 else planter.agent
    _probe_before(plan, shell)
    first = shell.planted_at + rng.uniform(5, 60)
    _session(plan, shell, planter, first)
    later = [_later_day(plan, shell) for _ in range(6)]
    if rng.random() < 0.8:
        _session(plan, shell, planter, later[0])
    addresses = plan.server.addresses.neighbours()
    pair = plan.operator("user-1", rng.choice(ranges.rare_agents), addresses)
    # both addresses use it: one party behind two addresses of one network
    _session(plan, shell, pair, later[1], addresses[0])
    _session(plan, shell, pair, later[2], addresses[1])
    other = plan.operator("user-2", agents[1])
    for at in later[3 : 3 + rng.randint(1, 2)]:
        _session(plan, shell, other, at)
    _probe_after(plan, shell)


def _later_day(plan: Plan, shell: Backdoor) -> float:
    """Pick a time on one of the days after the planting, if the lab has one."""
    day = int(shell.planted_at // DAY) + 1
    if day >= plan.days:
        return plan.rng.uniform(shell.planted_at + 120, plan.days * DAY - 60)
    return plan.rng.randrange(day, plan.days) * DAY + plan.rng.uniform(60, DAY - 60)


def _ask(plan: Plan, shell: Backdoor, operator: Operator, at: float, **more: str | int) -> None:
    """Send one request to the shell's path, unless the lab is over by then."""
    if at >= plan.days * DAY:
        return
    path = shell.path
    protocol = {"owa": "Owa", "ecp": "Ecp"}.get(path.split("/")[1], "")
    request = Request(
        stem=spelled(path, plan.rng, plan.ranges.odd_spelling),
        method=str(more.get("method", "POST")),
        query=str(more.get("query", "")),
        address=str(more.get("address") or operator.addresses[0]),
        agent=operator.agent,
        status=int(more.get("status", 200)),
        substatus=str(more.get("substatus", "0 0")),
        protocol=protocol,
        auth="FBA" if protocol else "",
        took=(12, 900),
    )
    plan.shell_request(at, shell, operator, request)


def _session(plan: Plan, shell: Backdoor, operator: Operator, at: float, address: str = "") -> None:
    """A run of requests: a look, then commands by POST, now and then one in the query."""
    rng, ranges = plan.rng, plan.ranges
    if rng.random() < 0.5:
        _ask(plan, shell, operator, at, method="GET", address=address)
        at += rng.uniform(*ranges.use_pause)
    for number in range(rng.randint(*ranges.uses)):
        if number and rng.random() < 0.1:
            _ask(
                plan,
                shell,
                operator,
                at,
                method="GET",
                query=rng.choice(ranges.command_queries),
                address=address,
            )
        else:
            _ask(plan, shell, operator, at, address=address)
        at += rng.uniform(*ranges.use_pause)


def _absent(shell: Backdoor) -> dict[str, str | int]:
    """What the server answers for that path while nothing is there."""
    if shell.path.startswith("/aspnet_client"):
        return {"status": 404, "substatus": "0 2"}
    return {"status": 302}


def _probe_before(plan: Plan, shell: Backdoor) -> None:
    """A guesser of the name before the file exists (look-alike names are guessed)."""
    room = shell.planted_at - plan.visible_from
    if room > 600 and plan.rng.random() < 0.7:
        prober = plan.operator("prober-1", "Go-http-client/1.1")
        _ask(
            plan,
            shell,
            prober,
            plan.visible_from + plan.rng.uniform(60, room - 60),
            method="GET",
            **_absent(shell),
        )


def _probe_after(plan: Plan, shell: Backdoor) -> None:
    """Refused askers of the true name, and one researcher who looks once."""
    rng = plan.rng
    for number in range(rng.randint(1, 3)):
        prober = plan.operator(
            f"prober-{number + 2}", f"python-requests/2.{rng.randrange(2, 17)}.{number}"
        )
        at = _later_day(plan, shell)
        for _ in range(rng.randint(1, 2)):
            _ask(
                plan,
                shell,
                prober,
                at,
                method=rng.choice(("GET", "HEAD", "POST")),
                status=rng.choice((403, 401)),
            )
            at += rng.uniform(1, 20)
    researcher = plan.operator("researcher", rng.choice(plan.ranges.researcher_agents))
    _ask(plan, shell, researcher, _later_day(plan, shell), method="GET")
