"""The traces of ProxyLogon: front-end requests, back-end requests, the ECP server log.

Only what logs hold (field notes C05); the page text that the OAB's ExternalUrl carries is inert.
"""

from __future__ import annotations

import random

from exopsy.lab.plan import Backdoor, Operator, Plan
from exopsy.lab.rows import cmdlet_event, ecp_row
from exopsy.lab.server import guid
from exopsy.lab.services import EMC
from exopsy.lab.shell_use import shell_path, use_and_probe
from exopsy.lab.template import BackEnd, Extra, Request, event_extra

PAGE = '<script language="JScript" runat="server">function Page_Load(){/**/}</script>'


def break_in(plan: Plan, at: float) -> None:
    """Carry the chain out from ``at`` on, plant a shell, and let its later life begin."""
    rng, ranges, server = plan.rng, plan.ranges, plan.server
    planter = plan.operator("planter", rng.choice(ranges.chain_agents))
    legs = _Legs(plan, planter, rng)
    plan.first_entry = at
    at = legs.discover(at)
    at = legs.session(at)
    vdir, canary = guid(rng), f"{rng.getrandbits(96):024x}."
    at = legs.find_oab(at, canary)
    url = rng.choice(ranges.external_urls) + PAGE
    set_command = f"Set-OabVirtualDirectory.ExternalUrl='{url}'.Identity='{vdir}'"
    at = legs.ddi(
        at,
        "SetObject",
        "OABVirtualDirectory",
        canary,
        set_command,
        legs.event("Set-OabVirtualDirectory", f'-ExternalUrl "{url}" -Identity "{vdir}"'),
        legs.background("SetObject"),
    )
    plan.backdoors.append(Backdoor("oab-external-url", vdir, planter, at))
    reset = "Remove-OabVirtualDirectory.Force='True'"
    at = legs.ddi(
        at,
        "SetObject",
        "ResetOABVirtualDirectory",
        canary,
        reset,
        legs.event("Remove-OabVirtualDirectory", f'-Force "True" -Identity "{vdir}"'),
        legs.background("SetObject"),
        event_extra("oab-restart"),
    )
    again = f"New-OabVirtualDirectory.Server='{server.name}'"
    plan.row(
        at + 2.0,
        ecp_row(
            server,
            plan.build_at(at),
            command=again,
            url=legs.url("SetObject", "ResetOABVirtualDirectory", canary),
        ),
        legs.event("New-OabVirtualDirectory", f'-Server "{server.name}"'),
    )
    planted_at = at
    if rng.random() < 0.5:
        clean = f"Set-OabVirtualDirectory.ExternalUrl=$null.Identity='{vdir}'"
        legs.ddi(
            at + rng.uniform(4, 20),
            "SetObject",
            "OABVirtualDirectory",
            canary,
            clean,
            legs.event("Set-OabVirtualDirectory", f'-ExternalUrl $null -Identity "{vdir}"'),
        )
    plan.chain("proxylogon", "use", planted_at)
    shell = Backdoor("web-shell", shell_path(rng, ranges), planter, planted_at)
    plan.deed(planted_at, "page-written", shell.path, "MSExchangeECPAppPool")
    plan.backdoors.append(shell)
    use_and_probe(plan, shell)


def be_refused(plan: Plan, at: float) -> None:
    """Let somebody try the first legs against a patched server: nothing follows."""
    rng, ranges, server = plan.rng, plan.ranges, plan.server
    address, agent = server.addresses.stranger(), rng.choice(ranges.chain_agents)
    for target in ("autodiscover/autodiscover.xml", "mapi/emsmdb/", "ecp/proxyLogon.ecp"):
        stem = ssrf_stem(rng, ranges.ssrf_stems)
        plan.request(
            at,
            Request(
                stem=stem,
                method="POST",
                address=address,
                agent=agent,
                status=rng.choice((500, 400)),
                protocol="Ecp" if stem.startswith("/ecp") else "Owa",
                auth="FBA",
                anchor=f"ServerInfo~a]@{server.fqdn}:444/{target}?#",
                hint="X-BEResource-Cookie",
                error="BackEndServerInvalid HttpProxyException=rejected cookie;",
            ),
        )
        at += rng.uniform(*ranges.leg_pause)
    plan.chain("proxylogon", "attempt", at)


