"""What mailbox users do, by protocol.

Holds the innocent things that look odd: autodiscover v2 requests with ``@`` and ``Protocol=``,
outdated script folders, wrong passwords, POSTs to shipped ``.aspx`` pages.
"""

from __future__ import annotations

import random
from typing import Any

from exopsy.lab.probes import Pairs
from exopsy.lab.rows import ecp_row, ews_row
from exopsy.lab.server import Build, Person, Server
from exopsy.lab.template import BackEnd, Request

CHALLENGE = "1 2148074254"
_EWS_ACTIONS = "GetFolder FindItem GetItem SyncFolderItems GetUserAvailability GetUserOofSettings GetStreamingEvents".split()
_OWA_ACTIONS = (
    "FindItem GetConversationItems GetReminders UpdateItem CreateItem GetCalendarView".split()
)


def authenticated(
    person: Person, server: Server, protocol: str, stem: str, *, agent: str, query: str = "", method: str = "POST",
    auth: str = "Negotiate", back_query: str | None = None, **more: str,
) -> Request:  # fmt: skip
    """Return an authenticated request that the back end answered."""
    user = more.get("user") or f"{server.netbios}\\{person.login}"
    return Request(
        stem=stem, method=method, query=query, address=more.get("address") or person.address, agent=agent, user=user,
        protocol=protocol, auth=auth, anchor=f"Sid~{person.sid}", action=more.get("action", ""), hint=more.get("hint", ""),
        back_end=BackEnd(stem=stem, query=query if back_query is None else back_query, user=user),
    )  # fmt: skip


def user_requests(server: Server, build: Build, rng: random.Random) -> dict[str, Pairs]:
    """Return what people do, by HttpProxy protocol."""
    made: dict[str, Pairs] = {
        p: [] for p in "Mapi Ews Autodiscover Owa RpcHttp Eas Rest Oab Ecp PowerShell".split()
    }
    for person in server.people:
        _outlook(made, person, server, build, rng)
        _phone(made, person, server)
        _owa(made, person, server, rng)
        _options(made, person, server, build)
    return made


def _outlook(
    made: dict[str, Pairs], person: Person, server: Server, build: Build, rng: random.Random
) -> None:
    agent, mailbox = person.outlook, f"MailboxId={person.mailbox}@example.com"
    for stem in ("/mapi/emsmdb/", "/mapi/emsmdb/", "/mapi/emsmdb/", "/mapi/nspi/"):
        made["Mapi"].append(
            (authenticated(person, server, "Mapi", stem, agent=agent, query=mailbox), ())
        )
    for action in rng.sample(_EWS_ACTIONS, 3):
        row = ews_row(
            server, build, user=person.smtp, agent=agent, address=person.address, action=action
        )
        made["Ews"].append(
            (
                authenticated(
                    person, server, "Ews", "/EWS/Exchange.asmx", agent=agent, auth="NTLM"
                ),
                (row,),
            )
        )
    made["Autodiscover"].append(
        (
            authenticated(
                person,
                server,
                "Autodiscover",
                "/autodiscover/autodiscover.xml",
                agent=agent,
                auth="NTLM",
            ),
            (),
        )
    )
    address: dict[str, Any] = {
        "address": person.address,
        "agent": agent,
        "protocol": "Autodiscover",
    }
    smtp = person.smtp.replace("@", rng.choice(("@", "%40")))
    v2 = Request(
        stem="/autodiscover/autodiscover.json",
        query=f"Email={smtp}&Protocol=ActiveSync&RedirectCount=1",
        **address,
    )
    v1 = Request(
        stem=f"/autodiscover/autodiscover.json/v1.0/{person.smtp}",
        query="Protocol=AutodiscoverV1",
        **address,
    )
    made["Autodiscover"] += [(v2, ()), (v1, ())]
    for method in ("RPC_IN_DATA", "RPC_OUT_DATA"):
        made["RpcHttp"].append(
            (
                authenticated(
                    person,
                    server,
                    "RpcHttp",
                    "/rpc/rpcproxy.dll",
                    agent="MSRPC",
                    query=f"{person.mailbox}@example.com:6001",
                    method=method,
                    auth="NTLM",
                ),
                (),
            )
        )
    book = f"/OAB/{server.database}/"
    for name in ("oab.xml", f"{person.mailbox[:8]}-data-1.lzx"):
        made["Oab"].append(
            (
                authenticated(
                    person, server, "Oab", book + name, agent="Microsoft BITS/7.8", method="GET"
                ),
                (),
            )
        )
    made["Rest"].append(
        (
            authenticated(
                person,
                server,
                "Rest",
                "/api/v2.0/me/messages",
                agent="Outlook-Android/2.0",
                query="$top=10",
                method="GET",
                auth="Bearer",
                user=person.smtp,
            ),
            (),
        )
    )


