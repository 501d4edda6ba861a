"""What was done to the server -> the events that tell of it, each with a word for the truth.

Times: the text logs give a request one time. What its request caused in other processes is put
after that time and within the request's ``time-taken``.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime

from exopsy.lab import events_exchange as exchange
from exopsy.lab import events_security as security
from exopsy.lab import events_sysmon as sysmon
from exopsy.lab.event_host import (
    POWERSHELL_POOL,
    SYSTEM32,
    Account,
    EventHost,
    Process,
    file_of,
    pool_of,
)
from exopsy.lab.event_kind import Event
from exopsy.lab.event_noise import compiled
from exopsy.lab.template import Moment

Told = tuple[Event, str, str]
"""An event, what it tells of an intrusion (empty: nothing), and an id that it shares."""
_ACTS = {
    "Set-OabVirtualDirectory": "oab-external-url",
    "Remove-OabVirtualDirectory": "oab-reset",
    "New-OabVirtualDirectory": "oab-reset",
    "New-ManagementRoleAssignment": "role-grant",
    "New-MailboxExportRequest": "mailbox-export",
    "Remove-MailboxExportRequest": "export-request-removed",
}
"""Cmdlets that only intruders run in a lab."""
_FOLDERS = {
    "powershell": f"{SYSTEM32}\\WindowsPowerShell\\v1.0",
    "appcmd": f"{SYSTEM32}\\inetsrv",
}


def seconds(stamp: str) -> float:
    """Return a log's time as seconds since 1970."""
    return datetime.fromisoformat(stamp).timestamp()


class EventStory:
    """Turns moments of the text logs and deeds of the plan into events."""

    def __init__(self, host: EventHost, commands: tuple[str, ...], rng: random.Random) -> None:
        self._host, self._commands, self._rng = host, commands, rng
        self._seen: set[str] = set()

    def tell(self, moment: Moment) -> list[Told]:
        """Return the events of a moment."""
        at = seconds(moment.stamp)
        match moment.name, moment.values:
            case "cmdlet", (name, parameters, user, sid, application, pool):
                worker = self._host.worker_at(pool, at)
                event = exchange.cmdlet(
                    self._host, at + min(moment.took, 0.05), name=name, parameters=parameters,
                    user=user, sid=sid, application=application, process=f"{worker.pid} w3wp#{pool}",
                    activity=moment.activity, took=moment.took,
                )  # fmt: skip
                what = _ACTS.get(name, "")
                return [(event, what, moment.activity if what else "")]
            case "page-run", (path, address, method, used):
                return self._page_run(at, moment.took, path, address, method, used == "1")
            case "logon", (login, sid, address, kind):
                account = Account(login, self._host.server.netbios, sid, self._host.logon_id())
                worker = self._host.worker_at(POWERSHELL_POOL, at)
                events = self._identity(at, account, address, int(kind), worker)
                return [(e, "identity-used", "") for e in events]
            case "ecp-async", (command, url):
                return self._background(at, command, url)
            case "oab-restart", ():
                return self._oab_restart(at)
        raise ValueError(f"there is no event for {moment.name!r} with {len(moment.values)} values")

    def deed(self, at: float, name: str, values: tuple[str, ...]) -> list[Told]:
        """Return the events of a deed that only event logs show."""
        host = self._host
        match name, values:
            case "page-written", (path, pool):
                worker = host.worker_at(pool, at)
                event = sysmon.file_created(host, at + 0.2, worker, file_of(path))
                return [(event, "page-written", "")]
            case "page-exported", (path,):
                writer = host.processes["replication"]
                event = sysmon.file_created(host, at, writer, file_of(path))
                return [(event, "page-written", "")]
        raise ValueError(f"there is no deed {name!r} with {len(values)} values")

    def started(self, process: Process) -> list[Event]:
        """Return both events of a process start."""
        return [
            security.process_start(self._host, process),
            sysmon.process_start(self._host, process),
        ]

    def command(self, parent: Process, at: float, text: str, took: float = 0.4) -> list[Event]:
        """Return the starts of a command interpreter and of what it runs."""
        host = self._host
        shell = host.child(parent, f"{SYSTEM32}\\cmd.exe", f'"cmd.exe" /c {text}', at)
        program = text.split(" ")[0]
        folder = _FOLDERS.get(program, SYSTEM32)
        inner = host.child(shell, f"{folder}\\{program}.exe", text, at + took * 0.2)
        return [*self.started(shell), *self.started(inner)]

    def _identity(
        self, at: float, account: Account, address: str, kind: int, worker: Process
    ) -> list[Event]:
        """A known login from a strange address."""
        package = "Negotiate" if kind == 8 else "NTLM"
        made = security.logon(
            self._host, at, account, kind=kind, address=address, package=package,
            process=worker if kind == 8 else None,
        )  # fmt: skip
        return [made, security.logoff(self._host, at + 60.0, account, kind)]

    def _page_run(
        self, at: float, took: float, path: str, address: str, method: str, used: bool
    ) -> list[Told]:
        """A page that exists was asked for: compiled the first time, and perhaps told to act."""
        worker = self._host.worker_at(pool_of(path), at)
        root = path.split("/")[1]
        told: list[Told] = []
        if path.lower() not in self._seen:
            self._seen.add(path.lower())
            events = compiled(self._host, at + took * 0.1, worker, root, self.started)
            told += [(e, "page-compiled", "") for e in events]
        # the body is in no log; most commands of a shell start a process
        if used and self._rng.random() < 0.85:
            text = self._rng.choice(self._commands)
            begin = at + took * self._rng.uniform(0.2, 0.6)
            told += [(e, "shell-command", "") for e in self.command(worker, begin, text, took)]
        elif method == "POST" and self._rng.random() < 0.2:
            error = exchange.web_error(
                self._host, at + took * 0.9, worker, path, address, "ArgumentException",
                "Value cannot be null.",
            )  # fmt: skip
            told.append((error, "page-failed", ""))
        return told

    def _background(self, at: float, command: str, url: str) -> list[Told]:
        user = f"{self._host.server.forest}/Users/Administrator"
        error = "Microsoft.Exchange.Management.ControlPanel.BadRequestException: bad request"
        events = (
            exchange.ecp_error(at - 0.1, user, url, error),
            exchange.ecp_async(at + 0.1, user, command, is_end=False),
            exchange.ecp_async(at + 0.6, user, command, is_end=True),
        )
        return [(e, "ecp-background", "") for e in events]

    def _oab_restart(self, at: float) -> list[Told]:
        host = self._host
        events: Iterable[Event] = (
            exchange.front_end(at + 1.2, "Oab", starts=False),
            *(
                exchange.pool_config_gone(host, at + 1.3 + n / 50, "MSExchangeOABAppPool")
                for n in range(4)
            ),
            exchange.front_end(at + 3.0, "Oab", starts=True),
        )
        return [(e, "oab-restart", "") for e in events]
