"""Rows of the logs beside HttpProxy and IIS: EWS, ECP server, remote PowerShell, message tracking."""

from __future__ import annotations

from exopsy.lab.server import Build, Server
from exopsy.lab.template import Extra, csv_row, event_extra, literal
from exopsy.schema.columns import COLUMNS

EWS = COLUMNS["exchange-ews"].columns
RPS_HTTP = COLUMNS["exchange-rps-http"].columns
RPS_CMDLET = COLUMNS["exchange-rps-cmdlet"].columns
TRACKING = COLUMNS["exchange-message-tracking"].columns
POWERSHELL_PID = 15756
"""The worker process of remote PowerShell, in every log that names it."""


def _version(build: Build) -> dict[str, str]:
    major, minor, number, revision = build.parts
    return {
        "MajorVersion": major,
        "MinorVersion": minor,
        "BuildVersion": number,
        "RevisionVersion": revision,
    }


def ews_row(
    server: Server,
    build: Build,
    *,
    user: str,
    agent: str,
    address: str,
    action: str,
    status: int = 200,
    impersonated: str = "",
) -> Extra:
    """Return a row of the EWS log; bodies are never in it."""
    values = _version(build) | {
        "DateTime": "%(t)s",
        "RequestId": "%(g)s",
        "Ring": "Unknown",
        "AuthenticationType": "Logon",
        "IsAuthenticated": "true",
        "AuthenticatedUser": literal(user),
        "Organization": server.forest.upper(),
        "UserAgent": literal(agent),
        "VersionInfo": "Target=None;Req=Exchange2013_SP1/Exchange2013_SP1;",
        "ClientIpAddress": address,
        "ServerHostName": server.name,
        "FrontEndServer": server.fqdn.upper(),
        "SoapAction": action,
        "HttpStatus": str(status),
        "RequestSize": "%(n)d",
        "ResponseSize": "%(n)d7",
        "ImpersonatedUser": literal(impersonated),
        "PrimaryOrProxyServer": "PrimaryServer",
        "TaskType": "LocalTask",
        "RemoteBackendCount": "0",
        "LocalMailboxCount": "1",
        "TotalRequestTime": "%(n)d",
        "GenericInfo": "SKU=Unknown;RequestHandler=Wcf;BackEndAuthenticator=WindowsAuthenticator;",
        "WorkClassification": "Interactive",
    }
    return Extra("ews", csv_row(EWS, values))


def ecp_row(
    server: Server, build: Build, *, command: str, url: str, error: str = "", actid: str = "%(g)s"
) -> Extra:
    """Return a row of the ECP server log.

    ``command`` is the value of ``S:CMD``; the pair is wrapped in single quotes when its value holds
    ``;`` or ``=``, with inner quotes doubled.
    """
    wrapped = f"S:CMD={command}"
    if "=" in command or ";" in command:
        wrapped = "'S:CMD=" + command.replace("'", "''") + "'"
    bag = (
        f"S:TIME=%(n)d;S:SID=%(g)s;{literal(wrapped)};S:REQID=;S:URL={literal(url)};S:REFERRER=;"
        f"S:EX={literal(error)};S:ACTID={actid};S:RS=0;S:BLD={build.text};S:TNAME=<null>;S:TID=;"
        "S:USID=;S:EDOID=;S:ACID="
    )
    values = {
        "TimeStamp": "%(t)s",
        "ServerName": server.name,
        "EventId": "ECP.Request",
        "EventData": bag,
    }
    return Extra("ecp-server", csv_row(COLUMNS["exchange-ecp-server"].columns, values))


