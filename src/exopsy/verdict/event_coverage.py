"""Event logs of a host -> which channel was read for which time.

An event log has a record when something happens, so silence between two records is no hole: a
channel is covered from its oldest record to its newest, unless an artifact between was read with
losses or no artifact reaches there (archived logs of which one is missing).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import msgspec

from exopsy.core.clock import format_utc
from exopsy.schema.artifact import ArtifactFacts, ByteClasses
from exopsy.schema.case import Coverage, CoverageGap
from exopsy.schema.event import EVENT_LOG
from exopsy.verdict.words import quote

_MAX_DAYS = 3700
_SEVERAL = "several channels"
_MAX_CHANNEL = 100

DayState = Literal["full", "part", "none"]


def cover_events(artifacts: Sequence[ArtifactFacts]) -> list[Coverage]:
    """Say for each channel which days were read.

    Args:
        artifacts: event logs of one host.

    Returns:
        By channel; ``log`` is ``windows-event: <channel>``, the channel being bounded and harmless.
    """
    by_channel: dict[str, list[ArtifactFacts]] = {}
    for facts in artifacts:
        channel = facts.channels[0] if len(facts.channels) == 1 else _SEVERAL
        name = f"{EVENT_LOG}: {quote(channel, _MAX_CHANNEL)}" if facts.channels else EVENT_LOG
        by_channel.setdefault(name, []).append(facts)
    return [_cover(name, by_channel[name]) for name in sorted(by_channel)]


def _cover(name: str, artifacts: Sequence[ArtifactFacts]) -> Coverage:
    classes, skipped, notes = ByteClasses(), dict[str, int](), dict[str, int]()
    for facts in artifacts:
        classes.add(facts.classes)
        for reason, count in facts.skipped.items():
            skipped[reason] = skipped.get(reason, 0) + count
        for word, count in facts.notes.items():
            notes[word] = notes.get(word, 0) + count
    spans = sorted(span for facts in artifacts if (span := _span_of(facts)) is not None)
    lossy = [_span_of(facts) for facts in artifacts if facts.state != "read"]
    states = {facts.state for facts in artifacts}
    return Coverage(
        log=name,
        from_=format_utc(spans[0][0]) if spans else None,
        to=format_utc(max(end for _, end in spans)) if spans else None,
        bytes=sum(facts.size for facts in artifacts),
        classes=msgspec.structs.asdict(classes),
        lines=sum(facts.lines for facts in artifacts),
        artifacts=len(artifacts),
        days=_days(spans, [span for span in lossy if span is not None]),
        state="failed" if states == {"failed"} else "read" if states == {"read"} else "partial",
        gaps=_gaps(spans),
        skipped=dict(sorted(skipped.items())),
        notes=dict(sorted(notes.items())) or msgspec.UNSET,
    )


def _span_of(facts: ArtifactFacts) -> tuple[datetime, datetime] | None:
    times = [moment for span in facts.spans for moment in span]
    return (min(times), max(times)) if times else None


def _days(
    spans: Sequence[tuple[datetime, datetime]], lossy: Sequence[tuple[datetime, datetime]]
) -> dict[str, DayState]:
    if not spans:
        return {}
    first, last = spans[0][0].date(), max(end for _, end in spans).date()
    if (last - first).days > _MAX_DAYS:  # forged times: the ends alone
        days = sorted({moment.date() for span in spans for moment in span})[-_MAX_DAYS:]
    else:
        days = [first + timedelta(n) for n in range((last - first).days + 1)]
    return {day.isoformat(): _state(day, spans, lossy) for day in days}


def _state(
    day: date,
    spans: Sequence[tuple[datetime, datetime]],
    lossy: Sequence[tuple[datetime, datetime]],
) -> DayState:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    stop = start + timedelta(days=1)
    if not any(a < stop and b >= start for a, b in spans):
        return "none"
    whole = any(a <= start and b >= stop for a, b in spans)
    return "full" if whole and not any(a < stop and b >= start for a, b in lossy) else "part"


def _gaps(spans: Sequence[tuple[datetime, datetime]]) -> list[CoverageGap]:
    gaps = []
    end: datetime | None = None
    for start, stop in spans:
        if end is not None and start - end > timedelta(days=1):
            gaps.append(CoverageGap(from_=format_utc(end), to=format_utc(start), why="unknown"))
        end = stop if end is None else max(end, stop)
    return gaps