def ssrf_stem(rng: random.Random, stems: tuple[str, ...]) -> str:
    """Choose the front-end path that carries a leg."""
    stem = rng.choice(stems)
    name = "".join(
        rng.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(rng.randint(1, 4))
    )
    return stem % name if "%s" in stem else stem


class _Legs:
    """The legs of one run, all through one front-end path."""

    def __init__(self, plan: Plan, planter: Operator, rng: random.Random) -> None:
        self.plan, self.planter, self.rng = plan, planter, rng
        self.stem = ssrf_stem(rng, plan.ranges.ssrf_stems)

    def _send(
        self, at: float, target: str, query: str = "", status: int = 200, method: str = "POST"
    ) -> float:
        """One SSRF request: front end, back end under the machine account."""
        server = self.plan.server
        tail = f"?{query}" if query else "?"
        odd = f"a]@{server.fqdn}:444{target}{tail}#"
        back_query = f"{query}&a=]:444{self.stem}" if query else f"a=]:444{self.stem}"
        self.plan.request(
            at,
            Request(
                stem=self.stem,
                method=method,
                address=self.planter.addresses[0],
                agent=self.planter.agent,
                status=status,
                protocol="Ecp" if self.stem.startswith("/ecp") else "Owa",
                auth="FBA",
                anchor=f"ServerInfo~{odd}",
                hint="X-BEResource-Cookie",
                target=odd.rstrip("#"),
                back_end=BackEnd(
                    stem=target,
                    query=back_query,
                    user=f"{server.netbios}\\{server.name}$",
                    status=status,
                ),
                took=(30, 700),
            ),
        )
        self.planter.acted_at.append(at)
        return at + self.rng.uniform(*self.plan.ranges.leg_pause)

    def discover(self, at: float) -> float:
        return self._send(at, "/autodiscover/autodiscover.xml")

    def session(self, at: float) -> float:
        if self.rng.random() < 0.8:
            at = self._send(at, "/mapi/emsmdb/")
        return self._send(at, "/ecp/proxyLogon.ecp", status=241)

    def find_oab(self, at: float, canary: str) -> float:
        verb = self.rng.choice(("GetObject", "GetList"))
        return self.ddi(
            at,
            verb,
            "OABVirtualDirectory" if verb == "GetObject" else "VirtualDirectory",
            canary,
            "Get-OabVirtualDirectory",
        )

    def ddi(
        self, at: float, verb: str, schema: str, canary: str, command: str, *more: Extra
    ) -> float:
        """A request to the control panel's service, and the row that it leaves there."""
        server, build = self.plan.server, self.plan.build_at(at)
        after = self._send(
            at, f"/ecp/DDI/DDIService.svc/{verb}", f"msExchEcpCanary={canary}&schema={schema}"
        )
        self.plan.row(
            at + 0.4,
            ecp_row(server, build, command=command, url=self.url(verb, schema, canary)),
            *more,
        )
        return after

    def event(self, cmdlet: str, parameters: str) -> Extra:
        """What 'MSExchange Management' writes: the session is the administrator's."""
        server = self.plan.server
        user, sid = f"{server.forest}/Users/Administrator", f"{server.domain_sid}-500"
        pool = "MSExchangeECPAppPool"
        return cmdlet_event(user, sid, cmdlet, parameters, application=EMC, pool=pool)

    def background(self, command: str) -> Extra:
        """What 'Application' keeps of a control panel's request that goes on in the background."""
        url = f"https://{self.plan.server.fqdn}:444/ecp/about.aspx?a=]:444{self.stem}"
        return event_extra("ecp-async", command, url)

    def url(self, verb: str, schema: str, canary: str) -> str:
        return f"/ecp/DDI/DDIService.svc/{verb}?schema={schema}&msExchEcpCanary={canary}&a=%5D:444{self.stem}"
