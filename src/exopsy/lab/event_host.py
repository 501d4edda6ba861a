"""The Windows side of a lab's server: accounts and processes, as event logs speak of them."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import NamedTuple

from exopsy.lab.rows import POWERSHELL_PID
from exopsy.lab.server import Person, Server

SYSTEM32 = "C:\\Windows\\System32"
V15 = "C:\\Program Files\\Microsoft\\Exchange Server\\V15"
_INETSRV = "c:\\windows\\system32\\inetsrv"
POWERSHELL_POOL = "MSExchangePowerShellAppPool"
POOLS = (
    "MSExchangeOWAAppPool",
    "MSExchangeECPAppPool",
    POWERSHELL_POOL,
    "MSExchangeServicesAppPool",
    "MSExchangeAutodiscoverAppPool",
    "MSExchangeOABAppPool",
    "MSExchangeMapiFrontEndAppPool",
    "MSExchangeSyncAppPool",
    "DefaultAppPool",
)
_SERVICES = {
    "services": f"{SYSTEM32}\\services.exe",
    "lsass": f"{SYSTEM32}\\lsass.exe",
    "svchost": f"{SYSTEM32}\\svchost.exe",
    "taskengine": f"{SYSTEM32}\\svchost.exe",
    "wmi": f"{SYSTEM32}\\wbem\\WmiPrvSE.exe",
    "health": f"{V15}\\Bin\\MSExchangeHMHost.exe",
    "replication": f"{V15}\\Bin\\MSExchangeMailboxReplication.exe",
    "transport": f"{V15}\\Bin\\EdgeTransport.exe",
    "defender": "C:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\4.18.2011.6-0\\MsMpEng.exe",
    "explorer": "C:\\Windows\\explorer.exe",
}


class Account(NamedTuple):
    """Who something ran as."""

    name: str
    domain: str
    sid: str
    logon_id: int = 0x3E7

    @property
    def full_name(self) -> str:
        r"""``DOMAIN\name``, as Sysmon writes it."""
        if self.sid == "S-1-5-18":
            return "NT AUTHORITY\\SYSTEM"
        return f"{self.domain}\\{self.name}"


class Process(NamedTuple):
    """A process with its parent, as a start event tells of it."""

    image: str
    command: str
    pid: int
    account: Account
    parent: Process | None = None
    started: float = 0.0
    """Seconds since 1970, UTC."""
    directory: str = "C:\\Windows\\system32\\"

    @property
    def name(self) -> str:
        """The file's name."""
        return self.image.rpartition("\\")[2]


class EventHost:
    """The accounts and the processes that are always there."""

    def __init__(self, server: Server, rng: random.Random, start: float) -> None:
        self.server = server
        self.rng = rng
        self.system = Account(f"{server.name}$", server.netbios, "S-1-5-18")
        self.administrator = Account(
            "Administrator", server.netbios, f"{server.domain_sid}-500", self.logon_id()
        )
        self.admin = self.person(server.admin)
        self.machine_id = rng.getrandbits(32)
        started = start - rng.uniform(3e5, 3e6)
        self.processes = {
            name: Process(image, image, self.pid(), self.system, None, started)
            for name, image in _SERVICES.items()
        }
        svchost = self.processes["svchost"]
        self._workers = {
            pool: [self.worker(pool, svchost, started + rng.uniform(20, 4000))] for pool in POOLS
        }

    def pid(self) -> int:
        """Return a process id."""
        return self.rng.randrange(300, 7000) * 4

    def logon_id(self) -> int:
        """Return the number of a logon session."""
        return self.rng.randrange(0x10000, 0xFFFFFFF)

    def person(self, person: Person) -> Account:
        """Return a person's account in a session of its own."""
        return Account(person.login, self.server.netbios, person.sid, self.logon_id())

    def worker(self, pool: str, parent: Process, at: float) -> Process:
        """Return a worker process of an application pool."""
        config = f"C:\\inetpub\\temp\\apppools\\{pool}\\{pool}.config"
        command = (
            f'{_INETSRV}\\w3wp.exe -ap "{pool}" -v "v4.0" -l "webengine4.dll" -a '
            f'\\\\.\\pipe\\iisipm{self.guid().lower()} -h "{config}" -w "" -m 0'
        )
        account = self.system
        if pool == "DefaultAppPool":
            sid = "S-1-5-82-3006700770-424185619-1745488364-794895919-4004696415"
            account = Account(pool, "IIS APPPOOL", sid, self.logon_id())
        image = "C:\\Windows\\System32\\inetsrv\\w3wp.exe"
        pid = POWERSHELL_PID if pool == POWERSHELL_POOL else self.pid()
        return Process(image, command, pid, account, parent, at, f"{_INETSRV}\\")

    def worker_at(self, pool: str, at: float) -> Process:
        """Return the worker process that served a pool at a time."""
        workers = self._workers[pool]
        return next((w for w in reversed(workers) if w.started <= at), workers[0])

    def recycle(self, pool: str, at: float) -> Process:
        """Replace a pool's worker process and return the new one."""
        made = self.worker(pool, self.processes["svchost"], at)
        self._workers[pool] = sorted((*self._workers[pool], made), key=lambda w: w.started)
        return made

    def child(self, parent: Process, image: str, command: str, at: float) -> Process:
        """Return a process that ``parent`` starts."""
        return Process(image, command, self.pid(), parent.account, parent, at, parent.directory)

    def guid(self) -> str:
        """Return a random GUID in upper case."""
        h = f"{self.rng.getrandbits(128):032X}"
        return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"

    def process_guid(self, process: Process) -> str:
        """Return Sysmon's id of a process: machine, start, and a number of its own."""
        when = int(process.started)
        return (
            f"{self.machine_id:08X}-{when & 0xFFFF:04X}-{when >> 16 & 0xFFFF:04X}-"
            f"{process.pid & 0xFFFF:04X}-{_mark(process.image):04X}00000700"
        )


def _mark(text: str) -> int:
    """Return 16 bits that depend on a text only."""
    value = 0
    for char in text:
        value = (value * 31 + ord(char)) & 0xFFFF
    return value


def sysmon_time(at: float) -> str:
    """Write a time as Sysmon does in its data."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def pool_of(path: str) -> str:
    """Return the application pool that serves a URL path."""
    root = path.split("/")[1].lower() if path.startswith("/") else ""
    pools = {"owa": "MSExchangeOWAAppPool", "ecp": "MSExchangeECPAppPool"}
    return pools.get(root, "DefaultAppPool")


def file_of(path: str) -> str:
    """Return the file that a URL path names."""
    root, rest = path.split("/")[1], path.split("/")[2:]
    folder = (
        "C:\\inetpub\\wwwroot\\aspnet_client"
        if root == "aspnet_client"
        else f"{V15}\\FrontEnd\\HttpProxy\\{root}"
    )
    return "\\".join((folder, *rest))
