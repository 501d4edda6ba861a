"""Findings -> the implants they name, one entity per place however it is spelled.

A web request names an implant by URL path, a cmdlet by the path on disk. The disk path is mapped to
the URL by the longest known web root in it (``content/mappings/web_roots.yml``, handed in), so the
planting and the use of one file meet in one entity.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from exopsy.core.clock import UNTIMED
from exopsy.schema.case import LEVELS, BackdoorKind, Finding
from exopsy.schema.event import EVENT_LOG
from exopsy.schema.rule import RuleInfo

WebRoots = Sequence[tuple[str, str]]
"""(part of a disk path that ends in a backslash, URL path that it is served as)."""

WEB_LOGS = frozenset({"iis-w3c", "httperr", "exchange-httpproxy"})
"""Logs of requests: a path they name was asked for, not written."""

CMDLET_LOGS = frozenset({"exchange-rps-cmdlet", "exchange-audit", "exchange-ecp-server", EVENT_LOG})
"""Logs of what was done: they name a user, and seldom a client."""

_EXECUTABLE = re.compile(
    r"\.(?:aspx|ashx|asmx|asax|ascx|asp|asa|cer|cdx|svc|soap|rem|cshtml|vbhtml|shtml|stm|php|jsp)$"
)
_DRIVE = re.compile(r"^[a-z]:\\", re.IGNORECASE)
_SHARE = re.compile(r"^\\\\([^\\]+)\\([a-z])\$\\", re.IGNORECASE)
_COOKIELESS = re.compile(r"^\((?:[a-z]\([^()]*\))+\)$")
_LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1", ".", "--1.ipv6-literal.net"})


def url_path(text: str) -> str:
    """Reduce a URL path to the one form that names its file.

    Percent-encoding undone until stable, lower case, dot segments resolved, cookieless session
    segments left out, PathInfo after an executable page cut: ``/A/x.aspx/y?z`` is ``/a/x.aspx``.
    """
    for _ in range(4):
        decoded = unquote(text)
        if decoded == text:
            break
        text = decoded
    text = text.split("?", 1)[0].split("#", 1)[0]
    kept: list[str] = []
    for raw in text.lower().replace("\\", "/").split("/"):
        segment = raw.rstrip(" .") if raw not in {".", ".."} else raw
        if segment == "..":
            del kept[-1:]
        elif segment in {"", "."} or _COOKIELESS.match(segment):
            continue
        else:
            kept.append(segment)
            if _EXECUTABLE.search(segment):
                break
    return "/" + "/".join(kept)


def looks_like_disk_path(text: str) -> bool:
    r"""Say whether a value is a Windows path: ``C:\...``, ``\\host\share\...`` (either slash)."""
    flat = text.strip().strip("\"'").replace("/", "\\")
    return bool(_DRIVE.match(flat)) or (flat.startswith("\\\\") and flat.count("\\") >= 4)


def disk_path(text: str, host: str = "") -> str:
    r"""Reduce a Windows path to one form: lower case, single backslashes, local shares as drives.

    ``\\127.0.0.1\C$\inetpub\x.aspx`` is ``c:\inetpub\x.aspx``; the administrative share of another
    machine keeps its name.
    """
    flat = text.strip().strip("\"'").replace("/", "\\").lower()
    flat = flat.removeprefix("\\\\?\\").removeprefix("unc\\")
    is_unc = flat.startswith("\\\\")
    flat = re.sub(r"\\+", lambda _: "\\", flat)
    if is_unc:
        flat = "\\" + flat
    share = _SHARE.match(flat)
    own = {host.lower(), host.lower().split(".")[0]} | _LOCAL_NAMES
    if share and (share[1] in own or share[1].split(".")[0] in own - {""}):
        flat = f"{share[2]}:\\{flat[share.end() :]}"
    kept: list[str] = []
    for segment in flat.split("\\"):
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment.split(":", 1)[0].rstrip(" .") if kept else segment)
    return "\\".join(kept)


def served_as(disk: str, web_roots: WebRoots) -> str | None:
    """Map a disk path to the URL path it is served as, by the longest web root that it holds."""
    found = web_root_of(disk, web_roots)
    if found is None:
        return None
    number, rest = found
    return url_path(f"{web_roots[number][1].rstrip('/')}/{rest}".replace("\\", "/"))


def web_root_of(disk: str, web_roots: WebRoots) -> tuple[int, str] | None:
    r"""Return the number of the longest web root that a disk path holds, and what follows it.

    Of roots of one length the one whose URL path sorts last, as the same folder can be served twice.
    """
    flat = "\\" + disk.lower()
    best: tuple[int, str, int, int] | None = None
    for number, (root, prefix) in enumerate(web_roots):
        marker = "\\" + root.lower().replace("/", "\\").strip("\\") + "\\"
        at = flat.rfind(marker)
        if at >= 0:
            found = (len(marker), prefix, number, at + len(marker))
            best = found if best is None else max(best, found)
    return None if best is None else (best[2], flat[best[3] :])


@dataclass(slots=True)
class Implant:
    """One way back in, and the findings that name it."""

    host: str
    kind: BackdoorKind
    path: str
    """URL path where known, else disk path or the name by which the rule knows it."""
    is_url: bool
    file: str | None = None
    planting: list[Finding] = field(default_factory=list)
    """Findings that show it being made."""
    naming: list[Finding] = field(default_factory=list)
    """Every finding that names it, planting ones too."""

    @property
    def key(self) -> str:
        """Identity that survives a re-run: of host, kind and normalised path."""
        return short_hash(self.host.lower(), self.kind, self.path)


def short_hash(*parts: str) -> str:
    """Hash a few strings into 16 hexadecimal digits."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def find_implants(
    host: str,
    findings: Iterable[Finding],
    rules: Mapping[str, RuleInfo],
    web_roots: WebRoots = (),
) -> list[Implant]:
    """List the implants that findings graded success or use name, ordered by path then kind.

    A state of less than high level (a page that no build ships) makes no implant by itself: it only
    adds to one that something else names.
    """
    found: dict[tuple[str, str], Implant] = {}
    for finding in sorted(findings, key=_is_weak_state):
        if finding.grade == "attempt":
            continue
        for kind, value in _named(finding, rules.get(finding.rule_id), web_roots, host):
            place = _place(host, kind, value, web_roots)
            # A path is one thing whatever kind a rule calls it; a name is one thing per kind.
            identity = ("" if place.file or place.is_url else kind, place.path)
            if _is_weak_state(finding) and identity not in found:
                continue
            known = found.setdefault(identity, place)
            known.kind = min(known.kind, kind, key=lambda k: (k == "other", k != "web-shell", k))
            known.file = min(filter(None, (known.file, place.file)), default=None)
            known.naming.append(finding)
            is_request = finding.log in WEB_LOGS and not place.file
            # What is no page (a role, a rule, an address) is named by the cmdlet that makes it.
            is_made = finding.grade == "success" or finding.log in CMDLET_LOGS
            if not is_request and is_made:
                known.planting.append(finding)
    return sorted(found.values(), key=lambda i: (i.path, i.kind))