def rps_http_row(
    server: Server,
    build: Build,
    *,
    user: str,
    address: str,
    client: str,
    query: str,
    action: str = "Receive",
    command: str = "",
    stem: str = "/powershell",
) -> Extra:
    """Return a row of the remote PowerShell HTTP log."""
    values = _version(build) | {
        "DateTime": "%(t)s",
        "StartTime": "%(t)s",
        "RequestId": "%(g)s",
        "UrlHost": f"{server.fqdn}:444",
        "UrlStem": literal(stem),
        "AuthenticationType": "Kerberos",
        "IsAuthenticated": "true",
        "AuthenticatedUser": literal(user),
        "ClientIpAddress": address,
        "ServerHostName": server.name,
        "FrontEndServer": server.fqdn.upper(),
        "HttpStatus": "200",
        "Action": action,
        "CommandName": command,
        "RequestBytes": "%(n)d4",
        "ClientInfo": literal(client),
        "TotalTime": "%(n)d",
        "UrlQuery": literal(f"?{query}"),
    }
    return Extra("rps-http", csv_row(RPS_HTTP, values))


def cmdlet_row(
    server: Server,
    build: Build,
    *,
    user: str,
    cmdlet: str,
    parameters: str,
    application: str = "ManagementShell",
    result: str = "Success",
    sender: str = "",
) -> Extra:
    """Return a row of the remote PowerShell cmdlet log."""
    values = _version(build) | {
        "DateTime": "%(t)s",
        "StartTime": "%(t)s",
        "RequestId": "%(g)s",
        "ServerHostName": server.name,
        "ProcessId": str(POWERSHELL_PID),
        "ProcessName": "w3wp#MSExchangePowerShellAppPool",
        "ThreadId": "85",
        "AuthenticatedUser": literal(user),
        "ExecutingUserSid": f"{server.domain_sid}-1001",
        "IsAdmin": "False" if application == "ActiveMonitor" else "True",
        "ClientApplication": literal(application),
        "Cmdlet": cmdlet,
        "Parameters": literal(parameters),
        "CmdletUniqueId": "%(g)s",
        "RunspaceSettingsCreationHint": "GCRandomly",
        "ADViewEntireForest": "False",
        "ADRecipientViewRoot": server.forest,
        "ProxiedObjectCount": "0",
        "BizLogic": "9",
        "TotalTime": "%(n)d",
        "ErrorType": "" if result == "Success" else "UnhandledError",
        "ExecutionResult": result,
        "GenericInfo": f"PSSenderInfo={literal(sender or user)};",
        "NonPiiParameters": literal(parameters),
    }
    return Extra("rps-cmdlet", csv_row(RPS_CMDLET, values))


def cmdlet_event(
    user: str, sid: str, cmdlet: str, parameters: str, *, application: str, pool: str = ""
) -> Extra:
    """Return what 'MSExchange Management' writes of a cmdlet; its activity is the row's id."""
    pool = pool or "MSExchangePowerShellAppPool"
    return event_extra("cmdlet", cmdlet, parameters, user, sid, application, pool)


def tracking_rows(server: Server, build: Build, sender: str, recipient: str, subject: str) -> Extra:
    """Return the two rows of one delivered message: received by SMTP, delivered to the store."""
    shared = {
        "date-time": "%(t)s",
        "client-ip": server.address,
        "client-hostname": server.fqdn,
        "server-ip": server.address,
        "server-hostname": server.name,
        "internal-message-id": "%(n)d",
        "message-id": f"<%(g)s@{server.fqdn}>",
        "network-message-id": "%(g)s",
        "recipient-address": literal(recipient),
        "total-bytes": "%(n)d21",
        "recipient-count": "1",
        "message-subject": literal(subject),
        "sender-address": literal(sender),
        "return-path": literal(sender),
        "message-info": "0I: ",
        "directionality": "Originating",
        "transport-traffic-type": "Email",
        "log-id": "%(g)s",
        "schema-version": build.padded,
    }
    received = shared | {
        "source": "SMTP",
        "event-id": "RECEIVE",
        "connector-id": f"{server.name}\\Default {server.name}",
    }
    delivered = shared | {"source": "STOREDRIVER", "event-id": "DELIVER"}
    return Extra("tracking", csv_row(TRACKING, received) + csv_row(TRACKING, delivered))
