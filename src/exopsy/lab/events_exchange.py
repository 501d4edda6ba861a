"""Makers of Exchange's, ASP.NET's, IIS' and PowerShell's events.

The values of classic sources have no names; their order is that of published samples. Where only
a message text is published, the values are that text's parts.
"""

from __future__ import annotations

from datetime import UTC, datetime

from exopsy.lab import event_kinds as kinds
from exopsy.lab.event_host import EventHost, Process
from exopsy.lab.event_kind import Event
from exopsy.lab.server import guid

BLOCK = 12_000
"""Characters of a script block in one event; longer ones come in parts."""


def cmdlet(
    host: EventHost,
    at: float,
    *,
    name: str,
    parameters: str,
    user: str,
    sid: str,
    application: str,
    process: str,
    activity: str,
    took: float = 0.4,
    error: str = "",
) -> Event:
    """Return an event of 'MSExchange Management'; inner quotes stay as they are."""
    forest = host.server.forest
    view = (
        f"View Entire Forest: 'False', Default Scope: '{forest}', Configuration Domain Controller: "
        f"'dc01.{forest}', Preferred Global Catalog: 'dc01.{forest}', Preferred Domain "
        f"Controllers: '{{ dc01.{forest} }}'"
    )
    values = (
        name, parameters, user, sid, sid, application, process, "", "85",
        f"00:00:{took:010.7f}", view, error, "5" if error else "", "",
        "NonLocalizedException" if error else "", "", "", "False", "",
        "0 objects execution has been proxied to remote server.", "", "", "0",
        f"ActivityId: {activity}", "ServicePlan:;IsAdmin:True;", "", "en-US",
    )  # fmt: skip
    return Event(at, kinds.CMDLET_FAILED if error else kinds.CMDLET, values)


def get_app_crashed(host: EventHost, at: float, user: str, sid: str) -> Event:
    """Return the failure of ``Get-App`` that a damaged configuration item causes."""
    error = (
        "System.InvalidCastException: Unable to cast object of type 'System.String' to type "
        "'Microsoft.Exchange.Data.ApplicationLogic.Extension.ExtensionData'."
    )
    made = cmdlet(
        host, at, name="Get-App", parameters="", user=user, sid=sid, application="EWS-Unknown",
        process=f"{host.pid()} w3wp#MSExchangeServicesAppPool", activity=guid(host.rng),
        error=error,
    )  # fmt: skip
    return made._replace(kind=kinds.CMDLET_CRASHED)


def ecp_error(at: float, user: str, url: str, error: str) -> Event:
    """Return a failed request to the control panel."""
    return Event(at, kinds.ECP_ERROR, (user, url, error))


def ecp_async(at: float, user: str, command: str, *, is_end: bool) -> Event:
    """Return that a web request of the control panel goes on in the background, or ended."""
    kind = kinds.ECP_ASYNC_END if is_end else kinds.ECP_ASYNC_BEGIN
    return Event(at, kind, (user, command))


def front_end(at: float, protocol: str, *, starts: bool) -> Event:
    """Return that an application of the front end starts or shuts down."""
    return Event(at, kinds.FRONT_START if starts else kinds.FRONT_STOP, (protocol,))


def pool_config_gone(host: EventHost, at: float, pool: str) -> Event:
    """Return a worker's complaint that its configuration changed under it."""
    return Event(at, kinds.POOL_CONFIG_GONE, (pool, None), host.worker_at(pool, at).pid, 5100)


def module_not_loaded(host: EventHost, at: float, path: str) -> Event:
    """Return that a native module could not be loaded."""
    pid = host.worker_at("DefaultAppPool", at).pid
    return Event(at, kinds.MODULE_NOT_LOADED, (path, "x64", "x86", None), pid, 5100)


def config_changed(host: EventHost, at: float, setting: str, value: str, old: str = "") -> Event:
    """Return a change of IIS' configuration."""
    values = (1, "MACHINE/WEBROOT/APPHOST", setting, old, value)
    return Event(at, kinds.CONFIG_CHANGED, values, host.pid(), 4412, user=host.admin.sid)


def config_committed(host: EventHost, at: float) -> Event:
    """Return that changes of IIS' configuration were written to its file."""
    file = "C:\\Windows\\system32\\inetsrv\\config\\applicationHost.config"
    values = (1, "MACHINE/WEBROOT/APPHOST", file)
    return Event(at, kinds.CONFIG_COMMITTED, values, host.pid(), 4412, user=host.admin.sid)


