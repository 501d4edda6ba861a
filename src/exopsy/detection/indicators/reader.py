"""What the readers of all formats share: taking an entry, or counting why not."""

from __future__ import annotations

from datetime import datetime

import msgspec

from exopsy.core.clock import parse_utc
from exopsy.detection.indicators.content import Vocabulary
from exopsy.detection.indicators.indicator_set import SetBuilder, SourceReport
from exopsy.detection.indicators.values import Sorter, Unusable
from exopsy.schema.indicator import Details, Kind


class ReadOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How indicators are read, and how many."""

    allow_private: bool = False
    """Take addresses that are in use inside every network."""
    all_attributes: bool = False
    """Take MISP attributes too whose ``to_ids`` is false."""
    now: datetime | None = None
    """To tell what has expired; None: nothing has."""
    most_indicators: int = 2_000_000
    most_bytes: int = 1 << 30
    """Of one file, and of what is kept of all."""


class EntryTaker:
    """Takes the entries of one file."""

    def __init__(
        self, builder: SetBuilder, report: SourceReport, words: Vocabulary, options: ReadOptions
    ) -> None:
        self.report = report
        self.words = words
        self.options = options
        self._builder = builder
        self._full = False
        self.sorter = Sorter(words, allow_private=options.allow_private)
        builder.begin(report)

    def take(
        self,
        text: str,
        line: int,
        *,
        kind: Kind | None = None,
        is_hash: bool = False,
        details: Details | None = None,
        where: str = "line",
    ) -> bool:
        """Take an entry, or count why not; say which.

        Args:
            text: its value.
            line: number of its line or object.
            kind: what its file says that it is.
            is_hash: its file says that it is a hash.
            details: what else its file says.
            where: what ``line`` counts.
        """
        self.report.entries += 1
        try:
            if is_hash:
                kind = self.sorter.hash_kind(text)
            found, value = self.sorter.sort(text, kind)
            reason: str = ""
            if self._is_full():
                reason = "too-many"
            elif details is None:
                reason = self._builder.add(found, value, line)
            else:
                reason = self._builder.add(found, value, line, self._dated(details))
        except Unusable as error:
            reason = str(error)
        if reason:
            self.report.refuse(reason, f"{where} {line}", text)
            return False
        self.report.taken += 1
        return True

    def refuse(self, reason: str, line: int, text: str, *, where: str = "line") -> None:
        """Count an entry that is not even looked at."""
        self.report.entries += 1
        self.report.refuse(reason, f"{where} {line}", text)

    def is_kind(self, name: str) -> Kind | None:
        """Return the kind that a feed's name of a type means."""
        return self.words.kinds.get(name)

    def _is_full(self) -> bool:
        if not self._full and not self.report.entries & 63:
            self._full = self._builder.size_bytes >= self.options.most_bytes
        return self._full or len(self._builder) >= self.options.most_indicators

    def _dated(self, details: Details) -> Details:
        if details.state == "revoked":
            self.report.note("revoked by its source: taken, and marked so")
        elif details.valid_until and self.options.now is not None:
            until = parse_utc(details.valid_until)
            if until is not None and until < self.options.now:
                self.report.note("expired: taken, and marked so")
                return msgspec.structs.replace(details, state="expired")
        return details
