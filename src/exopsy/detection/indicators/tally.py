"""Hits -> a summary for each indicator, host and day.

A finding about an indicator is made from these, not from single hits: who asked for a page ten
thousand times is one fact. Feed hits in the order of artifact and offset, and the first samples are
the same in every run.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from exopsy.core.clock import format_utc
from exopsy.detection.indicators.indicator_set import IndicatorSet
from exopsy.detection.indicators.judge import Found
from exopsy.schema.indicator import IndicatorHit, IndicatorSummary

MOST_SAMPLES = 5
MOST_MATCHED = 512
"""Bytes of a match that are kept."""


def hit_of(
    found: Found,
    data: bytes | bytearray,
    indicators: IndicatorSet,
    *,
    artifact: str,
    base: int = 0,
    first_line: int = 1,
) -> IndicatorHit:
    """Make a hit of what a scanner found in a block.

    Args:
        found: the place.
        data: the block, as it was scanned.
        indicators: the set of the scanner.
        artifact: path of the artifact.
        base: offset of the block in it.
        first_line: number of the block's first line.
    """
    known = indicators.indicator(found.indicator)
    end = min(found.end, found.name_start + MOST_MATCHED)
    return IndicatorHit(
        indicator=found.indicator,
        kind=known.kind,
        value=known.value,
        label=known.details.label,
        source=known.source,
        artifact=artifact,
        offset=base + found.start,
        line=first_line + found.line,
        matched=bytes(data[found.name_start : end]),
    )


class IndicatorTally:
    """Counts hits; ``summaries`` says what there was."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, str, str], IndicatorSummary] = {}

    def add(self, hit: IndicatorHit, host: str, timestamp: datetime | None) -> None:
        """Count a hit in a record of a host at a time."""
        moment = None if timestamp is None else format_utc(timestamp)
        day = "" if moment is None else moment[:10]
        key = (hit.indicator, host, day)
        known = self._found.get(key)
        if known is None:
            known = self._found[key] = IndicatorSummary(
                indicator=hit.indicator,
                kind=hit.kind,
                value=hit.value,
                label=hit.label,
                source=hit.source,
                host=host,
                day=day,
                count=0,
                first_seen=moment,
                last_seen=moment,
            )
        known.count += 1
        if moment is not None:
            known.first_seen = min(known.first_seen or moment, moment)
            known.last_seen = max(known.last_seen or moment, moment)
        known.samples.append(hit)
        if len(known.samples) > MOST_SAMPLES:
            known.samples.sort(key=lambda h: (h.artifact, h.offset))
            del known.samples[MOST_SAMPLES:]

    def cap(self, indicators: Iterable[int], host: str) -> None:
        """Note that some indicators are hubs in an artifact of a host: its scanner's ``capped``."""
        capped = set(indicators)
        for (indicator, where, _), known in self._found.items():
            if where == host and indicator in capped:
                known.is_capped = True

    def summaries(self) -> list[IndicatorSummary]:
        """Return what was counted, by indicator, host and day."""
        for known in self._found.values():
            known.samples.sort(key=lambda h: (h.artifact, h.offset))
        return [self._found[key] for key in sorted(self._found)]