def _phone(made: dict[str, Pairs], person: Person, server: Server) -> None:
    agent, kind = person.phone
    wrong = Request(
        stem="/Microsoft-Server-ActiveSync/default.eas", method="OPTIONS", address=person.address, agent=agent,
        status=401, substatus="1 1326", protocol="Eas", auth="Basic",
    )  # fmt: skip
    made["Eas"].append((wrong, ()))
    for command in ("Sync", "Ping", "FolderSync"):
        query = f"Cmd={command}&User={server.netbios}%5C{person.login}&DeviceId={person.device}&DeviceType={kind}"
        # the back end adds its own Log= with raw spaces in it
        back = f"{query}&Log=V161_LdapC2_LdapL{len(person.login)}_RpcC12_Hb3540_S1_Error:Sync folder state_As:AllowedG_Mbx:{server.fqdn}"
        made["Eas"].append(
            (
                authenticated(
                    person,
                    server,
                    "Eas",
                    "/Microsoft-Server-ActiveSync/default.eas",
                    agent=agent,
                    query=query,
                    method="POST",
                    auth="Basic",
                    back_query=back,
                ),
                (),
            )
        )


def _owa(made: dict[str, Pairs], person: Person, server: Server, rng: random.Random) -> None:
    agent, upn = person.browser, person.smtp
    for action in rng.sample(_OWA_ACTIONS, 3):
        made["Owa"].append(
            (
                authenticated(
                    person,
                    server,
                    "Owa",
                    "/owa/service.svc",
                    agent=agent,
                    query=f"action={action}&EP=1&ID=-{rng.randrange(10, 400)}&AC=1",
                    auth="FBA",
                    user=upn,
                ),
                (),
            )
        )
    made["Owa"].append(
        (
            authenticated(
                person,
                server,
                "Owa",
                "/owa/ev.owa2",
                agent=agent,
                query="ns=PendingRequest&ev=FinishNotificationRequest&UA=0",
                auth="FBA",
                user=upn,
            ),
            (),
        )
    )
    shared: dict[str, Any] = {
        "address": person.address,
        "agent": agent,
        "protocol": "Owa",
        "auth": "FBA",
    }
    home = f"https%3a%2f%2f{server.mail_host}%2fowa%2f"
    logon = "/owa/auth/logon.aspx"
    made["Owa"] += [
        (Request(stem="/owa/", status=302, **shared), ()),
        (Request(stem=logon, query=f"url={home}&reason=0", **shared), ()),
        (Request(stem=logon, query=f"replaceCurrent=1&reason=2&url={home}", **shared), ()),
        (
            Request(
                stem="/owa/auth.owa",
                method="POST",
                status=302,
                referer=f"https://{server.mail_host}{logon}",
                **shared,
            ),
            (),
        ),
    ]
    errors = (
        Request(
            stem="/owa/auth/15.1.1979/scripts/premium/flogon.js",
            address=person.address,
            agent=agent,
            status=404,
            substatus="0 3",
        ),
        Request(stem="/owa/auth/errorfe.aspx", query="httpCode=500&ts=132587", **shared),
        Request(
            stem="/owa/auth/expiredpassword.aspx",
            method="POST",
            query=f"url=/owa/auth.owa&login={person.login}",
            **shared,
        ),
        Request(stem="/owa/auth/logoff.aspx", query="Cmd=logoff&src=exch", **shared),
        Request(
            stem="/owa/service.svc",
            method="POST",
            query="action=GetReminders&EP=1",
            status=440,
            **shared,
        ),
        Request(
            stem="/owa/auth/frowny.aspx",
            query="app=people&et=ServerError&esrc=MasterPage",
            **shared,
        ),
        Request(stem="/owaa/", address=person.address, agent=agent, status=404, substatus="0 2"),
    )
    made["Owa"].append((rng.choice(errors), ()))


