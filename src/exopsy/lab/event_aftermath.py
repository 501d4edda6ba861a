"""What an intruder does to the machine later on, as event logs tell of it.

Every lab draws a few of these after the first use of what was planted. Everything is text in a
log: names and command lines are short and do nothing.
"""

from __future__ import annotations

from exopsy.lab import event_kinds as kinds
from exopsy.lab import events_exchange as exchange
from exopsy.lab import events_security as security
from exopsy.lab import events_sysmon as sysmon
from exopsy.lab.event_host import SYSTEM32, EventHost, Process
from exopsy.lab.event_kind import Event
from exopsy.lab.event_story import EventStory
from exopsy.lab.server import guid

BEHAVIOURS = (
    "account-created",
    "task-created",
    "service-installed",
    "memory-read",
    "script-run",
    "archive-staged",
    "tunnel",
    "threat-found",
    "module-installed",
    "viewstate-sent",
    "mail-rule",
    "audit-blinded",
    "group-joined",
)
INERT = "# lab text, does nothing: a real one would hold a long script here\r\n"
_ADMINISTRATORS = "S-1-5-32-544"


class Aftermath:
    """Makes the events of one behaviour."""

    def __init__(self, host: EventHost, story: EventStory) -> None:
        self._host, self._story = host, story
        self._server = host.server

    def make(self, behaviour: str, at: float, pool: str, address: str) -> list[Event]:
        """Return the events of a behaviour by whoever acts through a pool's worker.

        Raises:
            ValueError: there is no such behaviour.
        """
        worker = self._host.worker_at(pool, at)
        if behaviour not in BEHAVIOURS:
            raise ValueError(f"there is no behaviour {behaviour!r}")
        made: list[Event] = getattr(self, f"_{behaviour.replace('-', '_')}")(at, worker, address)
        return made

    def cleared(self, channel: str, at: float) -> Event:
        """Return the event that a channel was emptied."""
        by = self._host.system
        if channel == "Security":
            return security.security_cleared(self._host, at, by)
        return security.log_cleared(at, by, channel)

    def _account_created(self, at: float, worker: Process, address: str) -> list[Event]:
        host, by = self._host, self._host.system
        name = host.rng.choice(("support_7", "svc_mailer", "DefaultUser1"))
        sid = f"{self._server.domain_sid[:-3]}777-{host.rng.randrange(1010, 1090)}"
        return [
            *self._story.command(worker, at, f"net user {name} /add"),
            security.account_created(host, at + 0.5, by, name, sid),
            security.member_added(
                host, at + 9.0, by, member="-", sid=sid, group="Administrators",
                group_sid=_ADMINISTRATORS,
            ),
        ]  # fmt: skip

    def _task_created(self, at: float, worker: Process, address: str) -> list[Event]:
        host, by = self._host, self._host.system
        name, command = "\\Winsync", "C:\\Windows\\Temp\\sync.cmd"
        return [
            *self._story.command(worker, at, f"schtasks /create /tn Winsync /tr {command}"),
            security.task_created(host, at + 0.4, by, name, command),
            security.task_registered(host, at + 0.4, by, name),
            security.task_started(host, at + 300.0, name, command),
        ]

    def _service_installed(self, at: float, worker: Process, address: str) -> list[Event]:
        host, by = self._host, self._host.system
        path = "C:\\PerfLogs\\netsvc.exe"
        return [
            security.service_installed(host, at, by, "NetSvcHelper", path),
            security.service_state(host, at + 1.0, "NetSvcHelper", "NetSvcHelper", "running"),
        ]

    def _memory_read(self, at: float, worker: Process, address: str) -> list[Event]:
        host = self._host
        reader = host.child(worker, "C:\\Windows\\Temp\\x64.exe", "x64.exe", at)
        return [
            *self._story.started(reader),
            sysmon.process_opened(host, at + 0.3, reader, host.processes["lsass"], 0x1FFFFF),
            sysmon.file_created(host, at + 1.1, reader, "C:\\Windows\\Temp\\lsass.dmp"),
            sysmon.file_deleted(host, at + 400.0, reader, "C:\\Windows\\Temp\\x64.exe"),
        ]

    def _script_run(self, at: float, worker: Process, address: str) -> list[Event]:
        host = self._host
        command = "powershell -nop -file C:\\Windows\\Temp\\a.ps1"
        parts = INERT * (exchange.BLOCK * 5 // (2 * len(INERT)))
        return [
            *self._story.command(worker, at, command),
            *exchange.engine_started(host, at + 0.6, command),
            *exchange.script_block(host, at + 1.0, parts, "S-1-5-18", "C:\\Windows\\Temp\\a.ps1"),
        ]

    def _archive_staged(self, at: float, worker: Process, address: str) -> list[Event]:
        host = self._host
        path = "C:\\ProgramData\\mail.zip"
        packer = host.child(worker, f"{SYSTEM32}\\makecab.exe", f"makecab list.txt {path}", at)
        return [
            *self._story.started(packer),
            sysmon.file_created(host, at + 0.4, packer, path),
        ]

    def _tunnel(self, at: float, worker: Process, address: str) -> list[Event]:
        host = self._host
        program = host.child(worker, "C:\\Windows\\Temp\\tun.exe", "tun.exe 443", at)
        back = host.person(self._server.admin)
        return [
            *self._story.started(program),
            sysmon.connection(host, at + 0.6, program, to=address, port=443),
            security.logon(
                host, at + 60.0, back, kind=10, address="127.0.0.1", package="Negotiate"
            ),
        ]

    def _threat_found(self, at: float, worker: Process, address: str) -> list[Event]:
        host = self._host
        path = "C:\\inetpub\\wwwroot\\aspnet_client\\upload.aspx"
        name = "Backdoor:ASP/Webshell!lab"
        return [
            security.threat(host, at, name=name, path=path, by=worker),
            security.threat(host, at + 20.0, name=name, path=path, by=worker, acted=True),
        ]

    def _viewstate_sent(self, at: float, worker: Process, address: str) -> list[Event]:
        host, path = self._host, "/owa/auth/logon.aspx"
        return [
            exchange.viewstate(host, at, worker, path, address, is_key_known=True),
            *self._story.command(worker, at + 0.1, "hostname"),
        ]

    def _mail_rule(self, at: float, worker: Process, address: str) -> list[Event]:
        login = self._host.rng.choice(self._server.people).login
        parameters = f'-Mailbox "{login}" -Name "." -ForwardTo "box@example.net"'
        return [self._cmdlet(at, "New-InboxRule", parameters)]

    def _audit_blinded(self, at: float, worker: Process, address: str) -> list[Event]:
        refused = "Microsoft.Exchange.Data.Directory.ADNoSuchObjectException: no such object"
        off = '-AdminAuditLogEnabled "False"'
        return [
            self._cmdlet(at, "Set-AdminAuditLogConfig", off, refused),
            self._cmdlet(at + 7.0, "Set-AdminAuditLogConfig", off),
        ]

    def _group_joined(self, at: float, worker: Process, address: str) -> list[Event]:
        host, by = self._host, self._host.administrator
        person = host.rng.choice(self._server.people)
        name = f"CN={person.login},CN=Users,DC=corp,DC=example,DC=com"
        groups = (
            ("Organization Management", 1119, kinds.UNIVERSAL_MEMBER),
            ("Domain Admins", 512, kinds.GLOBAL_MEMBER),
        )
        return [
            security.member_added(
                host, at + n, by, member=name, sid=person.sid, group=group,
                group_sid=f"{self._server.domain_sid}-{rid}", kind=kind,
            )
            for n, (group, rid, kind) in enumerate(groups)
        ]  # fmt: skip

    def _cmdlet(self, at: float, name: str, parameters: str, error: str = "") -> Event:
        """A cmdlet of a shell on the server itself: no log of remote PowerShell has it."""
        host = self._host
        return exchange.cmdlet(
            host, at, name=name, parameters=parameters,
            user=f"{self._server.forest}/Users/Administrator", sid=host.administrator.sid,
            application="Local-ManagementShell-Unknown", process=f"{host.pid()} powershell",
            activity=guid(host.rng), error=error,
        )  # fmt: skip

    def _module_installed(self, at: float, worker: Process, address: str) -> list[Event]:
        host = self._host
        path = "C:\\Windows\\System32\\inetsrv\\mailcheck.dll"
        setting = "/system.webServer/globalModules/add[@name='MailCheck']"
        return [
            *self._story.command(worker, at, "appcmd install module /name:MailCheck"),
            exchange.config_changed(host, at + 0.7, setting, "MailCheck"),
            exchange.config_committed(host, at + 0.8),
            exchange.module_not_loaded(host, at + 30.0, path),
            sysmon.image_loaded(host, at + 31.0, worker, path, is_signed=False),
        ]
