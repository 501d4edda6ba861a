"""Makers of 'Security', 'System', 'TaskScheduler' and 'Defender' events."""

from __future__ import annotations

from datetime import UTC, datetime

from exopsy.lab import event_kinds as kinds
from exopsy.lab.event_host import Account, EventHost, Process
from exopsy.lab.event_kind import Event, Kind
from exopsy.lab.evtx_values import Value

NOBODY = ("S-1-0-0", "-", "-", 0)
NO_GUID = "00000000-0000-0000-0000-000000000000"
PRIVILEGES = "\r\n\t\t\t".join(
    f"Se{name}Privilege"
    for name in "Security Backup Restore TakeOwnership Debug SystemEnvironment Impersonate".split()
)
_INTEGRITY = {"High": "S-1-16-12288", "System": "S-1-16-16384"}


def subject(account: Account) -> tuple[Value, ...]:
    """Return the four subject values."""
    return (account.sid, account.name, account.domain, account.logon_id)


def integrity(account: Account) -> str:
    """Return the integrity level of an account's processes."""
    return "System" if account.sid == "S-1-5-18" else "High"


def logon(
    host: EventHost,
    at: float,
    account: Account,
    *,
    kind: int,
    address: str = "-",
    package: str = "Kerberos",
    workstation: str = "-",
    process: Process | None = None,
    is_elevated: bool = False,
) -> Event:
    """Return a successful logon; ``kind`` is the logon type."""
    has_ntlm = package == "NTLM"
    by = subject(process.account) if process else NOBODY
    names = {"Kerberos": "Kerberos", "NTLM": "NtLmSsp ", "Negotiate": "Advapi  "}
    port = str(host.rng.randrange(49152, 65535)) if address != "-" else "-"
    values = (
        *by, account.sid, account.name, account.domain, account.logon_id, kind, names[package],
        package, workstation, NO_GUID if has_ntlm else host.guid(), "-",
        "NTLM V2" if has_ntlm else "-", 128 if has_ntlm else 0,
        process.pid if process else 0, process.image if process else "-", address, port,
        "%%1833", "-", "-", "-", "%%1843", 0, "%%1842" if is_elevated else "%%1843",
    )  # fmt: skip
    return Event(at, kinds.LOGON, values, host.processes["lsass"].pid, 4120)


def logoff(host: EventHost, at: float, account: Account, kind: int) -> Event:
    """Return the end of a logon."""
    values = (account.sid, account.name, account.domain, account.logon_id, kind)
    return Event(at, kinds.LOGOFF, values, host.processes["lsass"].pid, 4120)


def privileges(host: EventHost, at: float, account: Account) -> Event:
    """Return the mark that a logon got special rights."""
    values = (*subject(account), PRIVILEGES)
    return Event(at, kinds.PRIVILEGES, values, host.processes["lsass"].pid, 4120)


def logon_failed(
    host: EventHost, at: float, name: str, *, address: str, kind: int = 3, unknown: bool = False
) -> Event:
    """Return a refused logon: a wrong password, or no such account."""
    values = (
        *NOBODY, "S-1-0-0", name, host.server.netbios, 0xC000006D, "%%2313",
        0xC0000064 if unknown else 0xC000006A, kind, "NtLmSsp ", "NTLM", "-", "-", "-", 0, 0, "-",
        address, str(host.rng.randrange(49152, 65535)),
    )  # fmt: skip
    return Event(at, kinds.LOGON_FAILED, values, host.processes["lsass"].pid, 4120)


def process_start(host: EventHost, process: Process) -> Event:
    """Return the audit event of a process start."""
    parent = process.parent or host.processes["services"]
    values = (
        *subject(process.account), process.pid, process.image, "%%1936", parent.pid,
        process.command, *NOBODY, parent.image, _INTEGRITY[integrity(process.account)],
    )  # fmt: skip
    return Event(process.started, kinds.PROCESS, values, 4, 280)


def task_created(host: EventHost, at: float, by: Account, name: str, command: str) -> Event:
    """Return the registration of a scheduled task."""
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    content = (
        '<?xml version="1.0" encoding="UTF-16"?>\r\n'
        '<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">\r\n'
        f"  <RegistrationInfo>\r\n    <Date>{stamp}</Date>\r\n    <URI>{name}</URI>\r\n"
        "  </RegistrationInfo>\r\n  <Actions>\r\n    <Exec>\r\n"
        f"      <Command>{command}</Command>\r\n    </Exec>\r\n  </Actions>\r\n</Task>"
    )
    pid = host.processes["lsass"].pid
    return Event(at, kinds.TASK_CREATED, (*subject(by), name, content), pid, 900)


