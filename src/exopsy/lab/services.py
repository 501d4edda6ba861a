"""What services and administrators do: an archive, another Exchange server, the control panel, EMS.

Holds more that looks odd and is innocent: one account that reads mail as many people, a machine
account's server-to-server calls, an administrator who opens the OAB virtual directory's page.
"""

from __future__ import annotations

from exopsy.lab.probes import Pairs
from exopsy.lab.rows import cmdlet_event, cmdlet_row, ecp_row, ews_row, rps_http_row
from exopsy.lab.server import Build, Server
from exopsy.lab.template import Extra
from exopsy.lab.users import authenticated

EMC = "ServerRemoteHost-EMC"
"""What 'MSExchange Management' calls the control panel."""


def add_services(made: dict[str, Pairs], server: Server, build: Build) -> None:
    """Add to what people do, by HttpProxy protocol."""
    _services(made, server, build)
    _administrator(made, server, build)


def _services(made: dict[str, Pairs], server: Server, build: Build) -> None:
    archive = server.archive
    agent = "ArchiveConnector/7.2 (ExchangeServicesClient/15.00.0847.030)"
    for person in server.people:
        row = ews_row(
            server,
            build,
            user=archive.smtp,
            agent=agent,
            address="10.20.0.40",
            action="SyncFolderItems",
            impersonated=person.smtp,
        )
        made["Ews"].append(
            (
                authenticated(
                    archive,
                    server,
                    "Ews",
                    "/EWS/Exchange.asmx",
                    agent=agent,
                    auth="NTLM",
                    address="10.20.0.40",
                ),
                (row,),
            )
        )
    peer = f"{server.netbios}\\EX02$"
    proxy_agent = f"ASProxy/CrossSite/Directory/EWS/{build.padded}"
    row = ews_row(
        server,
        build,
        user=peer,
        agent=proxy_agent,
        address=server.peer_address,
        action="GetUserAvailability",
    )
    call = authenticated(
        archive,
        server,
        "Ews",
        "/EWS/Exchange.asmx",
        agent=proxy_agent,
        auth="Kerberos",
        user=peer,
        address=server.peer_address,
    )
    made["Ews"] += [(call, (row,))] * 4
    made["Autodiscover"] += [
        (
            authenticated(
                archive,
                server,
                "Autodiscover",
                "/autodiscover/autodiscover.svc",
                agent=proxy_agent,
                auth="Kerberos",
                user=peer,
                address=server.peer_address,
            ),
            (),
        )
    ] * 2


def _administrator(made: dict[str, Pairs], server: Server, build: Build) -> None:
    admin, canary = server.admin, "msExchEcpCanary=Qx7rT0admin."
    for page, schema, command in (
        ("GetList", "MailboxService", "Get-Recipient"),
        ("GetList", "VirtualDirectory", "Get-OabVirtualDirectory"),
        ("GetObject", "OABVirtualDirectory", "Get-OabVirtualDirectory"),
        ("GetObject", "MailboxService", "Get-Mailbox"),
        ("SetObject", "MailboxService", "Set-Mailbox.Office='2.17'"),
    ):
        stem, query = f"/ecp/DDI/DDIService.svc/{page}", f"schema={schema}&{canary}"
        row: tuple[Extra, ...] = (ecp_row(server, build, command=command, url=f"{stem}?{query}"),)
        if command.startswith("Set-"):
            cmdlet, _, rest = command.partition(".")
            name, _, value = rest.partition("=")
            parameters = f'-Identity "sales003" -{name} "{value.strip(chr(39))}"'
            user = f"{server.forest}/Admins/{admin.login}"
            pool = "MSExchangeECPAppPool"
            row += (cmdlet_event(user, admin.sid, cmdlet, parameters, application=EMC, pool=pool),)
        made["Ecp"].append(
            (
                authenticated(
                    admin, server, "Ecp", stem, agent=admin.browser, query=query, auth="FBA"
                ),
                row,
            )
        )
    session = f"clientApplication=ManagementShell;PSVersion=5.1.17763.1728&sessionID=Version_15.1_(Build_{build.parts[2]}.0)=rJq{admin.device}"
    for cmdlet, parameters in (
        ("Get-Mailbox", '-ResultSize "Unlimited"'),
        ("Get-MailboxDatabase", '-Status "True"'),
        ("Set-Mailbox", '-Identity "sales003" -IssueWarningQuota "5 GB"'),
        ("Get-OabVirtualDirectory", '-Server "EX01"'),
        ("Get-MailboxStatistics", '-Database "DB01"'),
        ("Get-MailboxExportRequest", ""),
    ):
        call = authenticated(
            admin, server, "PowerShell", "/powershell", agent="Microsoft WinRM Client", query=session, auth="Kerberos",
            action=f"{cmdlet}:Command", hint="ExchClientVer-ServerCookie",
        )  # fmt: skip
        user = f"{server.netbios}\\{admin.login}"
        rows: tuple[Extra, ...] = (
            rps_http_row(
                server,
                build,
                user=user,
                address=admin.address,
                client="Microsoft WinRM Client",
                query=session,
                action="Command",
                command=cmdlet,
            ),
            cmdlet_row(
                server,
                build,
                user=f"{server.forest}/Admins/{admin.login}",
                cmdlet=cmdlet,
                parameters=parameters,
                sender=user.lower(),
            ),
            cmdlet_event(
                f"{server.forest}/Admins/{admin.login}",
                admin.sid,
                cmdlet,
                parameters,
                application="Remote-ManagementShell-Unknown",
            ),
        )
        made["PowerShell"].append((call, rows))
