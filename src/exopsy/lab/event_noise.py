"""What a healthy Exchange server writes into its event logs all day.

Volumes follow the number of requests: most of 'Security' are logons of health mailboxes, of the
machine and of people; Sysmon, where it is installed, tells of processes, connections and files.
It holds what looks odd and is innocent: compilers under ``w3wp.exe``, drivers that are installed,
refused view states, the virus scanner that opens ``lsass.exe``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from exopsy.lab import events_exchange as exchange
from exopsy.lab import events_security as security
from exopsy.lab import events_sysmon as sysmon
from exopsy.lab.event_host import POOLS, POWERSHELL_POOL, SYSTEM32, Account, EventHost, Process
from exopsy.lab.event_kind import Event

PER_REQUESTS = 2_000
"""The counts below are those of a day with so many requests."""
TEMPORARY = (
    "C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319\\Temporary ASP.NET Files\\{}\\8d1c3f0a"
)
_STATES = (
    ("WMI Performance Adapter", "wmiApSrv"),
    ("Windows Modules Installer", "TrustedInstaller"),
    ("Background Intelligent Transfer Service", "BITS"),
    ("Application Experience", "AeLookupSvc"),
    ("Microsoft Exchange Mailbox Assistants", "MSExchangeMailboxAssistants"),
)
_TASKS = (
    ("\\Microsoft\\Windows\\UpdateOrchestrator\\Schedule Scan", f"{SYSTEM32}\\usoclient.exe"),
    ("\\Microsoft\\Windows\\Defrag\\ScheduledDefrag", f"{SYSTEM32}\\defrag.exe"),
    ("\\Microsoft\\Windows\\Time Synchronization\\SynchronizeTime", f"{SYSTEM32}\\sc.exe"),
)
_STARTS = (
    ("wmi", f"{SYSTEM32}\\conhost.exe", "\\??\\C:\\Windows\\system32\\conhost.exe 0xffffffff -ForceV1"),
    ("svchost", f"{SYSTEM32}\\wbem\\WmiPrvSE.exe", "C:\\Windows\\system32\\wbem\\wmiprvse.exe -Embedding"),
    ("svchost", f"{SYSTEM32}\\taskhostw.exe", "taskhostw.exe SYSTEM"),
    ("svchost", f"{SYSTEM32}\\dllhost.exe", "C:\\Windows\\system32\\DllHost.exe /Processid:{AB8902B4-09CA-4BB6-B78D-A8F59079A8D5}"),
    ("health", "C:\\Program Files\\Microsoft\\Exchange Server\\V15\\Bin\\MSExchangeHMWorker.exe", "MSExchangeHMWorker.exe -pipe:1204 -stopkey:Global\\ExchangeStopKey"),
    ("services", f"{SYSTEM32}\\TrustedInstaller.exe", "C:\\Windows\\servicing\\TrustedInstaller.exe"),
    ("defender", "C:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\4.18.2011.6-0\\MpCmdRun.exe", "MpCmdRun.exe SignatureUpdate -ScheduleJob -RestrictPrivileges"),
)  # fmt: skip
Maker = Callable[[float], list[Event]]


class EventNoise:
    """Makes the innocent events of an hour."""

    def __init__(
        self,
        host: EventHost,
        *,
        requests_per_day: int,
        scale: float,
        has_mitigation_service: bool = True,
    ) -> None:
        self._host, self._rng, self._server = host, host.rng, host.server
        mitigates = 0.3 if has_mitigation_service else 0.0
        factor = scale * requests_per_day / PER_REQUESTS
        steady, busy = factor, max(0.25, min(factor, 4.0))
        # how many a day, does it follow people, and what
        self._makers: tuple[tuple[float, bool, Maker], ...] = (
            (240 * steady, False, self._health_logon),
            (110 * steady, False, self._machine_logon),
            (220 * steady, True, self._person_logon),
            (6 * steady, True, self._wrong_password),
            (40 * busy, False, self._service_logon),
            (60 * busy, False, self._process),
            (1.5 * busy, False, self._compiled),
            (3 * busy, False, self._recycled),
            (1.2, True, self._administrator),
            (30 * busy, False, self._service_state),
            (0.4, False, self._driver),
            (1.5 * busy, True, self._web_error),
            (0.8 * busy, False, self._viewstate),
            (1.0, False, self._scan),
            (10 * busy, False, self._task),
            (90 * steady, False, self._connection),
            (25 * busy, False, self._image),
            (60 * steady, False, self._file),
            (12 * busy, False, self._deleted),
            (8 * busy, False, self._opened),
            (0.6 * busy, False, self._thread),
            (mitigates, False, self._mitigation),
        )

    def hour(self, begin: float, weight: float) -> Iterator[Event]:
        """Yield the events that begin in the hour; ``weight`` is people's share of a mean hour."""
        rng = self._rng
        for per_day, follows, make in self._makers:
            mean = per_day / 24 * (weight if follows else 1.0)
            count = int(mean) + (rng.random() < mean % 1)
            for _ in range(count):
                yield from make(begin + rng.random() * 3600)

    def _session(
        self, at: float, account: Account, kind: int, length: float, **more: str
    ) -> list[Event]:
        host = self._host
        return [
            security.logon(host, at, account, kind=kind, **more),  # type: ignore[arg-type]
            security.logoff(host, at + length, account, kind),
        ]

    def _health_logon(self, at: float) -> list[Event]:
        rng, server = self._rng, self._server
        number = rng.randrange(len(server.health))
        sid = f"{server.domain_sid}-{1130 + number}"
        # the account's login is cut to the 20 characters of an old name
        account = Account(server.health[number][:20], server.netbios, sid, self._host.logon_id())
        worker = self._host.worker_at(rng.choice(POOLS), at)
        if rng.random() < 0.5:
            made = security.logon(
                self._host, at, account, kind=8, package="Negotiate", process=worker,
                workstation=server.name,
            )  # fmt: skip
            return [made, security.logoff(self._host, at + rng.uniform(0.1, 20), account, 8)]
        return self._session(at, account, 3, rng.uniform(0.1, 30), address="::1")

    def _machine_logon(self, at: float) -> list[Event]:
        server, rng = self._server, self._rng
        name, address = rng.choice(
            ((server.name, server.address), (server.name, "::1"), ("EX02", server.peer_address))
        )
        sid = f"{server.domain_sid}-{1106 if name == server.name else 1107}"
        account = Account(f"{name}$", server.netbios, sid, self._host.logon_id())
        made = self._session(at, account, 3, rng.uniform(0.5, 60), address=address)
        return [made[0], security.privileges(self._host, at, account), made[1]]

    def _person_logon(self, at: float) -> list[Event]:
        person = self._rng.choice(self._server.people)
        package = self._rng.choice(("Kerberos", "NTLM", "NTLM"))
        account = self._host.person(person)
        length = self._rng.uniform(0.2, 900)
        return self._session(at, account, 3, length, address=person.address, package=package)

    def _wrong_password(self, at: float) -> list[Event]:
        person = self._rng.choice(self._server.people)
        return [security.logon_failed(self._host, at, person.login, address=person.address)]

    def _service_logon(self, at: float) -> list[Event]:
        host = self._host
        services = host.processes["services"]
        made = security.logon(
            host, at, host.system, kind=5, package="Negotiate", process=services, is_elevated=True
        )
        return [made, security.privileges(host, at, host.system)]

    def started(self, process: Process) -> list[Event]:
        """Return both events of a process start."""
        host = self._host
        return [security.process_start(host, process), sysmon.process_start(host, process)]

    def _process(self, at: float) -> list[Event]:
        parent, image, command = self._rng.choice(_STARTS)
        return self.started(self._host.child(self._host.processes[parent], image, command, at))

    def _compiled(self, at: float) -> list[Event]:
        host = self._host
        pool = self._rng.choice(("MSExchangeOWAAppPool", "MSExchangeECPAppPool"))
        return compiled(host, at, host.worker_at(pool, at), "owa", self.started)

    def _recycled(self, at: float) -> list[Event]:
        host = self._host
        pool = self._rng.choice([p for p in POOLS if p != POWERSHELL_POOL])
        worker = host.recycle(pool, at)
        protocol = pool.removeprefix("MSExchange").removesuffix("AppPool")
        return [
            *self.started(worker),
            exchange.front_end(at - 1.1, protocol, starts=False),
            exchange.front_end(at + 4.2, protocol, starts=True),
        ]

    def _administrator(self, at: float) -> list[Event]:
        host, admin = self._host, self._server.admin
        account = host.person(admin)
        session = self._session(at, account, 10, 3400.0, address="10.20.0.30", package="Negotiate")
        shell = Process(
            f"{SYSTEM32}\\WindowsPowerShell\\v1.0\\powershell.exe",
            "powershell.exe -noexit -command \". 'C:\\Program Files\\Microsoft\\Exchange Server"
            "\\V15\\bin\\RemoteExchange.ps1'; Connect-ExchangeServer -auto\"",
            host.pid(), account, host.processes["explorer"], at + 40.0,
        )  # fmt: skip
        text = "Get-MailboxDatabase -Status | Format-Table Name, Mounted, DatabaseSize"
        return [
            *session,
            security.privileges(host, at, account),
            *self.started(shell),
            *exchange.engine_started(host, at + 41.0, shell.command),
            *exchange.script_block(host, at + 90.0, text, account.sid),
        ]

    def _service_state(self, at: float) -> list[Event]:
        title, name = self._rng.choice(_STATES)
        length = self._rng.uniform(20, 300)
        return [
            security.service_state(self._host, at, title, name, "running"),
            security.service_state(self._host, at + length, title, name, "stopped"),
        ]

    def _driver(self, at: float) -> list[Event]:
        """The scanner's definitions come with a driver of a random name."""
        name = f"MpKsl{self._rng.getrandbits(32):08x}"
        path = f"C:\\ProgramData\\Microsoft\\Windows Defender\\Definition Updates\\{name}.sys"
        made = security.service_installed(
            self._host, at, self._host.system, name, path, "kernel mode driver"
        )
        return [made]

    def _web_error(self, at: float) -> list[Event]:
        worker = self._host.worker_at("MSExchangeOWAAppPool", at)
        address = self._rng.choice(self._server.people).address
        text = "The remote host closed the connection. The error code is 0x800703E3."
        return [
            exchange.web_error(
                self._host, at, worker, "/owa/ev.owa2", address, "HttpException", text
            )
        ]

    def _viewstate(self, at: float) -> list[Event]:
        """A page that was open while the pool's keys changed."""
        worker = self._host.worker_at("MSExchangeECPAppPool", at)
        address = self._rng.choice(self._server.people).address
        path = "/ecp/default.aspx"
        return [exchange.viewstate(self._host, at, worker, path, address, is_key_known=False)]

    def _scan(self, at: float) -> list[Event]:
        number, minutes = self._host.guid(), self._rng.randrange(2, 40)
        end = at + minutes * 60 + 17
        return [
            security.scan(self._host, at, number),
            security.scan(self._host, end, number, minutes),
        ]

    def _task(self, at: float) -> list[Event]:
        name, command = self._rng.choice(_TASKS)
        return [security.task_started(self._host, at, name, command)]

    def _connection(self, at: float) -> list[Event]:
        host, rng = self._host, self._rng
        if rng.random() < 0.3:
            transport = host.processes["transport"]
            return [sysmon.connection(host, at, transport, to="10.20.0.9", port=25)]
        worker = host.worker_at(rng.choice(POOLS), at)
        return [sysmon.connection(host, at, worker, to=f"10.20.0.1{rng.randrange(1, 3)}", port=389)]

    def _image(self, at: float) -> list[Event]:
        pool = self._rng.choice(POOLS)
        library = self._rng.choice(("clr.dll", "webengine4.dll", "mscorlib.ni.dll"))
        path = f"C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319\\{library}"
        return [sysmon.image_loaded(self._host, at, self._host.worker_at(pool, at), path)]

    def _file(self, at: float) -> list[Event]:
        rng = self._rng
        transport = self._host.processes["transport"]
        folder = "C:\\Program Files\\Microsoft\\Exchange Server\\V15\\TransportRoles\\data\\Temp"
        path = f"{folder}\\{rng.getrandbits(48):012x}.tmp"
        return [sysmon.file_created(self._host, at, transport, path)]

    def _deleted(self, at: float) -> list[Event]:
        rng = self._rng
        path = f"C:\\Windows\\Temp\\{rng.getrandbits(32):08X}.tmp"
        return [sysmon.file_deleted(self._host, at, self._host.processes["svchost"], path)]

    def _opened(self, at: float) -> list[Event]:
        processes = self._host.processes
        source = processes[self._rng.choice(("defender", "wmi", "svchost"))]
        return [sysmon.process_opened(self._host, at, source, processes["lsass"], 0x1000)]

    def _mitigation(self, at: float) -> list[Event]:
        text = "An unexpected exception occurred. Diagnostic information: Exception encountered while fetching mitigations."
        return [exchange.mitigation_error(at, text)]

    def _thread(self, at: float) -> list[Event]:
        processes = self._host.processes
        return [sysmon.thread_started(self._host, at, processes["wmi"], processes["svchost"])]


def compiled(
    host: EventHost,
    at: float,
    worker: Process,
    root: str,
    started: Callable[[Process], list[Event]],
) -> list[Event]:
    """Return the first compilation of a page: the compiler under the worker, and its library."""
    folder = TEMPORARY.format(root or "root")
    name = f"{host.rng.getrandbits(40):010x}"[:8]
    compiler = host.child(
        worker,
        "C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319\\csc.exe",
        f'"C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319\\csc.exe" /noconfig /fullpaths @"{folder}\\{name}.cmdline"',
        at,
    )
    library = f"{folder}\\App_Web_{name}.dll"
    return [*started(compiler), sysmon.file_created(host, at + 0.09, compiler, library)]
