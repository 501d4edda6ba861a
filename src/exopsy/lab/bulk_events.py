"""A number -> that many distinct records in the event logs of a server, for benchmarks.

A pool of events is encoded once; every record is one of them with a time, ids and session numbers
of its own, patched into the bytes. ``dense`` is the share of records that rules for attacks must
look at: command interpreters under worker processes, new accounts and tasks, mailbox exports.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Collection
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from exopsy.lab import events_exchange as exchange
from exopsy.lab import events_security as security
from exopsy.lab.event_aftermath import BEHAVIOURS, Aftermath
from exopsy.lab.event_host import POOLS, EventHost
from exopsy.lab.event_kind import Event, KindEncoder
from exopsy.lab.event_logs import FOLDER, file_name
from exopsy.lab.event_noise import EventNoise
from exopsy.lab.event_story import EventStory
from exopsy.lab.evtx_template import Template
from exopsy.lab.evtx_values import filetime
from exopsy.lab.evtx_writer import EvtxWriter
from exopsy.lab.parameters import DEFAULT
from exopsy.lab.server import Server, guid

START = datetime(2021, 8, 23, tzinfo=UTC).timestamp()
SPAN = 30 * 86_400.0
"""The records spread over so many seconds."""
HOURS_OF_NOISE = 48
ROUNDS = 6
"""How often each kind of attack is drawn for the pool."""
_RANDOM_BYTES = {"guid": 16, "hex64": 4, "u32": 2}
"""How many bytes of a value are drawn anew; numbers stay small."""
_IDS = ("processid", "threadid", "enginepid")
"""Ends of the names of those numbers that are: types of logon, states and rights keep their meaning."""
_ACTIVITY = "ActivityId: "


class Prepared(NamedTuple):
    """An event as bytes, and where they are patched."""

    channel: str
    outer: Template
    head: bytes
    time_at: int
    """Where the time stands in ``head``."""
    tail: bytes
    inner: Template
    data: bytes
    holes: tuple[tuple[int, int], ...]
    """Where in ``data`` random bytes go, and how many."""
    guid_at: int
    """Where in ``data`` the text of a GUID goes; 0: nowhere."""


def make_bulk_events(
    folder: Path,
    *,
    records: int,
    dense: float,
    seed: int,
    without: Collection[int] = (),
) -> dict[str, int]:
    """Write event logs into ``folder/collection``; return the records by channel.

    Args:
        folder: is made.
        records: how many.
        dense: the share that rules for attacks must look at.
        seed: of everything that is drawn.
        without: numbers of innocent events that are left out: of a server that does not log them.

    Raises:
        ValueError: so many that one file would exceed what an event log can hold.
    """
    rng = random.Random(f"bulk-events/{seed}")  # noqa: S311 - reproducible, not secret
    server = Server("EX01", rng, people=100)
    host = EventHost(server, rng, START)
    noise = EventNoise(host, requests_per_day=8_000, scale=1.0)
    hours = (noise.hour(START + hour * 3600, 1.0) for hour in range(HOURS_OF_NOISE))
    events = [*(e for hour in hours for e in hour), *_administration(host, rng)]
    innocent = _prepare(host, [e for e in events if e.kind.event_id not in without])
    hostile = _prepare(host, _attacks(host, rng))
    logs = folder / "collection" / server.name / FOLDER
    writers = {
        channel: EvtxWriter(logs / file_name(channel))
        for channel in sorted({p.channel for p in (*innocent, *hostile)})
    }
    step, due = SPAN / max(records, 1), 0.0
    uniform, randbytes, pack = rng.random, rng.randbytes, struct.Struct("<Q").pack
    many_innocent, many_hostile = len(innocent), len(hostile)
    for number in range(records):
        due += dense
        if due >= 1.0:
            due -= 1.0
            made = hostile[int(uniform() * many_hostile)]
        else:
            made = innocent[int(uniform() * many_innocent)]
        channel, outer, head, time_at, tail, inner, template, holes, guid_at = made
        time = filetime(START + number * step)
        data = bytearray(template)
        for at, size in holes:
            data[at : at + size] = randbytes(size)
        if guid_at:
            data[guid_at : guid_at + 72] = guid(rng).encode("utf-16-le")
        head = b"".join((head[:time_at], pack(time), head[time_at + 8 :]))
        writers[channel].write(time, outer, head, tail, inner, data)
    for writer in writers.values():
        writer.close()
    return {channel: writer.next_id - 1 for channel, writer in writers.items()}


def _administration(host: EventHost, rng: random.Random) -> list[Event]:
    """Return cmdlets of monitoring and of an administrator."""
    cmdlets = (
        ("Get-Mailbox", '-Identity "{}"', "Remote-ActiveMonitor-Unknown"),
        ("Get-MailboxStatistics", '-Identity "{}"', "Remote-ManagementShell-Unknown"),
        (
            "Set-Mailbox",
            '-Identity "{}" -IssueWarningQuota "5 GB"',
            "Remote-ManagementShell-Unknown",
        ),
    )
    made = []
    for person in host.server.people:
        for name, parameters, application in cmdlets:
            event = exchange.cmdlet(
                host, START, name=name, parameters=parameters.format(person.login),
                user=f"{host.server.forest}/Admins/{host.admin.name}", sid=host.admin.sid,
                application=application, process="8372 w3wp#MSExchangePowerShellAppPool",
                activity=guid(rng),
            )  # fmt: skip
            made.append(event)
    return made


def _attacks(host: EventHost, rng: random.Random) -> list[Event]:
    """Return events that rules for attacks must look at."""
    story = EventStory(host, DEFAULT.shell_commands, rng)
    aftermath = Aftermath(host, story)
    made = []
    url = "https://mail.example.com/ecp/default.aspx?__VIEWSTATEGENERATOR=B97B4E27&__VIEWSTATE=lab"
    for _ in range(ROUNDS):
        person = rng.choice(host.server.people)
        made += [
            exchange.ecp_error(
                START, person.login, url, "System.Web.HttpException: Invalid viewstate"
            ),
            exchange.get_app_crashed(host, START, person.login, person.sid),
            exchange.common_error(
                START, "System.Runtime.Serialization.BinaryFormatter.Deserialize"
            ),
            exchange.um_error(START, "System.InvalidCastException: lab text"),
            security.logon_failed(host, START, "scan", address="203.0.113.9", unknown=True),
        ]
        for behaviour in BEHAVIOURS:
            made += aftermath.make(behaviour, START, rng.choice(POOLS), "203.0.113.77")
        for text in DEFAULT.shell_commands:
            made += story.command(host.worker_at(rng.choice(POOLS), START), START, text)
        for name, parameters in (
            ("New-MailboxExportRequest", '-Mailbox "{}" -FilePath "\\\\EX01\\c$\\temp\\{}.pst"'),
            ("New-ManagementRoleAssignment", '-Role "Mailbox Import Export" -User "{}"'),
            ("New-InboxRule", '-Mailbox "{}" -ForwardTo "{}@example.net"'),
            ("Add-MailboxPermission", '-Identity "{}" -User "{}" -AccessRights "FullAccess"'),
        ):
            login = rng.choice(host.server.people).login
            made.append(
                exchange.cmdlet(
                    host, START, name=name, parameters=parameters.format(login, login),
                    user=f"{host.server.forest}/Users/Administrator",
                    sid=host.administrator.sid, application="Remote-PowerShell-Unknown",
                    process="8372 w3wp#MSExchangePowerShellAppPool", activity=guid(rng),
                )
            )  # fmt: skip
    return made


def _prepare(host: EventHost, events: list[Event]) -> list[Prepared]:
    encoders: dict[int, KindEncoder] = {}
    made = []
    for event in events:
        encoder = encoders.get(id(event.kind))
        if encoder is None:
            encoder = encoders[id(event.kind)] = KindEncoder(event.kind, host.server.fqdn)
        time, outer, head, tail, inner, data = encoder.encode(event)
        guid_at = data.find(_ACTIVITY.encode("utf-16-le"))
        made.append(
            Prepared(
                event.kind.channel, outer, head, head.index(struct.pack("<Q", time)), tail, inner,
                data, _holes(event, data), guid_at + 2 * len(_ACTIVITY) if guid_at > 0 else 0,
            )
        )  # fmt: skip
    return made


def _holes(event: Event, data: bytes) -> tuple[tuple[int, int], ...]:
    """Find the values that every record has anew."""
    (count,) = struct.unpack_from("<I", data)
    sizes = struct.unpack_from(f"<{2 * count}H", data, 4)[::2]
    at, ends = 4 + 4 * count, []
    for size in sizes:
        ends.append(at)
        at += size
    return tuple(
        (begin, _RANDOM_BYTES[type_])
        for (name, type_), (begin, end) in zip(
            event.kind.fields, pairwise([*ends, at]), strict=False
        )
        if type_ in _RANDOM_BYTES
        and end > begin
        and (type_ != "u32" or name.lower().endswith(_IDS))
    )
