"""Event logs of a collection -> their facts, and tables of the rows that rules matched."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from exopsy.detection.events.event_rules import EventRules
from exopsy.pipeline.bundle import Bundle
from exopsy.pipeline.event_pool import WORTH, EventPool, rules_of
from exopsy.pipeline.event_scan import EventPart, scan_events
from exopsy.pipeline.kept_records import KeptTables
from exopsy.pipeline.matches import MatchTable
from exopsy.pipeline.progress import SharedProgress
from exopsy.pipeline.reading_notes import why_in_part
from exopsy.pipeline.script_parts import PartSpool, join_parts
from exopsy.schema.artifact import ArtifactFacts
from exopsy.schema.event import EVENT_LOG, EventLogFacts
from exopsy.schema.format import FormatSpec
from exopsy.sources.member import Member

if TYPE_CHECKING:
    from exopsy.pipeline.sweeping import EventSweep, Sweep

Seen = Callable[[memoryview], None]
_BLOCK = 1 << 20


class EventReading:
    """What is done with the event logs of a run; shared by all threads."""

    def __init__(
        self,
        bundle: Bundle,
        pool: EventPool | None,
        matches: MatchTable,
        *,
        cache: Path | None,
        folder: Path,
        plain: bool,
        sweep: Sweep | None = None,
        kept: KeptTables | None = None,
    ) -> None:
        self._kept = kept
        self.kept: list[dict[str, list[str]]] = []
        """Files of the workers' kept records, by table."""
        self._bundle = bundle
        self._pool = pool
        self._matches = matches
        self._cache = cache
        self._folder = folder
        self._plain = plain
        self._sweep = sweep
        self._lock = threading.Lock()
        self._rules: EventRules | None = None
        self.tables: list[Path] = []
        """Of the workers, beside the run's own."""
        self.hits: list[Path] = []
        """Files of the workers' hits for the correlations."""
        self.untimed = 0

    def read(
        self, member: Member, stream: io.RawIOBase, spec: FormatSpec, progress: SharedProgress
    ) -> ArtifactFacts:
        """Read one event log; ``stream`` is at its beginning."""
        digest = hashlib.sha256()
        facts = EventLogFacts()

        def seen(view: memoryview) -> None:
            digest.update(view)
            progress.advance(view)

        pool = self._pool
        if (
            pool is not None
            and member.local is not None
            and (pool.takes_small or is_for_pool(member))
        ):
            failure = self._by_pool(member, spec, stream, facts, seen)
        else:
            failure = self._here(member.path, spec, stream, facts, seen)
        return _told(member, spec, facts, digest.hexdigest(), failure)

    def _here(
        self, path: str, spec: FormatSpec, stream: io.RawIOBase, facts: EventLogFacts, seen: Seen
    ) -> str:
        """Read within this process; return what stopped it, or nothing."""
        part = EventPart(artifact=path, kind=spec.name)
        sweep: EventSweep | None = None
        if self._sweep is not None:
            from exopsy.pipeline.sweeping import EventSweep

            sweep = EventSweep(self._sweep, path)
        parts = PartSpool(self._folder / f"parts-{_name_of(path)}.jsonl")
        with self._lock:
            rules = self._event_rules()
            try:
                with parts:
                    scan_events(
                        stream,
                        part,
                        facts,
                        rules,
                        self._matches,
                        parts,
                        plain=self._plain,
                        seen=seen,
                        sweep=sweep,
                        kept=self._kept,
                    )
                while data := stream.read(_BLOCK):  # what a reader may have left
                    seen(memoryview(data))
            except OSError as error:
                return str(error)
            finally:
                join_parts(parts.paths, rules, self._matches, facts, plain=self._plain)
                if self._sweep is not None and sweep is not None:
                    self._sweep.add(EVENT_LOG, sweep.finish())
        return ""

    def _event_rules(self) -> EventRules:
        """Return the rules; they serve one thread at a time."""
        if self._rules is None:
            self._rules = rules_of(self._bundle, self._cache)
        return self._rules

    def _by_pool(
        self,
        member: Member,
        spec: FormatSpec,
        stream: io.RawIOBase,
        facts: EventLogFacts,
        seen: Seen,
    ) -> str:
        """Let the workers read while the bytes are hashed here; return what stopped them."""
        assert member.local is not None
        assert self._pool is not None
        path = member.path
        reading = self._pool.begin(member.local, path, spec.name, f"match-0-{_name_of(path)}")
        while data := stream.read(_BLOCK):
            seen(memoryview(data))
        failure = ""
        parts: list[Path] = []
        for answer in self._pool.finish(reading):
            facts.add(answer.facts)
            failure = failure or answer.failure
            if self._sweep is not None:
                self._sweep.add(EVENT_LOG, answer.indicators)
            with self._lock:
                self.untimed += answer.untimed
                self.hits += map(Path, answer.hits)
                self.kept.append(answer.kept)
                if answer.table:
                    self.tables.append(Path(answer.table))
            parts += map(Path, answer.parts)
        if parts:
            with self._lock:
                join_parts(parts, self._event_rules(), self._matches, facts, plain=self._plain)
        return failure


def _name_of(path: str) -> str:
    """Return a name for files of an artifact that no other one has."""
    return hashlib.sha256(path.encode("utf-8", "backslashreplace")).hexdigest()[:24]


def is_for_pool(member: Member) -> bool:
    """Say whether an event log is worth the start of worker processes."""
    return member.local is not None and (member.size or 0) >= WORTH


def _told(
    member: Member, spec: FormatSpec, facts: EventLogFacts, sha256: str, failure: str
) -> ArtifactFacts:
    missing = max(0, (member.size or 0) - facts.classes.total()) if failure else 0
    facts.classes.unread += missing
    lost = sum(facts.skipped.values())
    found = ArtifactFacts(
        path=member.path,
        kind=spec.name,
        host="",
        size=facts.classes.total(),
        sha256=None if failure else sha256,
        state="read",
        classes=facts.classes,
        lines=facts.records,
        skipped=facts.skipped,
        spans=facts.spans,
        servers=facts.computers,
        channels=facts.channels,
        looked=facts.looked,
        notes=dict(sorted(facts.notes.items())),
    )
    if failure:
        found.state = "partial" if facts.records else "failed"
        found.why = f"Its reading stopped: {failure}."
    elif lost:
        found.state = "partial"
        found.why = f"{lost} of its records or places are damaged and could not be read."
    elif reason := why_in_part(found):
        found.state, found.why = "partial", reason
    return found