def _options(made: dict[str, Pairs], person: Person, server: Server, build: Build) -> None:
    canary = f"msExchEcpCanary={person.mailbox.replace('-', '')[:20]}."
    for service, command in (
        ("RulesEditor/InboxRules.svc/GetList", "Get-InboxRule"),
        (
            "PersonalSettings/RegionalSettings.svc/GetObject",
            "Pipeline.1|Get-MailboxRegionalConfiguration",
        ),
    ):
        row = ecp_row(server, build, command=command, url=f"/ecp/{service}?{canary}")
        made["Ecp"].append(
            (
                authenticated(
                    person,
                    server,
                    "Ecp",
                    f"/ecp/{service}",
                    agent=person.browser,
                    query=canary,
                    auth="FBA",
                    user=person.smtp,
                ),
                (row,),
            )
        )
    made["Ecp"].append(
        (
            authenticated(
                person,
                server,
                "Ecp",
                "/ecp/",
                agent=person.browser,
                query="rfr=owa&p=account",
                method="GET",
                auth="FBA",
                user=person.smtp,
            ),
            (),
        )
    )


def challenges(server: Server) -> Pairs:
    """Return the anonymous first requests that clients send before they log on."""
    made: Pairs = []
    for person in server.people:
        for protocol, stem, auth in (
            ("Mapi", "/mapi/emsmdb/", "Negotiate"),
            ("Mapi", "/mapi/nspi/", "Negotiate"),
            ("Ews", "/EWS/Exchange.asmx", "NTLM"),
            ("Autodiscover", "/autodiscover/autodiscover.xml", "NTLM"),
            ("RpcHttp", "/rpc/rpcproxy.dll", "NTLM"),
        ):
            request = Request(
                stem=stem, method="POST", address=person.address, agent=person.outlook, status=401, substatus=CHALLENGE,
                protocol=protocol, auth=auth, took=(0, 12),
            )  # fmt: skip
            made.append((request, ()))
    return made


def static_files(server: Server, build: Build) -> Pairs:
    """Return scripts, styles and pictures of OWA and ECP: in IIS only."""
    stems = (
        f"/owa/auth/{build.update}/themes/resources/favicon.ico",
        f"/owa/auth/{build.update}/themes/resources/logon.css",
        f"/owa/auth/{build.update}/themes/resources/owa_text_blue.png",
        f"/owa/auth/{build.update}/scripts/premium/fexppw.js",
        f"/owa/prem/{build.text}/scripts/boot.worldwide.0.mouse.js",
        f"/owa/prem/{build.text}/resources/styles/0/boot.worldwide.mouse.css",
        f"/ecp/{build.text}/scripts/js.axd",
        f"/ecp/{build.text}/themes/default/main_default.css",
        f"/ecp/{build.text}/scripts/common.js",
        "/owa/auth/flogon.js",
    )
    return [
        (
            Request(
                stem=stem,
                address=person.address,
                agent=person.browser,
                status=304 if i % 3 else 200,
                referer=f"https://{server.mail_host}/owa/auth/logon.aspx",
                took=(0, 40),
            ),
            (),
        )
        for person in server.people
        for i, stem in enumerate(stems)
    ]
