"""One round of the pivot: every record of everything that was read which holds a wanted value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exopsy.core.limits import Limits
from exopsy.detection.sieve.keys import KeySieve
from exopsy.evidence import registry
from exopsy.pipeline.activity import ActivityMapping
from exopsy.pipeline.blocks import BlockReader
from exopsy.pipeline.matches import MatchBatch, MatchTable
from exopsy.pipeline.pivot import ArtifactKeys, KeyCounter, KeyMatcher
from exopsy.pipeline.progress import SharedProgress
from exopsy.pipeline.scan import for_each_member
from exopsy.pipeline.sieving import RecordFinder
from exopsy.pipeline.stage import guarded
from exopsy.schema.artifact import ArtifactFacts
from exopsy.schema.pivot import Hub, PivotKey
from exopsy.schema.row import Row
from exopsy.sources.collection import Collection
from exopsy.sources.member import Member

_LOGS = frozenset(spec.name for spec in registry.FORMATS)
"""Logs of lines. Event logs name no pages, and few addresses that the others do not."""


class PivotScan:
    """Reads a collection again for some keys."""

    def __init__(
        self,
        keys: Sequence[PivotKey],
        artifacts: Sequence[ArtifactFacts],
        *,
        mapping: ActivityMapping,
        matches: MatchTable,
        limits: Limits,
        plain: bool,
    ) -> None:
        self._artifacts = {a.path: a for a in artifacts if a.kind in _LOGS and a.state != "failed"}
        self._mapping = mapping
        self._matches = matches
        self._limits = limits
        self._plain = plain
        self._matcher = KeyMatcher(keys)
        self._counter = KeyCounter(limits, len(self._artifacts))
        logs = {a.kind for a in self._artifacts.values()}
        values = [key.value for key in keys]
        self._sieves: Mapping[str, KeySieve] = {log: KeySieve(log, values) for log in sorted(logs)}

    def run(self, collection: Collection, progress: SharedProgress, workers: int) -> list[Hub]:
        """Read; rows go to the match table. Returns the keys that brought too much."""

        def one(member: Member) -> ArtifactFacts | None:
            known = self._artifacts.get(member.path)
            if known is None:
                return None
            return guarded(lambda m: self._read(m, known, progress), member)

        for_each_member(collection, one, workers)
        progress.flush()
        return self._counter.hubs()

    def _read(
        self, member: Member, known: ArtifactFacts, progress: SharedProgress
    ) -> ArtifactFacts:
        batch = self._matches.batch()
        counts = ArtifactKeys(self._counter)
        try:
            with member.open() as stream:
                if self._plain:
                    parser = registry.load(registry.spec_of(known.kind))
                    items = parser.parse(
                        stream,
                        artifact=member.path,
                        host="",
                        record_bytes=self._limits.record_bytes,
                    )
                    for item in items:
                        self._take(item, known, batch, counts)
                else:
                    self._sieved(stream, known, batch, counts, progress)
        finally:
            batch.flush()
        return known

    def _sieved(
        self,
        stream: object,
        known: ArtifactFacts,
        batch: MatchBatch,
        counts: ArtifactKeys,
        progress: SharedProgress,
    ) -> None:
        parser = registry.load(registry.spec_of(known.kind))
        most = self._limits.record_bytes
        finder = RecordFinder(
            parser, self._sieves[known.kind], artifact=known.path, record_bytes=most
        )
        reader = BlockReader(stream, progress.advance, record_bytes=most + 2)  # type: ignore[arg-type]
        for block in reader.blocks():
            for candidate, raw, place in finder.records(block):
                origin = finder.origin(candidate, place)
                item = parser.parse_record(raw, finder.layout, origin, "")
                self._take(item, known, batch, counts)

    def _take(
        self, item: object, known: ArtifactFacts, batch: MatchBatch, counts: ArtifactKeys
    ) -> None:
        if not isinstance(item, Row):
            return
        activity = self._mapping.make(item, known.site)
        if activity is None:
            return
        keys = self._matcher.keys_of(activity)
        only_by = counts.take(keys) if keys else None
        if only_by is not None:
            batch.keep(activity, item.raw, [], [], [], only_by)
