"""Indicators over everything that is read -> what stands where, and findings about it.

The sweep goes over the same bytes as the rules, in the same pass; the plain path looks at every
indicator in every line.
"""

from __future__ import annotations

import base64
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import get_args

import msgspec

from exopsy.core.clock import UNTIMED
from exopsy.core.text import decode_utf8
from exopsy.detection.indicators.indicator_set import IndicatorSet
from exopsy.detection.indicators.judge import Found, PlainSweep
from exopsy.detection.indicators.sieve import MOST_HITS, IndicatorScanner, IndicatorSieve
from exopsy.detection.indicators.tally import IndicatorTally, hit_of
from exopsy.evidence import registry
from exopsy.evidence.layout_tracker import LayoutTracker
from exopsy.pipeline.findings import identity_of
from exopsy.schema.case import Evidence, Finding, Grade
from exopsy.schema.event import EVENT_LOG
from exopsy.schema.format import FormatSpec
from exopsy.schema.indicator import HIT_LEVEL, IndicatorSummary, Kind
from exopsy.schema.row import Origin, Row
from exopsy.schema.rule import RuleInfo

_TITLES: dict[Kind, str] = {
    "address": "Address of a list of indicators",
    "network": "Address in a network of a list of indicators",
    "domain": "Domain of a list of indicators",
    "url": "URL of a list of indicators",
    "user-agent": "User agent of a list of indicators",
    "file-name": "File name of a list of indicators",
    "path": "Path of a list of indicators",
    "email": "E-mail address of a list of indicators",
    "account": "Account of a list of indicators",
}
_HASH = "Hash of a list of indicators"
_INNOCENT = (
    "Lists age: addresses change hands, and one address serves thousands of names.",
    "Scanners and researchers stand on such lists too, and knock on every server.",
)
_NEXT = "See who published the value and when, and look at what else this address or account did."


class Sweep:
    """The indicators of a run; shared by all threads."""

    def __init__(
        self, indicators: IndicatorSet, *, plain: bool, sieve: IndicatorSieve | None = None
    ) -> None:
        self.indicators = indicators
        self.plain = plain
        self._sieve = sieve or IndicatorSieve(indicators)
        self._lock = threading.Lock()
        self._summaries: list[tuple[str, IndicatorSummary]] = []

    def fresh(self) -> Sweep:
        """Return a sweep for the same indicators that has found nothing yet."""
        return Sweep(self.indicators, plain=self.plain, sieve=self._sieve)

    def looker(self) -> IndicatorScanner | _PlainLooker:
        """Return what finds indicators in the blocks of one artifact, in order."""
        return _PlainLooker(self.indicators) if self.plain else self._sieve.scanner()

    def add(self, log: str, summaries: Sequence[IndicatorSummary]) -> None:
        """Take what was found in an artifact; its path stands for the host."""
        with self._lock:
            self._summaries += [(log, summary) for summary in summaries]

    def taken(self) -> list[tuple[str, IndicatorSummary]]:
        """Return what was taken so far: log and summary."""
        return self._summaries

    def findings(
        self, taken: Sequence[tuple[str, IndicatorSummary]], hosts: Mapping[str, str]
    ) -> list[Finding]:
        """Return a finding for each indicator, host, log and day.

        Args:
            taken: by all processes.
            hosts: artifact -> host.
        """
        merged: dict[tuple[str, str, int, str], IndicatorSummary] = {}
        for log, summary in sorted(taken, key=_order):
            host = hosts.get(summary.host, "")
            key = (host, log, summary.indicator, summary.day)
            known = merged.get(key)
            merged[key] = (
                msgspec.structs.replace(summary, host=host)
                if known is None
                else _joined(known, summary)
            )
        return [_finding(key[1], merged[key]) for key in sorted(merged)]

    def tell(self) -> list[str]:
        """Say of each file what was taken of it, and what was not."""
        told = []
        for source in self.indicators.sources:
            refused = ", ".join(f"{n} {reason}" for reason, n in sorted(source.refused.items()))
            told.append(
                f"Indicators of {source.name} ({source.format}): {source.taken} of "
                f"{source.entries} entries are looked for"
                + (f"; left out: {refused}." if refused else ".")
            )
        return told


class _PlainLooker:
    """Every indicator in every line; hubs are capped as the fast sweep caps them."""

    def __init__(self, indicators: IndicatorSet) -> None:
        self._sweep = PlainSweep([indicators.target(number) for number in range(len(indicators))])
        self._counts: Counter[int] = Counter()
        self.capped: set[int] = set()

    def scan(self, data: bytes | bytearray, size: int | None = None) -> list[Found]:
        """Return the hits in whole lines."""
        kept = []
        for found in self._sweep.scan(bytes(data[:size])):
            self._counts[found.indicator] += 1
            if self._counts[found.indicator] <= MOST_HITS:
                kept.append(found)
            else:
                self.capped.add(found.indicator)
        return kept


