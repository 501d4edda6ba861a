"""The traces of ProxyShell and of its authenticated later form (ProxyNotShell).

Only what logs hold (field notes C08, C12). The value of ``X-Rps-CAT`` is random bytes.
"""

from __future__ import annotations

import base64
import random

from exopsy.lab.plan import Backdoor, Operator, Plan
from exopsy.lab.rows import cmdlet_event, cmdlet_row, ews_row, rps_http_row
from exopsy.lab.server import Person
from exopsy.lab.shell_use import shell_path, use_and_probe
from exopsy.lab.template import BackEnd, Extra, Request, event_extra

STEM = "/autodiscover/autodiscover.json"
SYSTEM = "NT AUTHORITY\\SYSTEM"
SHARES = {
    "aspnet_client": "C$\\inetpub\\wwwroot\\aspnet_client",
    "owa": "C$\\Program Files\\Microsoft\\Exchange Server\\V15\\FrontEnd\\HttpProxy\\owa",
    "ecp": "C$\\Program Files\\Microsoft\\Exchange Server\\V15\\FrontEnd\\HttpProxy\\ecp",
}


def share_path(url_path: str) -> str:
    """Return the file of a URL path as a cmdlet's UNC parameter."""
    _, root, *rest = url_path.split("/")
    return "\\".join(("\\\\127.0.0.1", SHARES[root], *rest))


def break_in(plan: Plan, at: float) -> None:
    """Carry ProxyShell out from ``at`` on: confusion, PowerShell, mailbox export, shell."""
    rng, ranges = plan.rng, plan.ranges
    planter = plan.operator("planter", rng.choice(ranges.chain_agents))
    victim = rng.choice(plan.server.people[:6])
    legs = _Legs(plan, planter, "", rng)
    plan.first_entry = at
    at = legs.send(at, "/mapi/nspi/", method="GET", status=rng.choice((200, 200, 302)))
    if rng.random() < 0.8:
        at = legs.send(at, "/autodiscover/autodiscover.xml")
    at = legs.send(at, "/mapi/emsmdb/")
    if rng.random() < 0.7:
        at = legs.draft(at, victim)
    at = _remote_powershell(plan, legs, at, victim)
    _grant_and_export(plan, legs, at, victim, "proxyshell")


def _grant_and_export(plan: Plan, legs: _Legs, at: float, victim: Person, chain: str) -> None:
    """Write a page by a mailbox export, and clean the request away."""
    rng, planter = plan.rng, legs.operator
    role = "Mailbox Import Export"
    at = legs.cmdlet(
        at, victim, "New-ManagementRoleAssignment", f'-Role "{role}" -User "{victim.login}"'
    )
    granted_at = at
    path = shell_path(rng, plan.ranges)
    export = (
        f'-Mailbox "{victim.smtp}" -IncludeFolders ("#Drafts#") -ContentFilter "(Subject -eq \'{victim.device[:6].lower()}\')" '
        f'-ExcludeDumpster "True" -FilePath "{share_path(path)}"'
    )
    at = legs.cmdlet(at, victim, "New-MailboxExportRequest", export)
    exported_at = at
    if rng.random() < 0.6:
        at = legs.cmdlet(at, victim, "Get-MailboxExportRequest", "")
    at = legs.cmdlet(
        at,
        victim,
        "Remove-MailboxExportRequest",
        f'-Identity "{victim.login}\\MailboxExport" -Confirm "False"',
    )
    plan.chain(chain, "use", at)
    grant = Backdoor("role-grant", role, planter, granted_at)
    grant.requests.append((exported_at, planter, True))
    shell = Backdoor("web-shell", path, planter, at)
    plan.deed(exported_at, "page-exported", path)
    plan.backdoors += [grant, shell]
    use_and_probe(plan, shell)


def break_in_with_login(plan: Plan, at: float) -> None:
    """Carry ProxyNotShell out: the same confusion under a mailbox user's stolen login."""
    rng, ranges, server = plan.rng, plan.ranges, plan.server
    planter = plan.operator("planter", rng.choice(ranges.chain_agents))
    victim = rng.choice(server.people[6:])
    legs = _Legs(plan, planter, f"{server.netbios}\\{victim.login}", rng)
    plan.first_entry = at
    for _ in range(rng.randint(2, 5)):
        at = _remote_powershell(plan, legs, at, victim)
    plan.chain("proxynotshell", "use", at)
    shell = Backdoor("web-shell", shell_path(rng, ranges), planter, at)
    plan.deed(at, "page-written", shell.path, "MSExchangePowerShellAppPool")
    plan.backdoors.append(shell)
    use_and_probe(plan, shell)


