"""Events in any order -> the ``.evtx`` files of a server, each in the order of time.

Events are held until their time is over, then written. An event that says a log was emptied
empties it: what it held before is gone from the file and from the truth.
"""

from __future__ import annotations

import heapq
from datetime import UTC, datetime
from pathlib import Path

from exopsy.lab import event_kinds as kinds
from exopsy.lab import event_truth
from exopsy.lab.event_kind import Event, Kind, KindEncoder
from exopsy.lab.evtx_writer import EvtxWriter
from exopsy.lab.truth import TruthEvent, TruthEventLogs

FOLDER = "C/Windows/System32/winevt/Logs"


def file_name(channel: str) -> str:
    """Return the name of a channel's file, as Windows spells it."""
    return f"{channel.replace('/', '%4')}.evtx"


class EventLogs:
    """All event logs of one server under ``root`` (its folder in the collection)."""

    def __init__(self, root: Path, computer: str) -> None:
        self._folder, self._computer = root / FOLDER, computer
        self._held: list[tuple[float, int, Event, str, str]] = []
        self._count = 0
        self._encoders: dict[Kind, KindEncoder] = {}
        self._writers: dict[str, EvtxWriter] = {}
        self._first: dict[str, int] = {}
        self._truths: list[TruthEvent] = []
        self._cleared: list[str] = []

    def hold(self, event: Event, what: str = "", activity: str = "") -> None:
        """Take an event; ``what`` marks one that tells of an intrusion."""
        heapq.heappush(self._held, (event.at, self._count, event, what, activity))
        self._count += 1

    def flush(self, until: float) -> None:
        """Write every held event before a time (seconds since 1970)."""
        while self._held and self._held[0][0] < until:
            _, _, event, what, activity = heapq.heappop(self._held)
            self._write(event, what, activity)

    def close(self) -> TruthEventLogs:
        """Drop what lies after the last flush, close the files, and say what they hold."""
        for writer in self._writers.values():
            writer.close()
        return TruthEventLogs(
            records={
                channel: writer.next_id - self._first[channel]
                for channel, writer in sorted(self._writers.items())
            },
            cleared=sorted(set(self._cleared)),
            events=self._truths,
            observables=event_truth.observables(self._truths),
            trees=event_truth.trees(self._truths),
            chains=event_truth.chains(self._truths),
            left=event_truth.left(self._truths),
        )

    def _write(self, event: Event, what: str, activity: str) -> None:
        kind = event.kind
        if kind is kinds.SECURITY_CLEARED:
            self._clear(kind.channel)
        elif kind is kinds.LOG_CLEARED:
            self._clear(str(event.values[2]))
        encoder = self._encoders.get(kind)
        if encoder is None:
            encoder = self._encoders[kind] = KindEncoder(kind, self._computer)
        record = self._writer(kind.channel).write(*encoder.encode(event))
        if what:
            moment = datetime.fromtimestamp(event.at, UTC)
            self._truths.append(
                TruthEvent(
                    channel=kind.channel,
                    event_id=kind.event_id,
                    record=record,
                    time=moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    what=what,
                    name=event_truth.name_left(event, what),
                    activity=activity or None,
                )
            )

    def _writer(self, channel: str) -> EvtxWriter:
        if channel not in self._writers:
            self._writers[channel] = EvtxWriter(self._folder / file_name(channel))
            self._first[channel] = 1
        return self._writers[channel]

    def _clear(self, channel: str) -> None:
        writer = self._writer(channel)
        writer.clear()
        self._first[channel] = writer.next_id
        self._truths = [t for t in self._truths if t.channel != channel]
        self._cleared.append(channel)
