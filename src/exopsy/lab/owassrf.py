"""The traces of OWASSRF: remote PowerShell through OWA, and cmdlets that act.

Only what logs hold (field notes C13). No shell is planted: a role is granted, mail is exported.
"""

from __future__ import annotations

from exopsy.lab.plan import DAY, Backdoor, Operator, Plan
from exopsy.lab.rows import cmdlet_event, cmdlet_row, rps_http_row
from exopsy.lab.server import Person
from exopsy.lab.template import BackEnd, Extra, Request, event_extra

ROLES = ("Mailbox Import Export", "ApplicationImpersonation")


def break_in(plan: Plan, at: float) -> None:
    """Carry the chain out from ``at`` on and come back on a later day."""
    rng, ranges, server = plan.rng, plan.ranges, plan.server
    agent = rng.choice(ranges.chain_agents)
    operator = plan.operator("planter", agent)
    victim = rng.choice(server.people)
    session = _Session(plan, operator, victim)
    plan.first_entry = at
    for action in ("New-PSSession", "Receive"):
        at = session.call(at, action)
    grants = []
    for role in ROLES[: rng.randint(1, 2)]:
        at = session.cmdlet(
            at, "New-ManagementRoleAssignment", f'-Role "{role}" -User "{victim.login}"'
        )
        grants.append(Backdoor("role-grant", role, operator, at))
    plan.backdoors += grants
    targets = rng.sample(server.people, rng.randint(1, 4))
    if rng.random() < 0.5 and at + DAY < plan.days * DAY:
        at += rng.uniform(0.2, 1.0) * (plan.days * DAY - at) * 0.8
        at = session.call(at, "New-PSSession")
    for target in targets:
        share = f"\\\\{server.name}\\{rng.choice(('c$', 'temp', 'backup'))}\\{target.login}.pst"
        at = session.cmdlet(
            at, "New-MailboxExportRequest", f'-Mailbox "{target.smtp}" -FilePath "{share}"'
        )
        grants[0].requests.append((at, operator, True))
    if rng.random() < 0.5:
        at = session.cmdlet(at, "Get-MailboxExportRequest", "")
        at = session.cmdlet(
            at,
            "Remove-MailboxExportRequest",
            f'-Identity "{targets[0].login}\\MailboxExport" -Confirm "False"',
        )
    plan.chain("owassrf", "use", at)


class _Session:
    """A remote PowerShell session through OWA."""

    def __init__(self, plan: Plan, operator: Operator, victim: Person) -> None:
        self.plan, self.operator, self.victim = plan, operator, victim
        rng, ranges = plan.rng, plan.ranges
        name = rng.choice((victim.login, "mastermailbox", "user"))
        domain = (
            "example.com" if name == victim.login else rng.choice(("outlook.com", "example.com"))
        )
        at_sign = rng.choice(("@", "%40"))
        self.stem = f"/owa/{name}{at_sign}{domain}/{rng.choice(ranges.powershells)}"
        self.client = rng.choice(ranges.psrp_clients)

    def call(self, at: float, action: str, command: str = "", *more_rows: Extra) -> float:
        plan, server = self.plan, self.plan.server
        address = self.operator.addresses[0]
        user = f"{server.netbios}\\{self.victim.login}"
        row = rps_http_row(
            server, plan.build_at(at), user=user, address=address, client=self.client,
            query="PSVersion=5.1.19041.610", action=action, command=command,
        )  # fmt: skip
        if action == "New-PSSession":
            more_rows += (event_extra("logon", self.victim.login, self.victim.sid, address, "3"),)
        # a request and the cmdlet it ran share their id in the two logs (inferred, not verified)
        plan.row(at + 0.3, row, *more_rows)
        plan.request(
            at,
            Request(
                stem=self.stem,
                method="POST",
                address=address,
                agent=self.operator.agent,
                user=user,
                auth="Kerberos",
                protocol="Owa",
                anchor=f"Sid~{self.victim.sid}",
                back_end=BackEnd(stem="/powershell", query="PSVersion=5.1.19041.610", user=user),
                took=(25, 900),
            ),
        )
        self.operator.acted_at.append(at)
        return at + plan.rng.uniform(*plan.ranges.leg_pause)

    def cmdlet(self, at: float, cmdlet: str, parameters: str) -> float:
        plan = self.plan
        row = cmdlet_row(
            plan.server, plan.build_at(at), user=f"{plan.server.forest}/Users/{self.victim.login}", cmdlet=cmdlet,
            parameters=parameters, application="Unknown", sender=f"{plan.server.netbios}\\{self.victim.login}".lower(),
        )  # fmt: skip
        event = cmdlet_event(
            f"{plan.server.forest}/Users/{self.victim.login}", self.victim.sid, cmdlet, parameters,
            application="Remote-PowerShell-Unknown",
        )  # fmt: skip
        return self.call(at, "Command", cmdlet, row, event)
