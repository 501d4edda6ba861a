"""Lines of a minute -> the log files of a server, rolled over and headed as the server does it.

HttpProxy, EWS and remote PowerShell logs roll every hour and at about 10 MB, message tracking
every hour, IIS and ECP every day (all UTC). Lines end with CRLF. A service restart repeats the
comment header in the middle of the open files; a process that dies leaves a row cut short at
the end of one. Memory holds one minute of lines.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Literal

import msgspec

from exopsy.lab.server import Build
from exopsy.lab.template import IIS_FIELDS
from exopsy.schema.columns import COLUMNS

V15 = "C/Program Files/Microsoft/Exchange Server/V15"
ROLL_BYTES = 10_000_000
PROTOCOLS = tuple("Autodiscover Eas Ecp Ews Mapi Oab Owa PowerShell Rest RpcHttp".split())


class Sink(msgspec.Struct, frozen=True, kw_only=True):
    """One log: where its files lie and how they begin."""

    name: str
    folder: str
    prefix: str
    style: Literal["iis", "A", "B"]
    log_type: str = ""
    columns: tuple[str, ...] = ()
    is_hourly: bool = True
    has_build: bool = True
    """``#Version`` is the build; otherwise ``15.0.0.0``."""

    def file_name(self, day: str, hour: str, number: int) -> str:
        """Name a file; ``day`` is ``20210303``."""
        if self.style == "iis":
            return f"{self.prefix}{day[2:]}.log"
        return f"{self.prefix}{day}{hour if self.is_hourly else ''}-{number}.LOG"

    def header(self, stamp: str, build: Build, *, is_first: bool) -> str:
        """Return the header as written at ``stamp`` (``2021-03-03T04:05:06.789Z``)."""
        if self.style == "iis":
            return (
                "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n"
                f"#Date: {stamp[:10]} {stamp[11:19]}\r\n#Fields: {IIS_FIELDS}\r\n"
            )
        names = ",".join(self.columns)
        lead = ""
        if is_first:
            lead = "\ufeff" if self.style == "A" else f"{names}\r\n"
        return (
            f"{lead}#Software: Microsoft Exchange Server\r\n"
            f"#Version: {build.padded if self.has_build else '15.0.0.0'}\r\n"
            f"#Log-type: {self.log_type}\r\n#Date: {stamp}\r\n#Fields: {names}\r\n"
        )


def _exchange(
    name: str, folder: str, prefix: str, style: Literal["A", "B"], log_type: str, kind: str
) -> Sink:
    return Sink(
        name=name,
        folder=f"{V15}/{folder}",
        prefix=prefix,
        style=style,
        log_type=log_type,
        columns=COLUMNS[kind].columns,
        is_hourly=name != "ecp-server",
        has_build=name != "ecp-server",
    )


_CMDLET_INFRA = "Logging/CmdletInfra/Powershell-Proxy"
SINKS: tuple[Sink, ...] = (
    Sink(
        name="front",
        folder="C/inetpub/logs/LogFiles/W3SVC1",
        prefix="u_ex",
        style="iis",
        is_hourly=False,
    ),
    Sink(
        name="back",
        folder="C/inetpub/logs/LogFiles/W3SVC2",
        prefix="u_ex",
        style="iis",
        is_hourly=False,
    ),
    *(
        _exchange(
            p, f"Logging/HttpProxy/{p}", "HttpProxy_", "B", "HttpProxy Logs", "exchange-httpproxy"
        )
        for p in PROTOCOLS
    ),
    _exchange("ews", "Logging/Ews", "Ews_", "B", "EWS Logs", "exchange-ews"),
    _exchange(
        "ecp-server",
        "Logging/ECP/Server",
        "ECPServer",
        "A",
        "ECP Server Log",
        "exchange-ecp-server",
    ),
    _exchange(
        "rps-http", f"{_CMDLET_INFRA}/Http", "Rps_Http_", "B", "Rps Http Logs", "exchange-rps-http"
    ),
    _exchange(
        "rps-cmdlet",
        f"{_CMDLET_INFRA}/Cmdlet",
        "Rps_Cmdlet_",
        "B",
        "Rps Cmdlet Logs",
        "exchange-rps-cmdlet",
    ),
    _exchange(
        "tracking",
        "TransportRoles/Logs/MessageTracking",
        "MSGTRK",
        "A",
        "Message Tracking Log",
        "exchange-message-tracking",
    ),
)


class LogFile:
    """The file of one sink that is open now, and the lines of the current minute."""

    def __init__(self, root: Path, sink: Sink) -> None:
        self.sink = sink
        self.folder = root / sink.folder
        self.pending: list[str] = []
        self.bytes = 0
        self._stream: io.BufferedWriter | None = None
        self._period = ""
        self._number = 1
        self._written = 0

    def flush(self, stamp: str, build: Build) -> None:
        """Write what is pending; ``stamp`` is the time of the minute's first line at the earliest."""
        if not self.pending:
            return
        day, hour = stamp[:10].replace("-", ""), stamp[11:13]
        period = day + hour if self.sink.is_hourly else day
        if period != self._period:
            self._period, self._number = period, 1
            self._open(day, hour, stamp, build)
        elif self._written > ROLL_BYTES and self.sink.style == "B":
            self._number += 1
            self._open(day, hour, stamp, build)
        self._write("".join(self.pending))
        self.pending.clear()

    def restart(self, stamp: str, build: Build) -> None:
        """Repeat the comment header in the open file, as a writer does that reopens it."""
        if self._stream is not None:
            self._write(self.sink.header(stamp, build, is_first=False))

    def tear(self, row: str) -> None:
        """End the open file with a row cut short, as a killed process does, and close it."""
        if self._stream is not None:
            self._write(row)
            self.close()
            self._period = ""

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _open(self, day: str, hour: str, stamp: str, build: Build) -> None:
        self.close()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._stream = (self.folder / self.sink.file_name(day, hour, self._number)).open("wb")
        self._written = 0
        self._write(self.sink.header(stamp, build, is_first=True))

    def _write(self, text: str) -> None:
        assert self._stream is not None
        data = text.encode()
        self._stream.write(data)
        self._written += len(data)
        self.bytes += len(data)


class LogTree:
    """All logs of one server under ``root`` (its folder in the collection)."""

    def __init__(self, root: Path, *, names: frozenset[str] | None = None) -> None:
        self.files = {s.name: LogFile(root, s) for s in SINKS if names is None or s.name in names}

    @property
    def bytes(self) -> int:
        """What was written so far."""
        return sum(file.bytes for file in self.files.values())

    def flush(self, stamp: str, build: Build) -> None:
        """Write the minute's lines of every log."""
        for file in self.files.values():
            file.flush(stamp, build)

    def restart(self, stamp: str, build: Build) -> None:
        """Every service reopens its log."""
        for file in self.files.values():
            file.restart(stamp, build)

    def close(self) -> None:
        """Close every file."""
        for file in self.files.values():
            file.close()
