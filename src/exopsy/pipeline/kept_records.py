"""Records that are kept whether a rule matched them or not -> tables of the run.

Every cmdlet and every process start of the event logs, and who did what the rules matched. Rows go
to disk as they come, from whichever worker. What is kept is content
(``content/mappings/kept_records.yml``); what becomes of it is ``cmdlet_table`` and ``process_tree``.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from exopsy.core.content import CONTENT, read_yaml
from exopsy.evidence.events.cmdlets import cmdlet_mark, is_cmdlet
from exopsy.schema.event import EVENT_LOG, EventBatch
from exopsy.schema.row import Row, Skipped
from exopsy.store.tables import Column, TableWriter, columns_of

CMDLET, START, ACT = "kept_cmdlet", "kept_start", "kept_act"
KEPT: dict[str, tuple[Column, ...]] = {
    CMDLET: columns_of(
        "time:time log computer user sid cmdlet parameters result error application process"
        " activity_id artifact offset:integer line:integer"
    ),
    START: columns_of(
        "time:time computer source pid:integer guid parent_pid:integer parent_guid image command"
        " parent_image parent_command user artifact offset:integer line:integer"
    ),
    ACT: columns_of("time:time computer pid:integer guid image artifact offset:integer"),
}
"""Columns of the tables of a run."""
_LONGEST = {"parameters": 4_096, "error": 2_048, "command": 2_048, "parent_command": 2_048}
_USUAL = 512
_BATCH = 2_000
_PID = re.compile(r"(0x[0-9a-fA-F]{1,8}|\d{1,10})\b", re.ASCII)
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

Fields = dict[str, tuple[str, ...]]


class Cmdlets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which records are cmdlets, by log; column of the table -> fields of the log."""

    every: dict[str, Fields]
    matched: dict[str, Fields]
    results: dict[str, str]
    """What a log says, in lower case -> ``success`` or ``failure``."""