def _asp_net(
    host: EventHost, at: float, code: int, message: str, detail: int, path: str, worker: Process
) -> tuple[str, ...]:
    local = datetime.fromtimestamp(at, UTC).strftime("%m/%d/%Y %I:%M:%S %p")
    root = path.split("/")[1] or "owa"
    return (
        str(code), message, local, local, guid(host.rng).replace("-", ""), "7", "1", str(detail),
        f"/LM/W3SVC/1/ROOT/{root}-1-132587", "Full", f"/{root}",
        f"C:\\Program Files\\Microsoft\\Exchange Server\\V15\\FrontEnd\\HttpProxy\\{root}\\",
        host.server.name, "", str(worker.pid), "w3wp.exe", "NT AUTHORITY\\SYSTEM",
    )  # fmt: skip


def web_error(
    host: EventHost, at: float, worker: Process, path: str, address: str, kind: str, text: str
) -> Event:
    """Return an unhandled exception of a page."""
    url = f"https://{host.server.mail_host}:443{path}"
    account = "NT AUTHORITY\\SYSTEM"
    values = (
        *_asp_net(host, at, 3005, "An unhandled exception has occurred.", 0, path, worker), kind,
        text, url, path, address, "", "False", "", account, "59", account, "False",
        f"   at System.Web.HttpApplication.ExecuteStep({kind})\r\n", "", "",
    )  # fmt: skip
    return Event(at, kinds.WEB_ERROR, values)


def viewstate(
    host: EventHost, at: float, worker: Process, path: str, address: str, *, is_key_known: bool
) -> Event:
    """Return a refused view state: a wrong signature, or a right one and senseless content."""
    detail = 50204 if is_key_known else 50203
    reason = (
        "Viewstate was invalid."
        if is_key_known
        else "The viewstate supplied failed integrity check."
    )
    message = f"Viewstate verification failed. Reason: {reason}"
    account = "NT AUTHORITY\\SYSTEM"
    values = (
        *_asp_net(host, at, 4009, message, detail, path, worker),
        f"https://{host.server.mail_host}:443{path}", path, address, "", "False", "", account,
        f"Invalid viewstate. \r\n\tClient IP: {address}\r\n\tPort: 51123\r\n\tReferer: \r\n\tPath: {path}\r\n",
        "", "",
    )  # fmt: skip
    return Event(at, kinds.VIEWSTATE, values)


def common_error(at: float, text: str) -> Event:
    """Return an error report of 'MSExchange Common'."""
    return Event(at, kinds.COMMON_ERROR, ("", "", "E12", "c-RTL-AMD64", "15.01.2106.002", text))


def um_error(at: float, text: str) -> Event:
    """Return an error of 'MSExchange Unified Messaging'."""
    return Event(at, kinds.UM_ERROR, (text,))


def mitigation_error(at: float, text: str) -> Event:
    """Return an error of the emergency mitigation service."""
    return Event(at, kinds.MITIGATION_ERROR, (text,))


def script_block(host: EventHost, at: float, text: str, user: str, path: str = "") -> list[Event]:
    """Return a script block, in several events when it is long."""
    block, activity, pid = guid(host.rng), host.guid(), host.pid()
    parts = [text[i : i + BLOCK] for i in range(0, len(text), BLOCK)] or [""]
    return [
        Event(
            at + number / 1000, kinds.SCRIPT_BLOCK, (number, len(parts), part, block, path), pid,
            9868, user=user, activity=activity,
        )
        for number, part in enumerate(parts, start=1)
    ]  # fmt: skip


def engine_started(host: EventHost, at: float, application: str) -> list[Event]:
    """Return the start of PowerShell's engine: its providers, then itself."""
    host_id, runspace = guid(host.rng), guid(host.rng)

    def text(first: str, number: int, runspace: str, version: str) -> str:
        return (
            f"\t{first}\r\n\r\n\tSequenceNumber={number}\r\n\r\n\tHostName=ConsoleHost\r\n"
            f"\tHostVersion=5.1.14393.4169\r\n\tHostId={host_id}\r\n"
            f"\tHostApplication={application}\r\n\tEngineVersion={version}\r\n"
            f"\tRunspaceId={runspace}\r\n\tPipelineId=\r\n\tCommandName=\r\n\tCommandType=\r\n"
            "\tScriptName=\r\n\tCommandPath=\r\n\tCommandLine="
        )

    made = []
    for number, name in enumerate(("Registry", "Alias", "FileSystem"), start=1):
        state = f"ProviderName={name}\r\n\tNewProviderState=Started"
        values = (name, "Started", text(state, 2 * number - 1, "", ""))
        made.append(Event(at, kinds.PROVIDER_STATE, values))
    state = "NewEngineState=Available\r\n\tPreviousEngineState=None"
    values = ("Available", "None", text(state, 13, runspace, "5.1.14393.4169"))
    return [*made, Event(at + 0.05, kinds.ENGINE_STATE, values)]
