"""A request -> the lines that every log of the server writes about it, as prepared formats.

The hot loop only fills in time, request id and a number. One request is one line in the IIS log
of the front site; when Exchange handled it, one in ``HttpProxy`` with the same id (``cafeReqId``
in IIS, ``RequestId`` there); when it reached the back end, one in the IIS log of the back-end
site with that id too. Log rows that belong to it but carry their own ids ride along as ``extras``.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from exopsy.lab.server import Build, Server
from exopsy.schema.columns import COLUMNS

PROXY_COLUMNS = COLUMNS["exchange-httpproxy"].columns
IIS_FIELDS = (
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) "
    "cs(Referer) sc-status sc-substatus sc-win32-status time-taken"
)


class BackEnd(msgspec.Struct, frozen=True, kw_only=True):
    """What the back-end site saw of a request."""

    stem: str
    query: str = ""
    user: str = ""
    status: int = 200
    agent: str | None = None
    """``None``: the front end's."""
    method: str | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One web request as its client sent it and the server answered it."""

    stem: str
    method: str = "GET"
    query: str = ""
    address: str = "127.0.0.1"
    agent: str = ""
    user: str = ""
    """Empty: nobody was logged on."""
    status: int = 200
    substatus: str = "0 0"
    protocol: str = ""
    """The HttpProxy folder; empty when Exchange did not handle the request (static, aspnet_client)."""
    auth: str = ""
    anchor: str = ""
    hint: str = ""
    target: str | None = None
    """HttpProxy ``TargetServer``; ``None``: the server itself when there is a back end."""
    action: str = ""
    error: str = ""
    host: str = ""
    back_end: BackEnd | None = None
    referer: str = ""
    took: tuple[int, int] = (3, 120)
    """Milliseconds, from and how many more."""


class Extra(NamedTuple):
    """A row for another log; ``text`` is a format over ``t`` (time), ``g`` (id) and ``n``."""

    sink: str
    text: str


class Template(NamedTuple):
    """The prepared lines of a request; every format ends with CRLF."""

    front: str
    """Arguments: date and time, request id (if ``joined``), milliseconds. Empty: none."""
    joined: bool
    protocol: str
    proxy: str
    """Arguments: time, id, request bytes, response bytes, milliseconds, time, time."""
    back: str
    """Arguments: date and time, request id, milliseconds."""
    took_from: int
    took_more: int
    extras: tuple[Extra, ...]


EVENTS = "events"
"""The sink of extras that text logs do not write: what event logs say of the same moment."""
_UNIT = "\x1f"


class Moment(NamedTuple):
    """What an ``event_extra`` told of, as it happened."""

    stamp: str
    """``2021-03-03T04:05:06.789Z``: as the request's lines have it."""
    activity: str
    """The id that the rows of other logs carry for it."""
    took: float
    """Seconds."""
    name: str
    values: tuple[str, ...]


def event_extra(name: str, *values: str) -> Extra:
    """Return an extra for the event logs; ``name`` says what happened."""
    return Extra(EVENTS, _UNIT.join(("%(t)s", "%(g)s", "%(n)d", name, *map(literal, values))))


def read_moment(text: str) -> Moment:
    """Read what an ``event_extra`` became."""
    stamp, activity, took, name, *values = text.split(_UNIT)
    return Moment(stamp, activity, int(took) / 1000, name, tuple(values))


def cell(value: str) -> str:
    """Quote a CSV cell the way Exchange does: only when it must be."""
    if "," in value or '"' in value or "\n" in value:
        return '"' + value.replace('"', '""') + '"'
    return value


def csv_row(columns: tuple[str, ...], values: dict[str, str]) -> str:
    """Join cells in column order, with CRLF; ``%`` in values is the caller's business."""
    return ",".join(cell(values[c]) if c in values else "" for c in columns) + "\r\n"


def literal(text: str) -> str:
    """Make text safe to stand in a format."""
    return text.replace("%", "%%")


