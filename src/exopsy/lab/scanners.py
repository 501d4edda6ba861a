"""What the internet sends to every server that faces it: harmless background, and mass scanners.

Harmless: a look at ``/``, favicon, zgrab, ``.php`` names. Mass scanners: requests of the known
chains and sweeps over shell names, every one refused or unanswered; whether a chain's requests
are sent at all depends on the year (see ``scenarios``).
"""

from __future__ import annotations

import random

from exopsy.lab.server import Server
from exopsy.lab.template import Request

ZGRAB = "Mozilla/5.0 zgrab/0.x"
AGENTS = (
    ZGRAB,
    "Go-http-client/1.1",
    "python-requests/2.26.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/60.0.3112.113 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/86.0.4240.111 Safari/537.36",
    "masscan/1.3 (https://example.org/masscan)",
    "",
)
HARMLESS_404 = (
    "/favicon.ico", "/robots.txt", "/.env", "/wp-login.php", "/phpmyadmin/index.php", "/index.php",
    "/vendor/phpunit/phpunit/Util/PHP/version.php", "/cgi-bin/test.cgi", "/manager/html", "/admin.asp",
    "/HNAP1", "/sitemap.xml", "/boaform/admin/formLogin", "/.git/config", "/owa/admin.cfg", "/solr/",
)  # fmt: skip
SWEEP_NAMES = (
    "shell.aspx discover.aspx supp0rt.aspx HttpProxy.aspx OutlookEN.aspx errorEE.aspx error.aspx "
    "aspnet.aspx load.aspx one.aspx t.aspx web.aspx xx.aspx sol.aspx bob.aspx a.aspx log.aspx getpp.aspx"
).split()
SSRF_NAMES = "y x proxy temp 7s9a main".split()


def harmless(rng: random.Random, server: Server, count: int) -> list[Request]:
    """Requests without any intent to break in."""
    made = []
    for _ in range(count):
        address, agent = server.addresses.stranger(), rng.choice(AGENTS)
        kind = rng.random()
        if kind < 0.3:
            made.append(Request(stem="/", address=address, agent=agent, status=302))
        elif kind < 0.42:
            made.append(
                Request(
                    stem="/ecp/Current/exporttool/microsoft.exchange.ediscovery.exporttool.application",
                    address=address,
                    agent=ZGRAB,
                    protocol="Ecp",
                    auth="FBA",
                    anchor="ServerVersion~Version 15.0 (Build 0.0)",
                    hint="EDiscoveryExportTool-ServerVersion",
                    host=server.public_address,
                    status=302,
                )
            )
        elif kind < 0.6:
            made.append(
                Request(
                    stem="/owa/",
                    address=address,
                    agent=agent,
                    status=302,
                    protocol="Owa",
                    auth="FBA",
                    host=server.public_address,
                )
            )
        elif kind < 0.7:
            made.append(
                Request(
                    stem="/rpc",
                    address=address,
                    agent=agent,
                    status=401,
                    protocol="RpcHttp",
                    auth="NTLM",
                    host=server.public_address,
                )
            )
        else:
            made.append(_unknown(rng.choice(HARMLESS_404), address, agent))
    return made


def _unknown(stem: str, address: str, agent: str, method: str = "GET") -> Request:
    """A name that does not exist: 302 to the logon page under /owa and /ecp, else 404."""
    folder = stem.split("/")[1].lower()
    if folder in ("owa", "ecp"):
        return Request(
            stem=stem,
            method=method,
            address=address,
            agent=agent,
            status=302,
            protocol=folder.capitalize(),
            auth="FBA",
        )
    return Request(
        stem=stem, method=method, address=address, agent=agent, status=404, substatus="0 2"
    )


def shell_sweep(
    rng: random.Random, server: Server, count: int, avoid: frozenset[str] = frozenset()
) -> list[Request]:
    """Requests for shell names that never existed here; ``avoid`` holds lower-case true paths."""
    made: list[Request] = []
    while len(made) < count:
        address, agent = server.addresses.stranger(), rng.choice(AGENTS)
        for _ in range(rng.randrange(1, 9)):
            folder = rng.choice(
                ("/aspnet_client/", "/owa/auth/", "/ecp/auth/", "/aspnet_client/system_web/")
            )
            stem = folder + rng.choice(SWEEP_NAMES)
            if stem.lower() not in avoid:
                made.append(
                    _unknown(stem, address, agent, rng.choice(("GET", "GET", "POST", "HEAD")))
                )
    return made[:count]


def chain_probes(rng: random.Random, server: Server, chain: str, count: int) -> list[Request]:
    """Requests of a chain's first leg that came to nothing."""
    make = {"proxylogon": _proxylogon_probe, "proxyshell": _proxyshell_probe}[chain]
    return [make(rng, server) for _ in range(count)]


def _proxylogon_probe(rng: random.Random, server: Server) -> Request:
    stem = rng.choice(("/ecp/%s.js", "/owa/auth/%s.js", "/ecp/%s.js")) % rng.choice(SSRF_NAMES)
    status = rng.choice((302, 404, 400, 500, 500))
    reached = status in (400, 500) and rng.random() < 0.6
    return Request(
        stem=stem,
        method=rng.choice(("POST", "GET")),
        address=server.addresses.stranger(),
        agent=rng.choice(AGENTS),
        status=status,
        protocol="Ecp" if stem.startswith("/ecp") else "Owa",
        auth="FBA",
        anchor="ServerInfo~localhost]@localhost:444/autodiscover/autodiscover.xml?#"
        if reached
        else "",
        hint="X-BEResource-Cookie" if reached else "",
        error="BackEndServerInvalid HttpProxyException=rejected cookie;" if reached else "",
        host=server.public_address,
    )


def _proxyshell_probe(rng: random.Random, server: Server) -> Request:
    domain = rng.choice(("test.com", "foo.example", "evil.example"))
    leg = rng.choice(("/owa/?", "/mapi/nspi/?", "/ews/exchange.asmx?", "/powershell/?"))
    at = rng.choice(("@", "@", "%40"))
    query = f"{at}{domain}{leg}&Email=autodiscover/autodiscover.json%3F{at}{domain}"
    return Request(
        stem="/autodiscover/autodiscover.json",
        query=query,
        address=server.addresses.stranger(),
        agent=rng.choice(AGENTS),
        status=rng.choice((401, 401, 404)),
        protocol="Autodiscover",
        host=server.public_address,
    )