class LogSweep:
    """The sweep of one log of lines, block by block."""

    def __init__(
        self, sweep: Sweep, artifact: str, spec: FormatSpec, tracker: LayoutTracker
    ) -> None:
        self._sweep = sweep
        self._artifact = artifact
        self._spec = spec
        self._tracker = tracker
        self._parse = registry.load(spec).parse_record
        self._looker = sweep.looker()
        self._tally = IndicatorTally()
        self._lines = 1

    def feed(self, data: bytes | bytearray, size: int, base: int, lines: int) -> None:
        """Take a block of whole lines (the last may lack its end).

        Args:
            data: the buffer.
            size: how much of it counts.
            base: offset of its first byte in the artifact.
            lines: how many line ends it holds.
        """
        for found in self._looker.scan(data, size):
            hit = hit_of(
                found,
                data,
                self._sweep.indicators,
                artifact=self._artifact,
                base=base,
                first_line=self._lines,
            )
            line = bytes(data[found.line_start : found.line_end])
            self._tally.add(hit, self._artifact, self._time(line, base + found.line_start))
        self._lines += lines

    def _time(self, line: bytes, offset: int) -> datetime | None:
        origin = Origin(artifact=self._artifact, offset=offset, line=0)
        row = self._parse(line.rstrip(b"\r"), self._tracker.layout_at(offset), origin, "")
        return row.timestamp if isinstance(row, Row) else None

    def finish(self) -> None:
        """Hand over what was found."""
        self._tally.cap(self._looker.capped, self._artifact)
        self._sweep.add(self._spec.name, self._tally.summaries())


class EventSweep:
    """The sweep of one event log, or a range of one, batch by batch."""

    def __init__(self, sweep: Sweep, artifact: str) -> None:
        self._sweep = sweep
        self._artifact = artifact
        self._looker = sweep.looker()
        self._tally = IndicatorTally()

    def feed(
        self,
        texts: Sequence[str],
        numbers: Sequence[int],
        place: Callable[[int], int],
        time: Callable[[int], datetime | None],
    ) -> None:
        """Take a batch of records.

        Args:
            texts: JSON texts.
            numbers: of the records.
            place: index in the batch -> offset in the artifact.
            time: index in the batch -> its time.
        """
        data = "\n".join(texts).encode("utf-8", "backslashreplace")
        for found in self._looker.scan(data, len(data)):
            index = found.line
            hit = hit_of(found, data, self._sweep.indicators, artifact=self._artifact)
            placed = msgspec.structs.replace(hit, offset=place(index), line=numbers[index])
            self._tally.add(placed, self._artifact, time(index))

    def finish(self) -> list[IndicatorSummary]:
        """Return what was found."""
        self._tally.cap(self._looker.capped, self._artifact)
        return self._tally.summaries()


@cache
def indicator_infos() -> dict[str, RuleInfo]:
    """Return what findings about indicators mean, by rule id."""
    return {
        f"indicator-{kind}": RuleInfo(
            id=f"indicator-{kind}",
            title=_TITLES.get(kind, _HASH),
            level=HIT_LEVEL,
            status="stable",
            grades=("attempt", "success"),
            innocent=_INNOCENT,
            next=_NEXT,
        )
        for kind in get_args(Kind)
    }


def _order(taken: tuple[str, IndicatorSummary]) -> tuple[str, str, int, str]:
    log, summary = taken
    return (log, summary.host, summary.indicator, summary.day)


def _joined(one: IndicatorSummary, other: IndicatorSummary) -> IndicatorSummary:
    times = [t for s in (one, other) for t in (s.first_seen, s.last_seen) if t is not None]
    samples = sorted([*one.samples, *other.samples], key=lambda h: (h.artifact, h.offset))[:5]
    return msgspec.structs.replace(
        one,
        count=one.count + other.count,
        first_seen=min(times, default=None),
        last_seen=max(times, default=None),
        is_capped=one.is_capped or other.is_capped,
        samples=samples,
    )


def _finding(log: str, summary: IndicatorSummary) -> Finding:
    info = indicator_infos()[f"indicator-{summary.kind}"]
    # A request that names a value is a request; an event is something that happened here.
    grade: Grade = "success" if log == EVENT_LOG else "attempt"
    subject = {"indicator": summary.value, "list": summary.source}
    if summary.label:
        subject["label"] = decode_utf8(summary.label.encode("utf-8", "backslashreplace"))[:200]
    first_seen = summary.first_seen or UNTIMED
    identity = msgspec.json.encode(subject, order="sorted").decode()
    return Finding(
        id="",
        key=identity_of(info.id, summary.host, identity, grade, f"{log} {first_seen}"),
        rule_id=info.id,
        title=info.title,
        level=info.level,
        grade=grade,
        host=summary.host,
        log=log,
        subject=subject,
        first_seen=first_seen,
        last_seen=summary.last_seen or first_seen,
        count=summary.count,
        evidence=[
            Evidence(
                artifact=hit.artifact,
                offset=hit.offset,
                line=hit.line,
                record=hit.line if log == EVENT_LOG else None,
                text_b64=base64.b64encode(hit.matched).decode("ascii"),
            )
            for hit in summary.samples
        ],
        innocent_explanations=list(info.innocent),
        next=info.next,
    )
