"""A member's path in -> what the collector's layout says of it: the server, the IIS site.

Only hints: a collection may be renamed or flattened, and then the content has to say. Layouts:
KAPE writes ``<host>/C/...`` or ``2021-03-10T101112_<host>/C/...``; Velociraptor's collector
``Collection-<host with _ for .>-<time>.zip`` with ``uploads/auto/C%3A/...`` in it, its server
``<host>-C.<client>-F.<flow>.zip``; ExchangeLogCollector (CSS-Exchange) one folder per server with
``IIS_W3SVC1_Logs`` and the like in it; by hand, often one folder per server.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

_ARCHIVE = re.compile(r"(\.(zip|7z|tar|tgz|gz|xz|txz|bz2|zst))*!$", re.IGNORECASE)
# C%3A, C:, C_ or C, and Velociraptor's raw volume \\.\C: as %5C%5C.%5CC%3A
_DRIVE = re.compile(r"(?:\\\\[.?]\\)?([A-Za-z])(?::|_|)")
_SITE = re.compile(r"(?:IIS_)?(W3SVC\d{1,9})(?:_Logs)?", re.IGNORECASE)
_COLLECTOR_FOLDER = re.compile(
    r"""(?:EWS|RCA|EAS|AutoD|OWA|MAPI|ECP|OAB|PowerShell)_(?:BE_|Proxy_|Proxy_Calendar_)?Logs
    | OAB_Generation_(?:Simple_)?Logs | CmdletInfra_Logs | Mitigation_Service_Logs
    | Message_Tracking_Logs | (?:Hub|FE|MBX)_\w+_Protocol_Logs | (?:FE|Hub)_Transport_Agent_Logs
    | IIS_W3SVC\d+_Logs | HTTPERR_Logs | Windows_Event_Logs""",
    re.IGNORECASE | re.VERBOSE,
)
_SERVER_FOLDER = re.compile(
    r"""inetpub | LogFiles | W3SVC\d+ | HTTPERR | Program\ Files | Exchange\ Server | ExchSrvr
    | V1[45] | Logging | TransportRoles | HttpProxy | CmdletInfra | MessageTracking
    | Message_Tracking""",
    re.IGNORECASE | re.VERBOSE,
)
_VELOCIRAPTOR = re.compile(r"Collection-(.+?)-\d{4}-\d\d-\d\d.*", re.IGNORECASE)
_VELOCIRAPTOR_SERVER = re.compile(r"(.+?)-C\.[0-9a-f]{8,}(?:-F\..+)?", re.IGNORECASE)
_DATED = re.compile(r"\d{4}-?\d\d-?\d\dT?[\d_.-]*Z?[_-](.+)")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}(?:\.[A-Za-z0-9-]{1,63}){0,8}")
_LIKE_A_MAIL_SERVER = re.compile(r"\d|ex|mail|mbx|cas|srv", re.IGNORECASE)
_GENERIC = re.compile(
    r"""\d[\d_.T-]*Z? | (?:case|job|ticket|inc|incident|disk|image|part|server|host|client)s?[-_]?\d*
    | [CFH]\.[0-9A-Za-z.]+ | clients | collections | uploads | auto | ntfs | lazy_ntfs | file | raw
    | results | kape | velociraptor | triage | tdest | msdest | targets? | out(?:put)? | data
    | evidence | collection | artifacts | logs? | iis | iis_?logs | exchange | exchange_?logs
    | myexchangelogs | export | backup | temp | tmp | unnamed | [A-Za-z]""",
    re.IGNORECASE | re.VERBOSE,
)


def host_hint(path: str) -> str | None:
    """Return the server a path belongs to where the layout names it, as written there.

    Of a fully qualified name the first label is returned, as the logs write it.
    """
    parts = _parts(path)
    for part in parts:
        if host := _named_by_velociraptor(part):
            return host
    for index, part in enumerate(parts[:-1]):
        # the last part is the file's own name
        if index and (_DRIVE.fullmatch(part) or _COLLECTOR_FOLDER.fullmatch(part)):
            return _before(parts, index)
        if index and _SERVER_FOLDER.fullmatch(part):
            host = _before(parts, index)
            return host if host and _LIKE_A_MAIL_SERVER.search(host) else None
    return None


def site_hint(path: str) -> str:
    """Return ``W3SVC1``, ``W3SVC2``, ... from the nearest folder that names an IIS site, or ``""``."""
    for part in reversed(_parts(path)):
        if match := _SITE.fullmatch(part):
            return match[1].upper()
    return ""


def plain_path(path: str) -> str:
    """Undo Velociraptor's percent-encoding of uploaded names: ``C%3A/inetpub`` -> ``C/inetpub``.

    Only below its ``uploads`` folder; elsewhere a percent sign is part of the name.
    """
    parts = path.split("/")
    if "uploads" not in parts:
        return path
    start = parts.index("uploads")
    decoded = [unquote(part, errors="replace") for part in parts[start:]]
    plain = [drive[1] if (drive := _DRIVE.fullmatch(part)) else part for part in decoded]
    # a decoded name may hold a separator; as it is only shown and matched, it is kept apart
    return "/".join(parts[:start] + [part.replace("/", "_") for part in plain])


def drive_path(path: str) -> str | None:
    r"""Return where a file lay on its server: ``C:\inetpub\x.aspx``, without drive if none is named.

    What lies in an archive that itself lay on the server (no folder of a drive in it, but around it)
    lay in no folder there: None.
    """
    layers = plain_path(path).split("!/")
    for layer in layers:
        parts = layer.split("/")
        at = next((i for i, part in enumerate(parts[:-1]) if _DRIVE.fullmatch(part)), None)
        if at is not None:
            if layer is not layers[-1]:
                return None
            drive = _DRIVE.fullmatch(parts[at])
            assert drive is not None
            return f"{drive[1].upper()}:\\" + "\\".join(parts[at + 1 :])
    return "\\" + layers[-1].replace("/", "\\")


def _parts(path: str) -> list[str]:
    return [_ARCHIVE.sub("", part) for part in plain_path(path).split("/")]


def _named_by_velociraptor(part: str) -> str | None:
    if match := _VELOCIRAPTOR.fullmatch(part):
        return _first_label(match[1])
    if match := _VELOCIRAPTOR_SERVER.fullmatch(part):
        return _first_label(match[1])
    return None


def _first_label(name: str) -> str | None:
    """``EX01_example_com`` and ``EX01.example.com`` -> ``EX01``; ``SRV_EX01`` stays."""
    if "." in name:
        name = name.partition(".")[0]
    elif re.fullmatch(r"[A-Za-z]{2,12}", name.rpartition("_")[2]):
        name = name.partition("_")[0]
    return name if _HOST.fullmatch(name) else None


def _before(parts: list[str], index: int) -> str | None:
    """Return the nearest part to the left that can be a server's name."""
    for part in reversed(parts[:index]):
        dated = _DATED.fullmatch(part)
        name = dated[1] if dated else part
        if _HOST.fullmatch(name) and not _GENERIC.fullmatch(name):
            return name.partition(".")[0]
        if not _GENERIC.fullmatch(name):
            return None
    return None
