r"""The log of Exchange's setup -> one row for each run: what was installed, when, by whom.

The file is appended to for years. A line is ``[03/09/2021 16:50:30.0722] [0] text``: the month first,
the separator that of the server's culture, times in UTC. A run begins with ``Setup version: 15.1...``
and ends with ``End of Setup``. Preparing the directory is a run too, and installs nothing. Security
updates are installed by Windows Installer and leave nothing here.
Source: setup logs that were published in support cases, and the review script of CSS-Exchange.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from exopsy.evidence.files.place import place_fields
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Origin, Row, Skipped

NAME = "exchange-setup"
_NAMED = re.compile(r"(?:^|[/\\])exchangesetup[^/\\]*\.log$", re.IGNORECASE)
_STAMP = rb"\[(\d\d)([./-])(\d\d)\2(\d{4}) (\d\d)[:.](\d\d)[:.](\d\d)\.\d{1,7}\] \[\d{1,3}\] "
_LINE = re.compile(_STAMP)
# The only lines that are looked at; each is anchored by a text that no other line holds.
_EVENT = re.compile(
    _STAMP
    + rb"(?:Setup version: (?P<version>\d{1,3}(?:\.\d{1,6}){3})"
    + rb"|The locally installed version is (?P<installed>\d{1,3}(?:\.\d{1,6}){3})"
    + rb"|Logged on user: (?P<user>[^\r\n]{1,256}?)\.?[ \t]*(?=\r|\n|$)"
    + rb"|Command Line Parameter Name='(?P<name>[^'\r\n]{1,64})', Value='(?P<value>[^'\r\n]{0,256})'"
    + rb"|(?P<done>The Exchange Server setup operation completed successfully|Install is complete\.)"
    + rb"|(?P<failed>The Exchange Server setup operation didn't complete)"
    + rb"|(?P<end>End of Setup))",
    re.IGNORECASE,
)
_PREPARING = re.compile(
    r"(?:prepare|p$|ps$|pad$|pd$|(?:add|remove)umlanguagepack|(?:new|remove)provisionedserver)"
)
_REMOVING = ("uninstall",)
_MOST_RUNS = 2_000
_RAW = 4_096


class _Run(msgspec.Struct):
    version: str
    started: datetime
    offset: int
    line: int
    ended: datetime | None = None
    installed: str = ""
    user: str = ""
    mode: str = ""
    prepares: bool = False
    is_done: bool = False
    has_failed: bool = False

    def fields(self) -> dict[str, str]:
        result = (
            "failed" if self.has_failed else "success" if self.is_done else "unfinished"
        )  # fmt: skip
        told = {
            "SetupVersion": self.version,
            "InstalledVersion": self.installed,
            "Mode": self.mode or ("prepare" if self.prepares else ""),
            "User": self.user,
            "Result": result,
            "Build": self.build(),
        }
        return {name: value for name, value in told.items() if value}

    def build(self) -> str:
        """Return what is installed after the run, as far as it says.

        Where it installed nothing, the version that was found there: of that only the cumulative
        update is certain, for the registry keeps the number of the base.
        """
        touches = not self.prepares or self.mode
        if touches and self.mode not in _REMOVING and self.is_done and not self.has_failed:
            return _plain(self.version)
        if self.prepares and not self.mode and self.installed:
            return _plain(self.installed).rpartition(".")[0]
        return ""


def recognise(head: bytes, path: str) -> bool:
    """Recognise a setup log by its name and its first line, or the line that a cut one begins with."""
    return _NAMED.search(path) is not None and _LINE.search(head[:4_096]) is not None


def read_file(data: bytes, file: FileFacts) -> Iterator[Row | Skipped]:
    """Yield one row for each run; its time is that of its end, or of the last line looked at."""
    place = place_fields(file.path)
    runs = 0
    for run in _runs(data):
        runs += 1
        origin = Origin(artifact=file.path, offset=run.offset, line=run.line)
        if runs > _MOST_RUNS:
            yield Skipped(reason="too-many-runs", origin=origin)
            return
        yield Row(
            log=NAME,
            host="",
            timestamp=run.ended or run.started,
            fields=place | run.fields(),
            origin=origin,
            raw=data[run.offset : run.offset + _RAW],
        )
    if not runs:
        yield Skipped(
            reason="no-run", origin=Origin(artifact=file.path, offset=0, line=1)
        )  # fmt: skip


def _runs(text: bytes) -> Iterator[_Run]:
    run: _Run | None = None
    line, counted = 1, 0
    for found in _EVENT.finditer(text):
        moment = _moment(found)
        if moment is None:
            continue
        if found["version"]:
            if run is not None:
                yield run
            line += text.count(b"\n", counted, found.start())
            counted = found.start()
            run = _Run(found["version"].decode(), moment, found.start(), line)
        elif run is not None:
            run.ended = moment
            _note(run, found)
            if found["end"]:
                yield run
                run = None
    if run is not None:
        yield run


def _note(run: _Run, found: re.Match[bytes]) -> None:
    if found["installed"]:
        run.installed = run.installed or found["installed"].decode()
    elif found["user"]:
        run.user = found["user"].decode("utf-8", "replace")
    elif found["name"]:
        name = found["name"].decode("utf-8", "replace").lower()
        if name in ("mode", "m"):
            run.mode = found["value"].decode("utf-8", "replace").lower()
        run.prepares = run.prepares or _PREPARING.match(name) is not None
    run.is_done = run.is_done or bool(found["done"])
    run.has_failed = run.has_failed or bool(found["failed"])


def _moment(found: re.Match[bytes]) -> datetime | None:
    month, day, year, hour, minute, second = (int(found[n]) for n in (1, 3, 4, 5, 6, 7))
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _plain(version: str) -> str:
    return ".".join(str(int(part)) for part in version.split("."))