class Start(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event that tells of the start of a process, and its fields."""

    channel: str
    provider: str
    event: str
    mark: str
    """A name in the text of all such events."""
    pid: str
    image: str
    command: str
    parent_pid: str
    parent_image: str
    user: str
    guid: str = ""
    parent_guid: str = ""
    parent_command: str = ""


class Act(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of a channel that name the process that does what an event tells of."""

    channel: str
    provider: str
    pid: tuple[str, ...]
    guid: tuple[str, ...] = ()
    image: tuple[str, ...] = ()


class Processes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events of processes, and the processes below which everything is kept."""

    starts: tuple[Start, ...]
    acts: tuple[Act, ...]
    roots: tuple[str, ...]


class KeptMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``mappings/kept_records.yml``."""

    cmdlets: Cmdlets
    processes: Processes


@cache
def load_kept() -> KeptMapping:
    """Read the mapping once."""
    return msgspec.convert(read_yaml(CONTENT / "mappings" / "kept_records.yml"), KeptMapping)


@cache
def _marks() -> tuple[str, ...]:
    """Return texts of which every event that is kept has one, if unescaped."""
    return (cmdlet_mark(), *(start.mark for start in load_kept().processes.starts))


@cache
def _escaped() -> re.Pattern[str]:
    """Return a pattern for any character of the marks, written as JSON need not write it."""
    codes = sorted({f"{ord(char):02x}" for mark in _marks() for char in mark})
    return re.compile(rf"\\u00(?:{'|'.join(codes)})", re.IGNORECASE)


class KeptTables:
    """One worker's tables; a context manager around files that are made when they are needed."""

    def __init__(self, folder: Path, name: str) -> None:
        """Prepare; ``name`` tells the files of workers apart."""
        self._writers = {
            table: TableWriter(folder, f"{table}-{name}", columns)
            for table, columns in KEPT.items()
        }
        self._open: set[str] = set()
        self._lock = threading.Lock()
        self._acts: list[tuple[Any, ...]] = []
        self._cmdlets: list[tuple[Any, ...]] = []

    def __enter__(self) -> Self:
        """Nothing is written before the first row."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the files, or take away what was begun."""
        if kind is None:
            self.append(ACT, self._acts)
            self.append(CMDLET, self._cmdlets)
        for table in sorted(self._open):
            self._writers[table].__exit__(kind, error, trace)

    def append(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows; from any thread."""
        if not rows:
            return
        with self._lock:
            if table not in self._open:
                self._writers[table].__enter__()
                self._open.add(table)
            self._writers[table].append(rows)

    @property
    def files(self) -> dict[str, list[str]]:
        """Table -> its file, of those that have one."""
        return {table: [str(self._writers[table].path)] for table in sorted(self._open)}

    def matched(self, row: Row) -> None:
        """Keep what is asked of a record that some rule matched; from any thread."""
        if row.log == EVENT_LOG:
            if (act := act_of(row)) is not None:
                self._acts.append(act)
                if len(self._acts) >= _BATCH:
                    rows, self._acts = self._acts, []
                    self.append(ACT, rows)
        elif (fields := load_kept().cmdlets.matched.get(row.log)) is not None:
            made = cmdlet_of(row, fields)
            if made is not None:
                self._cmdlets.append(made)
                if len(self._cmdlets) >= _BATCH:
                    rows, self._cmdlets = self._cmdlets, []
                    self.append(CMDLET, rows)


class EventKeeper:
    """One reader's records of event logs on their way to the tables."""

    def __init__(self, tables: KeptTables, *, plain: bool, is_ours: bool = False) -> None:
        """Begin.

        Args:
            tables: of the worker.
            plain: decode every record to see what it is.
            is_ours: the texts were made here, of an ``.evtx``; an exporter may have escaped letters.
        """
        self._tables = tables
        self._plain = plain
        self._is_ours = is_ours
        self._rows: dict[str, list[tuple[Any, ...]]] = {CMDLET: [], START: []}

    def take(
        self,
        events: EventBatch,
        decode: Callable[..., Row | Skipped],
        placed: Callable[[Row], Row],
    ) -> None:
        """Look at the records of a batch.

        Args:
            events: the batch.
            decode: makes a row of a record.
            placed: gives a row the exact offset of its record.
        """
        every = range(len(events.texts))
        for index in every if self._plain else _worth(events.texts, self._is_ours):
            row = decode(
                events.texts[index], offset=events.offsets[index], number=events.numbers[index]
            )
            if isinstance(row, Row):
                self._keep(row, placed)

    def flush(self) -> None:
        """Hand over what was collected."""
        for table, rows in self._rows.items():
            self._tables.append(table, rows)
            self._rows[table] = []

    def _keep(self, row: Row, placed: Callable[[Row], Row]) -> None:
        if is_cmdlet(row.fields):
            made = cmdlet_of(placed(row), load_kept().cmdlets.every[EVENT_LOG])
            table = CMDLET
        else:
            start = start_in(row)
            made = None if start is None else start_of(placed(row), start)
            table = START
        if made is not None:
            self._rows[table].append(made)
            if len(self._rows[table]) >= _BATCH:
                self.flush()


def _worth(texts: Sequence[str], is_ours: bool) -> list[int]:
    """Return which texts may be of an event that is kept; some others may be among them."""
    marks = _marks()
    found = []
    for index, text in enumerate(texts):
        for mark in marks:
            if mark in text:
                found.append(index)
                break
        else:
            if not is_ours and "\\u00" in text and _escaped().search(text):
                found.append(index)
    return found


def cmdlet_of(row: Row, fields: Mapping[str, Sequence[str]]) -> tuple[Any, ...] | None:
    """Return a row of ``kept_cmdlet``; None where the record names no cmdlet."""
    found = {column: _first(row, names) for column, names in fields.items()}
    if found.get("cmdlet") is None:
        return None
    result = found.get("result")
    known = load_kept().cmdlets.results
    made = {
        **found,
        "result": None if result is None else known.get(result.strip().lower()),
        "time": row.timestamp,
        "log": row.log,
        "artifact": row.origin.artifact,
        "offset": row.origin.offset,
        "line": row.origin.line,
    }
    return _in_order(CMDLET, made)


def start_in(row: Row) -> Start | None:
    """Return which start of a process a record tells of, if it does."""
    fields = row.fields
    number = fields.get("EventID")
    for start in load_kept().processes.starts:
        if number == start.event and _is_from(fields, start.channel, start.provider):
            return start
    return None


def start_of(row: Row, start: Start) -> tuple[Any, ...] | None:
    """Return a row of ``kept_start``; None where the process can't be placed in any tree."""
    fields = row.fields
    pid, guid = pid_of(fields.get(start.pid)), guid_of(fields.get(start.guid))
    if row.timestamp is None or (pid is None and guid is None):
        return None
    made = {
        "time": row.timestamp,
        "computer": _computer(fields),
        "source": start.provider,
        "pid": pid,
        "guid": guid,
        "parent_pid": pid_of(fields.get(start.parent_pid)),
        "parent_guid": guid_of(fields.get(start.parent_guid)),
        "image": fields.get(start.image),
        "command": fields.get(start.command),
        "parent_image": fields.get(start.parent_image),
        "parent_command": fields.get(start.parent_command),
        "user": fields.get(start.user),
        "artifact": row.origin.artifact,
        "offset": row.origin.offset,
        "line": row.origin.line,
    }
    return _in_order(START, made)


def act_of(row: Row) -> tuple[Any, ...] | None:
    """Return a row of ``kept_act``: who did it; None where the record names no process.

    The start of a process is no act of it.
    """
    fields = row.fields
    if row.timestamp is None or start_in(row) is not None:
        return None
    if is_cmdlet(fields):  # "5668 w3wp#MSExchangePowerShellAppPool"
        pid, _, name = fields.get("Process", "").partition(" ")
        image, _, _ = name.partition("#")
        return _act(row, pid_of(pid), None, image)
    for act in load_kept().processes.acts:
        if _is_from(fields, act.channel, act.provider):
            pids = (pid_of(fields.get(name)) for name in act.pid)
            guids = (guid_of(fields.get(name)) for name in act.guid)
            return _act(
                row,
                next((pid for pid in pids if pid is not None), None),
                next((guid for guid in guids if guid is not None), None),
                _first(row, act.image),
            )
    return None


def _act(row: Row, pid: int | None, guid: str | None, image: str | None) -> tuple[Any, ...] | None:
    if pid is None and guid is None:
        return None
    made = {
        "time": row.timestamp,
        "computer": _computer(row.fields),
        "pid": pid,
        "guid": guid,
        "image": image,
        "artifact": row.origin.artifact,
        "offset": row.origin.offset,
    }
    return _in_order(ACT, made)


def pid_of(text: str | None) -> int | None:
    """Read the number of a process, decimal or hexadecimal; None where it is none, or nobody's."""
    found = None if text is None else _PID.fullmatch(text)
    if found is None:
        return None
    number = int(found[1], 16 if found[1][:2] == "0x" else 10)
    return number if 0 < number < 1 << 32 else None


def guid_of(text: str | None) -> str | None:
    """Read a process's id, without braces, in lower case; None where it is none, or all zeros."""
    found = None if text is None else _GUID.search(text.lower()[:64])
    return None if found is None or not found[0].strip("0-") else found[0]


def _is_from(fields: Mapping[str, str], channel: str, provider: str) -> bool:
    return fields.get("Channel") == channel or fields.get("Provider_Name") == provider


def _computer(fields: Mapping[str, str]) -> str:
    return fields.get("Computer", "").lower()[:_USUAL]


def _first(row: Row, names: Iterable[str]) -> str | None:
    for name in names:
        value = row.value(name)
        if value is not None:
            return value
    return None


def _in_order(table: str, made: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(_bounded(column.name, made.get(column.name)) for column in KEPT[table])


def _bounded(name: str, value: Any) -> Any:  # noqa: ANN401 - a cell of any type
    if not isinstance(value, str):
        return value
    most = len(value) if name == "artifact" else _LONGEST.get(name, _USUAL)
    return value[:most]
