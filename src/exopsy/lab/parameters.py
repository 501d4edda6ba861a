"""The ranges that a seed draws from: agents, names, spellings, paces.

Two sets. ``default`` is what tests of rules and of correlation may meet; ``measure`` is kept for
measuring only, so that a rule or a threshold was never tuned on it.
"""

from __future__ import annotations

import msgspec


class Ranges(msgspec.Struct, frozen=True, kw_only=True):
    """What may vary between two labs of one scenario."""

    chain_agents: tuple[str, ...]
    """User agents of the exploit's own requests."""
    shell_agents: tuple[str, ...]
    """User agents of people who use a shell; each operator of a lab gets another."""
    rare_agents: tuple[str, ...]
    """For the operator with two addresses: rare enough to tie them."""
    researcher_agents: tuple[str, ...]
    psrp_clients: tuple[str, ...]
    """What a remote PowerShell tool calls itself."""
    ssrf_stems: tuple[str, ...]
    """``%s`` is a short random name."""
    shell_words: tuple[str, ...]
    """Look-alike shell names."""
    shell_alphabet: str
    shell_lengths: tuple[int, int]
    shell_folders: tuple[str, ...]
    mail_domains: tuple[str, ...]
    """Made-up domains after the ``@`` of a confused autodiscover request."""
    command_queries: tuple[str, ...]
    shell_commands: tuple[str, ...]
    """What is run through a shell: the program's name and its arguments."""
    ats: tuple[str, ...]
    """Spellings of ``@`` in a query."""
    powershells: tuple[str, ...]
    """Spellings of the back-end path's name."""
    external_urls: tuple[str, ...]
    """Where the inert page text hides in the OAB's ExternalUrl."""
    leg_pause: tuple[float, float]
    """Seconds between two legs of a chain."""
    use_pause: tuple[float, float]
    """Seconds between two requests of a shell session."""
    uses: tuple[int, int]
    """Requests of one shell session."""
    odd_spelling: float
    """Share of shell requests with changed case or percent-encoding."""


DEFAULT = Ranges(
    chain_agents=(
        "ExchangeServicesClient/0.0.0.0",
        "python-requests/2.25.1",
        "python-requests/2.18.4",
    ),
    shell_agents=(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/74.0.3729.169 Safari/537.36",
        "antSword/v2.1",
        "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
        "Mozilla/5.0 (Windows NT 6.1; WOW64; rv:54.0) Gecko/20100101 Firefox/54.0",
        "python-requests/2.23.0",
        "Opera/9.80 (Windows NT 5.1; U; zh-sg) Presto/2.9.181 Version/12.00",
        "curl/7.55.1",
    ),
    rare_agents=(
        "Mozilla/5.0 (X11; Linux i686; rv:29.0) Gecko/20100101 Firefox/29.0 SeaMonkey/2.26",
        "DuckDuckBot/1.0 (+http://duckduckgo.com/duckduckbot.html) x86",
        "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 5.2; InfoPath.9; .NET4.0Q)",
    ),
    researcher_agents=(
        "Mozilla/5.0 (compatible; research-notify/1.0; +https://research.example.org/)",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/88.0.4324.192 Safari/537.36",
    ),
    psrp_clients=("Python PSRP Client", "Python WSMan Client"),
    ssrf_stems=("/ecp/%s.js", "/ecp/%s.js", "/owa/auth/%s.js", "/ecp/default.flt", "/ecp/main.css"),
    shell_words=(
        "errorEE",
        "OutlookEN",
        "supp0rt",
        "HttpProxy",
        "logout",
        "RedirSuiteServerProxy",
        "discover",
        "shell",
        "errorEW",
    ),
    shell_alphabet="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    shell_lengths=(5, 12),
    shell_folders=("/aspnet_client/", "/aspnet_client/system_web/", "/owa/auth/", "/ecp/auth/"),
    mail_domains=("foo.com.example", "evil.example", "a.example"),
    command_queries=("cmd=whoami", "exec_code=ipconfig", "c=net+user"),
    shell_commands=("whoami", "ipconfig /all", "net user", "quser", "tasklist /svc", "systeminfo"),
    ats=("@", "%40"),
    powershells=("powershell", "PowerShell", "powershell"),
    external_urls=("http://f/", "http://ffff/#", "http://o/#"),
    leg_pause=(1.2, 9.0),
    use_pause=(3.0, 90.0),
    uses=(4, 14),
    odd_spelling=0.08,
)

MEASURE = Ranges(
    chain_agents=(
        "python-requests/2.28.2",
        "Go-http-client/1.1",
        "Mozilla/5.0 (Windows NT 10.0; rv:78.0) Gecko/20100101 Firefox/78.0",
        "Hello-World",
    ),
    shell_agents=(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/96.0.4664.45 Safari/537.36 Edg/96.0.1054.29",
        "Java/1.8.0_212",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 13_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
        "Mozilla/5.0 (Windows; U; Windows NT 5.1; en-US; rv:1.9.0.8) Gecko/2009032609 Firefox/3.0.8",
        "python-httpx/0.18.2",
        "Mozilla/5.0 (Windows NT 6.3; Trident/7.0; rv:11.0) like Gecko",
        "axios/0.21.1",
    ),
    rare_agents=(
        "Mozilla/5.0 (Nintendo WiiU) AppleWebKit/536.28 (KHTML, like Gecko) NX/3.0.3",
        "Lynx/2.8.4rel.1 libwww-FM/2.14",
        "Mozilla/5.0 (PlayStation 4 3.11) AppleWebKit/537.73",
    ),
    researcher_agents=(
        "internet-health-check/2.2 (+https://survey.example.net)",
        "Wget/1.20.3 (linux-gnu)",
    ),
    psrp_clients=("Ruby WinRM Client", "go-winrm", "PowerShell Remoting 2"),
    ssrf_stems=("/ecp/%s.js", "/owa/auth/%s.css", "/ecp/%s.png", "/ecp/%s.html"),
    shell_words=(
        "timeout",
        "errorFF",
        "OutlookJP",
        "aspnet_www",
        "healthcheck",
        "expiredpasword",
        "getpp",
        "web_config",
    ),
    shell_alphabet="abcdefghijklmnopqrstuvwxyz0123456789",
    shell_lengths=(4, 20),
    shell_folders=(
        "/aspnet_client/",
        "/owa/auth/",
        "/owa/auth/Current/",
        "/ecp/auth/",
        "/owa/auth/Current/themes/",
    ),
    mail_domains=("1.example", "mail.example.net", "z9q.example"),
    shell_commands=(
        "whoami /groups",
        "netstat -ano",
        "nltest /dclist:",
        "net localgroup administrators",
        "hostname",
        "query session",
    ),
    command_queries=("q=tasklist", "data=systeminfo", "z=dir+c%3a", "command=net+group"),
    ats=("%40", "%2540", "@"),
    powershells=("%70owershell", "POWERSHELL", "PowErShEll", "power%73hell"),
    external_urls=("http://a/", "http://x.example/#", "https://127.0.0.1/#", "http://g/"),
    leg_pause=(0.4, 240.0),
    use_pause=(0.6, 1500.0),
    uses=(2, 30),
    odd_spelling=0.25,
)

PARAMETERS: dict[str, Ranges] = {"default": DEFAULT, "measure": MEASURE}