def _remote_powershell(plan: Plan, legs: _Legs, at: float, victim: Person) -> float:
    """A remote PowerShell session through the confusion: several requests, one client name."""
    for action, command in (("New-PSSession", ""), ("Receive", ""), ("Command", "Get-Mailbox")):
        at = legs.powershell(at, victim, action, command)
    return at


class _Legs:
    """The legs of one run, spelled one way."""

    def __init__(self, plan: Plan, operator: Operator, user: str, rng: random.Random) -> None:
        self.plan, self.operator, self.user, self.rng = plan, operator, user, rng
        ranges = plan.ranges
        self.at_sign, self.domain = rng.choice(ranges.ats), rng.choice(ranges.mail_domains)
        self.name = rng.choice(ranges.powershells)
        self.client = rng.choice(ranges.psrp_clients)
        token = base64.b64encode(rng.randbytes(96)).decode()
        self.token = token.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        # the later form also puts the address and the path into the stem
        self.in_stem = bool(user) and rng.random() < 0.4

    def _query(self, leg: str, more: str) -> str:
        tail = f"Email=autodiscover/autodiscover.json%3F{self.at_sign}{self.domain}"
        return f"{self.at_sign}{self.domain}{leg}?{more}&{tail}"

    def send(
        self,
        at: float,
        leg: str,
        more: str = "",
        *,
        method: str = "POST",
        back: str = "",
        status: int = 200,
    ) -> float:
        stem, query = STEM, self._query(leg, more)
        if self.in_stem:
            stem, query = (
                f"/autodiscover/admin{self.at_sign}localhost/{self.name}/autodiscover.json",
                "x=a",
            )
        self.plan.request(
            at,
            Request(
                stem=stem,
                method=method,
                query=query,
                address=self.operator.addresses[0],
                agent=self.operator.agent,
                user=self.user,
                auth="Basic" if self.user else "",
                protocol="Autodiscover",
                anchor=f"SMTP:autodiscover/autodiscover.json?@{self.domain}"
                if not self.user
                else f"SMTP:{self.user}",
                back_end=BackEnd(
                    stem=back or leg, query=more, user=self.user or SYSTEM, status=status
                ),
                status=status,
                took=(20, 600),
            ),
        )
        self.operator.acted_at.append(at)
        return at + self.rng.uniform(*self.plan.ranges.leg_pause)

    def draft(self, at: float, victim: Person) -> float:
        """A draft mail in the victim's mailbox, made through EWS."""
        plan = self.plan
        row = ews_row(
            plan.server, plan.build_at(at), user=SYSTEM, agent=self.operator.agent, address=self.operator.addresses[0],
            action="CreateItem", impersonated=victim.smtp,
        )  # fmt: skip
        plan.row(at + 0.2, row)
        return self.send(at, "/EWS/exchange.asmx", back="/EWS/Exchange.asmx")

    def powershell(
        self, at: float, victim: Person, action: str, command: str, *more_rows: Extra
    ) -> float:
        plan = self.plan
        more = "" if self.user else f"X-Rps-CAT={self.token}"
        row = rps_http_row(
            plan.server, plan.build_at(at), user=self.user or victim.smtp, address=self.operator.addresses[0],
            client=self.client, query=f"{more}&{self._query('', '').rpartition('&')[2]}".lstrip("&"), action=action,
            command=command, stem="/Powershell",
        )  # fmt: skip
        if self.user and action == "New-PSSession":
            more_rows += (
                event_extra("logon", victim.login, victim.sid, self.operator.addresses[0], "8"),
            )
        # a request and the cmdlet it ran share their id in the two logs (inferred, not verified)
        plan.row(at + 0.3, row, *more_rows)
        return self.send(at, f"/{self.name}/", more, back="/powershell/")

    def cmdlet(self, at: float, victim: Person, cmdlet: str, parameters: str) -> float:
        plan = self.plan
        row = cmdlet_row(
            plan.server, plan.build_at(at), user=f"{plan.server.forest}/Users/Administrator", cmdlet=cmdlet,
            parameters=parameters, application="Unknown", sender=victim.smtp,
        )  # fmt: skip
        user, sid = f"{plan.server.forest}/Users/Administrator", f"{plan.server.domain_sid}-500"
        event = cmdlet_event(user, sid, cmdlet, parameters, application="Remote-PowerShell-Unknown")
        return self.powershell(at, victim, "Command", cmdlet, row, event)
