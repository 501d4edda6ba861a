"""Exchange's own monitoring and the load balancers: most of every log, and never an intruder.

HealthMailbox accounts over loopback, with the probes' agents (field notes 4.8).
"""

from __future__ import annotations

from exopsy.lab.rows import cmdlet_event, cmdlet_row, ecp_row, ews_row, rps_http_row
from exopsy.lab.server import Build, Server
from exopsy.lab.template import BackEnd, Extra, Request

AM_PROBE = "AMProbe/Local/ClientAccess"
_HEALTHCHECKS = {
    "Autodiscover": "/autodiscover", "Eas": "/Microsoft-Server-ActiveSync", "Ecp": "/ecp", "Ews": "/ews",
    "Mapi": "/mapi", "Oab": "/oab", "Owa": "/owa", "PowerShell": "/powershell", "Rest": "/api", "RpcHttp": "/rpc",
}  # fmt: skip

Pairs = list[tuple[Request, tuple[Extra, ...]]]


def probe_requests(server: Server, build: Build) -> dict[str, Pairs]:
    """Return the probes of every protocol."""
    made: dict[str, Pairs] = {
        protocol: [
            (
                Request(
                    stem=f"{root}/healthcheck.htm",
                    agent=AM_PROBE,
                    protocol=protocol,
                    host="localhost",
                ),
                (),
            )
        ]
        for protocol, root in _HEALTHCHECKS.items()
    }
    for mailbox in server.health:
        _logged_on(made, server, build, mailbox)
    return made


def _logged_on(made: dict[str, Pairs], server: Server, build: Build, mailbox: str) -> None:
    user, smtp = f"{server.netbios}\\{mailbox}", f"{mailbox}@{server.forest}"
    agent = f"Ews_AM_Probe/Local (ExchangeServicesClient/{build.padded})"

    def request(
        protocol: str, stem: str, agent: str, query: str = "", method: str = "POST", **more: str
    ) -> Request:
        return Request(
            stem=stem, method=method, query=query, address="::1", agent=agent, user=user, protocol=protocol,
            auth=more.get("auth", "Negotiate"), anchor=f"SMTP:{smtp}", host="localhost", action=more.get("action", ""),
            hint=more.get("hint", ""),
            back_end=BackEnd(stem=stem, query=query, user=user),
        )  # fmt: skip

    ews = ews_row(
        server, build, user=smtp, agent=agent, address="::1", action="GetFolder", impersonated=smtp
    )
    made["Ews"].append((request("Ews", "/EWS/Exchange.asmx", agent), (ews,)))
    made["Mapi"].append(
        (
            request(
                "Mapi",
                "/mapi/emsmdb/",
                "MapiHttpClient",
                f"mailboxId={smtp}&useMailboxOfAuthenticatedUser=false",
            ),
            (),
        )
    )
    made["Autodiscover"].append(
        (request("Autodiscover", "/autodiscover/autodiscover.xml", AM_PROBE), ())
    )
    made["Owa"].append((request("Owa", "/owa/", AM_PROBE, method="GET", auth="FBA"), ()))
    made["Eas"].append(
        (
            request(
                "Eas",
                "/Microsoft-Server-ActiveSync/default.eas",
                "TestActiveSyncConnectivity",
                f"Cmd=FolderSync&User={mailbox}&DeviceId=EASProbeDeviceId141&DeviceType=EASProbeDeviceType",
                auth="Basic",
            ),
            (),
        )
    )
    canary = f"msExchEcpCanary={mailbox[13:33]}."
    url = f"/ecp/RulesEditor/InboxRules.svc/GetList?{canary}"
    rules = ecp_row(server, build, command="Get-InboxRule", url=url)
    made["Ecp"].append(
        (
            request("Ecp", "/ecp/RulesEditor/InboxRules.svc/GetList", AM_PROBE, canary, auth="FBA"),
            (rules,),
        )
    )
    session = f"clientApplication=ActiveMonitor;PSVersion=5.1.14393.4169&sessionID=Version_15.1_(Build_{build.parts[2]}.0)=Njd{mailbox[-20:]}"
    powershell = request(
        "PowerShell", "/powershell", "Microsoft WinRM Client", session,
        auth="Kerberos", action="Get-Mailbox:Command", hint="ExchClientVer-ServerCookie",
    )  # fmt: skip
    rows = (
        rps_http_row(
            server,
            build,
            user=user,
            address=server.address,
            client="Microsoft WinRM Client",
            query=session,
            action="Command",
            command="Get-Mailbox",
        ),
        cmdlet_row(
            server,
            build,
            user=mailbox,
            cmdlet="Get-Mailbox",
            parameters='-ResultSize "1"',
            application="ActiveMonitor",
            sender=user.lower(),
        ),
        cmdlet_event(
            f"{server.forest}/Microsoft Exchange System Objects/Monitoring Mailboxes/{mailbox}",
            f"{server.domain_sid}-1130",
            "Get-Mailbox",
            '-ResultSize "1"',
            application="Remote-ActiveMonitor-Unknown",
        ),
    )
    made["PowerShell"].append((powershell, rows))


def healthcheck_requests(server: Server) -> list[Request]:
    """Return the load balancers' checks."""
    return [
        Request(
            stem="/owa/healthcheck.htm",
            address=address,
            agent=agent,
            protocol="Owa",
            host=server.address,
        )
        for address in server.balancers
        for agent in ("", "KEMP/1.0")
    ]