def account_created(host: EventHost, at: float, by: Account, name: str, sid: str) -> Event:
    """Return the creation of a local account."""
    none = "%%1793"
    values = (
        name, host.server.name, sid, *subject(by), "-", name, none, "-", none, none, none, none,
        none, "%%1794", "%%1794", "513", "-", "0x0", "0x15",
        "\r\n\t\t%%2080\r\n\t\t%%2082\r\n\t\t%%2084", none, "-", "%%1797",
    )  # fmt: skip
    return Event(at, kinds.ACCOUNT_CREATED, values, host.processes["lsass"].pid, 900)


def member_added(
    host: EventHost,
    at: float,
    by: Account,
    *,
    member: str,
    sid: str,
    group: str,
    group_sid: str,
    kind: Kind = kinds.LOCAL_MEMBER,
) -> Event:
    """Return that somebody joined a group; ``kind`` is the event of the group's scope."""
    domain = "Builtin" if group_sid.startswith("S-1-5-32-") else host.server.netbios
    values = (member, sid, group, domain, group_sid, *subject(by), "-")
    return Event(at, kind, values, host.processes["lsass"].pid, 900)


def security_cleared(host: EventHost, at: float, by: Account) -> Event:
    """Return the record with which an emptied 'Security' begins."""
    return Event(at, kinds.SECURITY_CLEARED, subject(by), 704, 2352)


def log_cleared(at: float, by: Account, channel: str) -> Event:
    """Return the record in 'System' that another log was emptied."""
    values = (by.name, by.domain, channel, "")
    return Event(at, kinds.LOG_CLEARED, values, 704, 2352, user=by.sid)


def service_state(host: EventHost, at: float, title: str, name: str, state: str) -> Event:
    """Return that a service runs or stopped."""
    code = "4" if state == "running" else "1"
    values = (title, state, f"{name}/{code}\0".encode("utf-16-le"))
    return Event(at, kinds.SERVICE_STATE, values, host.processes["services"].pid, 5480)


def service_installed(
    host: EventHost, at: float, by: Account, name: str, path: str, kind: str = "user mode service"
) -> Event:
    """Return the installation of a service."""
    values = (name, path, kind, "demand start", "LocalSystem" if kind[0] == "u" else "")
    pid = host.processes["services"].pid
    return Event(at, kinds.SERVICE_INSTALLED, values, pid, 5480, user=by.sid)


def task_registered(host: EventHost, at: float, by: Account, name: str) -> Event:
    """Return the scheduler's own event of a new task."""
    pid = host.processes["taskengine"].pid
    return Event(at, kinds.TASK_REGISTERED, (name, by.full_name), pid, 3312)


def task_started(host: EventHost, at: float, name: str, command: str) -> Event:
    """Return that a task's action was started."""
    pid = host.processes["taskengine"].pid
    return Event(at, kinds.TASK_STARTED, (name, command, host.guid(), pid), pid, 3312)


_DEFENDER = ("Microsoft Defender Antivirus", "4.18.2011.6")


def threat(
    host: EventHost, at: float, *, name: str, path: str, by: Process, acted: bool = False
) -> Event:
    """Return a detection by Defender, or what it did about it."""
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    link = f"https://go.microsoft.com/fwlink/?linkid=37020&name={name}&threatid=2147705511"
    values = (
        *_DEFENDER, f"{{{host.guid()}}}", stamp, "", "", "2147705511", name, "5", "Severe", "6",
        "Backdoor", link, "3" if acted else "1", "", "2" if acted else "1", "3",
        "Real-Time Protection", by.image, by.account.full_name, "", f"file:_{path}", "1",
        "Local machine", "1", "Suspended", "0", "Concrete", "0", "2" if acted else "9",
        "Quarantine" if acted else "Not Applicable", "", "0x00000000",
        "The operation completed successfully. ", "", "0", "0", "No additional actions required",
        "NT AUTHORITY\\SYSTEM" if acted else "", "", "AV: 1.333.600.0, AS: 1.333.600.0, NIS: 1.333.600.0",
        "AM: 1.1.17900.7, NIS: 1.1.17900.7",
    )  # fmt: skip
    kind = kinds.THREAT_ACTED if acted else kinds.THREAT_FOUND
    return Event(at, kind, values, host.processes["defender"].pid, 4384)


def scan(host: EventHost, at: float, scan_id: str, minutes: int | None = None) -> Event:
    """Return the start of a quick scan, or with ``minutes`` its end."""
    shared = (*_DEFENDER, f"{{{scan_id}}}", "1", "Antimalware", "1", "Quick Scan", "NT AUTHORITY")
    values = (*shared, "SYSTEM", "S-1-5-18")
    pid = host.processes["defender"].pid
    if minutes is None:
        return Event(at, kinds.SCAN_STARTED, (*values, ""), pid, 4384)
    return Event(at, kinds.SCAN_FINISHED, (*values, "0", str(minutes), "17"), pid, 4384)