def _is_weak_state(finding: Finding) -> bool:
    return finding.first_seen == UNTIMED and LEVELS.index(finding.level) < LEVELS.index("high")


def _named(
    finding: Finding, rule: RuleInfo | None, web_roots: WebRoots, host: str
) -> Iterator[tuple[BackdoorKind, str]]:
    """Yield kind and value of what one finding names."""
    named = ""
    if rule is not None and rule.backdoor_kind:
        named = finding.subject.get(rule.backdoor_field or "", "")
        # A rule that knows of an implant but not its name still found one: its subject is the name.
        yield (
            rule.backdoor_kind,
            named or "; ".join(f"{k}={v}" for k, v in sorted(finding.subject.items())),
        )
    for value in sorted(set(finding.subject.values()) - {named}):
        if "\\" in value:
            url = served_as(disk_path(value, host), web_roots)
            if url and _EXECUTABLE.search(url):
                yield "web-shell", value


def _place(host: str, kind: BackdoorKind, value: str, web_roots: WebRoots) -> Implant:
    disk = disk_path(value, host)
    # Of a collected file the drive may not be known; that it lies in a web root then says enough.
    url = served_as(disk, web_roots) if "\\" in value else None
    if url is not None or looks_like_disk_path(value):
        return Implant(host, kind, url or disk, is_url=url is not None, file=disk)
    if value.startswith("/"):
        return Implant(host, kind, url_path(value), is_url=True)
    return Implant(host, kind, value.strip().lower(), is_url=False)
