"""Makers of Sysmon events."""

from __future__ import annotations

import hashlib

from exopsy.lab import event_kinds as kinds
from exopsy.lab.event_host import EventHost, Process, sysmon_time
from exopsy.lab.event_kind import Event, Kind
from exopsy.lab.events_security import integrity

SYSMON_PID, SYSMON_THREAD = 2740, 3604
_FILE = ("10.0.14393.0", "Microsoft Corporation")


def hashes(path: str) -> str:
    """Return made-up hashes of a file, the same for the same path."""
    digest = hashlib.sha256(path.lower().encode()).hexdigest().upper()
    return f"MD5={digest[:32]},SHA256={digest}"


def _event(at: float, kind: Kind, *values: str | int | bool) -> Event:
    return Event(at, kind, ("-", sysmon_time(at), *values), SYSMON_PID, SYSMON_THREAD)


def process_start(host: EventHost, process: Process) -> Event:
    """Return Sysmon's event of a process start."""
    parent = process.parent or host.processes["services"]
    account = process.account
    return _event(
        process.started, kinds.SYSMON_PROCESS, host.process_guid(process), process.pid,
        process.image, _FILE[0], process.name, "Microsoft® Windows® Operating System", _FILE[1],
        process.name.upper(), process.command, process.directory, account.full_name,
        f"{host.machine_id:08X}-0000-0000-0000-{account.logon_id:012X}", account.logon_id,
        0 if account.sid == "S-1-5-18" else 2, integrity(account), hashes(process.image),
        host.process_guid(parent), parent.pid, parent.image, parent.command,
    )  # fmt: skip


def connection(
    host: EventHost, at: float, process: Process, *, to: str, port: int, initiated: bool = True
) -> Event:
    """Return a TCP connection of a process; ``to`` is the far end."""
    own, far = (host.server.address, host.rng.randrange(49152, 65535)), (to, port)
    source, destination = (own, far) if initiated else ((to, own[1]), (own[0], port))
    return _event(
        at, kinds.SYSMON_NETWORK, host.process_guid(process), process.pid, process.image,
        process.account.full_name, "tcp", initiated, ":" in source[0], source[0], "-", source[1],
        "-", ":" in destination[0], destination[0], "-", destination[1], "-",
    )  # fmt: skip


def image_loaded(
    host: EventHost, at: float, process: Process, image: str, *, is_signed: bool = True
) -> Event:
    """Return that a process loaded a library."""
    name = image.rpartition("\\")[2]
    company = _FILE[1] if is_signed else "-"
    return _event(
        at, kinds.SYSMON_IMAGE, host.process_guid(process), process.pid, process.image, image,
        _FILE[0] if is_signed else "0.0.0.0", "-", "-", company, name, hashes(image),  # noqa: S104
        "true" if is_signed else "false", company, "Valid" if is_signed else "Unavailable",
    )  # fmt: skip


def thread_started(host: EventHost, at: float, source: Process, target: Process) -> Event:
    """Return that a process started a thread in another."""
    return _event(
        at, kinds.SYSMON_THREAD, host.process_guid(source), source.pid, source.image,
        host.process_guid(target), target.pid, target.image, host.pid(), "0x00007FFB1C2D3E40",
        f"{source.directory}kernel32.dll", "CtrlRoutine",
    )  # fmt: skip


def process_opened(
    host: EventHost, at: float, source: Process, target: Process, access: int
) -> Event:
    """Return that a process opened another with some rights."""
    trace = "C:\\Windows\\SYSTEM32\\ntdll.dll+a6574|C:\\Windows\\System32\\KERNELBASE.dll+20edd"
    return _event(
        at, kinds.SYSMON_ACCESS, host.process_guid(source), source.pid, 2736, source.image,
        host.process_guid(target), target.pid, target.image, access, trace,
    )  # fmt: skip


def file_created(host: EventHost, at: float, process: Process, path: str) -> Event:
    """Return that a process wrote a new file."""
    return _event(
        at, kinds.SYSMON_FILE, host.process_guid(process), process.pid, process.image, path,
        sysmon_time(at),
    )  # fmt: skip


def file_deleted(host: EventHost, at: float, process: Process, path: str) -> Event:
    """Return that a process deleted a file."""
    return _event(
        at, kinds.SYSMON_DELETED, host.process_guid(process), process.pid,
        process.account.full_name, process.image, path, hashes(path),
        path.lower().endswith((".exe", ".dll")), "false",
    )  # fmt: skip