def _plus(text: str) -> str:
    return literal(text.replace(" ", "+")) or "-"


def compile_request(
    request: Request, server: Server, build: Build, extras: tuple[Extra, ...] = ()
) -> Template:
    """Prepare the lines of a request."""
    joined = bool(request.protocol)
    loopback = request.address in ("127.0.0.1", "::1")
    own = request.address if loopback else server.address
    query = literal(request.query)
    if joined:
        query += "&CorrelationID=<empty>;&cafeReqId=%s;&encoding=;"
    front = (
        f"%s {own} {request.method} {literal(request.stem)} {query or '-'} 443 {_plus(request.user)} "
        f"{request.address} {_plus(request.agent)} {_plus(request.referer)} "
        f"{request.status} {request.substatus} %d\r\n"
    )
    return Template(
        front,
        joined,
        request.protocol,
        _proxy_row(request, server, build) if joined else "",
        _back_row(request, server) if request.back_end else "",
        *request.took,
        extras,
    )


def _back_row(request: Request, server: Server) -> str:
    back = request.back_end
    assert back is not None
    agent = request.agent if back.agent is None else back.agent
    return (
        f"%s {server.address} {back.method or request.method} {literal(back.stem)} "
        f"{literal(back.query)}&CorrelationID=<empty>;&cafeReqId=%s; 444 {_plus(back.user)} "
        f"{server.address} {_plus(agent)} - {back.status} 0 0 %d\r\n"
    )


def _proxy_row(request: Request, server: Server, build: Build) -> str:
    major, minor, number, revision = build.parts
    values = {
        "DateTime": "%s",
        "RequestId": "%s",
        "MajorVersion": major,
        "MinorVersion": minor,
        "BuildVersion": number,
        "RevisionVersion": revision,
        "Protocol": request.protocol,
        "UrlHost": request.host or server.mail_host,
        "UrlStem": literal(request.stem),
        "ProtocolAction": request.action,
        "AuthenticationType": request.auth,
        "IsAuthenticated": "true" if request.user else "false",
        "AuthenticatedUser": literal(request.user),
        "AnchorMailbox": literal(request.anchor),
        "UserAgent": literal(request.agent.replace(",", " ")),
        "ClientIpAddress": request.address,
        "ServerHostName": server.name,
        "HttpStatus": str(request.status),
        "ErrorCode": request.error.partition(" ")[0],
        "Method": request.method,
        "RequestBytes": "%d",
        "ResponseBytes": "%d",
        "TotalRequestTime": "%d",
        "UrlQuery": literal(f"?{request.query}") if request.query else "",
        "GenericInfo": "BeginRequest=%s;CorrelationID=<empty>;SharedCacheGuard=0;EndRequest=%s;",
        "GenericErrors": literal(request.error),
    }
    if request.back_end:
        target = server.fqdn if request.target is None else request.target
        values |= {
            "BackEndStatus": str(request.back_end.status),
            "ProxyAction": "Proxy",
            "TargetServer": literal(target),
            "TargetServerVersion": f"{build.padded.rpartition('.')[0]}.000",
            "RoutingType": "IntraForest",
            "RoutingHint": request.hint or "WindowsIdentity",
            "GenericInfo": "BeginRequest=%s;CorrelationID=<empty>;ProxyState-Run=None;"
            f"FEAuth=BEVersion-1942063431;NewConnection={server.address}&0;"
            "ProxyState-Complete=ProxyResponseData;SharedCacheGuard=0;EndRequest=%s;",
            "RoutingStatus": "CafeV1",
        }
        if request.user and not request.hint:
            values["BackEndCookie"] = (
                f"Database~{server.database}~~2031-01-01T00:00:00~{server.forest}~1"
            )
    elif request.hint:
        values["RoutingHint"] = request.hint
    return csv_row(PROXY_COLUMNS, values)
