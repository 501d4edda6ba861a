"""All indicators of a run, in columns: a million take about a hundred bytes each.

The columns are all there is: an ``Indicator`` is made when somebody asks for one. What a sweep needs
(the number of each anchor, see ``hashing``) is a column too, so that a kept set is ready at once.
"""

from __future__ import annotations

import io
from array import array
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import msgspec
import numpy as np
import numpy.typing as npt

from exopsy.detection.indicators.forms import anchor_of, forms_of
from exopsy.detection.indicators.hashing import (
    PAD,
    Places,
    Words,
    eights,
    ending_marks,
    piece_numbers,
)
from exopsy.detection.indicators.judge import Target, target_of
from exopsy.detection.indicators.runs import RUN, SHORTEST
from exopsy.detection.indicators.tokens import Needs
from exopsy.schema.indicator import KINDS, Details, Indicator, Kind

_CODES = {kind: code for code, kind in enumerate(KINDS)}
_HASH_SIZES: dict[Kind, int] = {"md5": 32, "imphash": 32, "sha1": 40, "sha256": 64, "sha512": 128}
_OF_ONE_RUN: frozenset[Kind] = frozenset({"domain", "file-name"})
_NO_DETAILS = Details()
_LAYOUT = 1
"""Of a kept set; another number is not read."""


class SourceReport(msgspec.Struct, kw_only=True):
    """What became of one file's entries: every one is taken or counted by reason."""

    name: str
    sha256: str
    format: str
    entries: int = 0
    taken: int = 0
    refused: dict[str, int] = msgspec.field(default_factory=dict)
    """Reason -> entries."""
    examples: dict[str, str] = msgspec.field(default_factory=dict)
    """Reason -> the first of them: ``line 12: 10.0.0.0/8``."""
    notes: dict[str, int] = msgspec.field(default_factory=dict)
    """What was taken with a loss (an ``AND`` of a pattern, an expired date) -> how often."""

    def refuse(self, reason: str, where: str, value: str) -> None:
        """Count an entry that was not taken."""
        self.refused[reason] = self.refused.get(reason, 0) + 1
        if reason not in self.examples:
            self.examples[reason] = f"{where}: {value[:120]}"

    def note(self, what: str) -> None:
        """Count a loss or a remark."""
        self.notes[what] = self.notes.get(what, 0) + 1


class IndicatorSet:
    """The columns; make it with a ``SetBuilder`` or ``IndicatorSet.load``."""

    def __init__(
        self,
        *,
        columns: dict[str, npt.NDArray[Any]],
        sources: list[SourceReport],
        needs: Needs,
        networks: list[int],
    ) -> None:
        self.columns = columns
        self.sources = sources
        """In the order in which they were read."""
        self.needs = needs
        self.networks = networks
        """Numbers of the indicators that are networks."""

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.columns["kinds"])

    @property
    def numbers(self) -> Words:
        """Return the numbers of the anchors."""
        return self.columns["numbers"]

    @property
    def owners(self) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        """Return whose anchor each of ``numbers`` is."""
        return self.columns["owners"]

    @property
    def endings(self) -> Places:
        """Return the marks of the endings of domains: what ends otherwise is no parent's child."""
        return self.columns["endings"].astype(np.int64)

    def kind(self, number: int) -> Kind:
        """Return the kind of an indicator."""
        return KINDS[int(self.columns["kinds"][number])]

    def value(self, number: int) -> str:
        """Return the value of an indicator."""
        return self._piece("values", number).decode("utf-8", "surrogatepass")

    def target(self, number: int) -> Target:
        """Return what a line is searched for because of an indicator."""
        return target_of(number, self.kind(number), self.value(number))

    def indicator(self, number: int) -> Indicator:
        """Return one indicator with all that its source says."""
        details = self._piece("details", number)
        return Indicator(
            number=number,
            kind=self.kind(number),
            value=self.value(number),
            source=self.sources[self.columns["sources"][number]].name,
            line=int(self.columns["lines"][number]),
            details=msgspec.msgpack.decode(details, type=Details) if details else _NO_DETAILS,
        )

    def _piece(self, column: str, number: int) -> bytes:
        ends = self.columns[f"{column}_ends"]
        start = int(ends[number - 1]) if number else 0
        return self.columns[column][start : int(ends[number])].tobytes()

    def save(self, path: Path) -> None:
        """Keep the set in a file: a header and the columns, nothing that runs when it is read."""
        header = msgspec.json.encode([_LAYOUT, self.sources, self.needs, self.networks])
        fresh = path.with_name(path.name + ".new")
        with fresh.open("wb") as stream:
            np.savez(stream, header=np.frombuffer(header, np.uint8), **self.columns)  # type: ignore[arg-type]
        fresh.replace(path)

    @classmethod
    def load(cls, path: Path) -> IndicatorSet | None:
        """Return a kept set; None if there is none, or none that this version reads."""
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
                columns = {name: kept[name] for name in kept.files}
            layout, *rest = msgspec.json.decode(columns.pop("header").tobytes())
            if layout != _LAYOUT:
                return None
            return cls(
                columns=columns,
                sources=msgspec.convert(rest[0], list[SourceReport]),
                needs=msgspec.convert(rest[1], Needs),
                networks=msgspec.convert(rest[2], list[int]),
            )
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, msgspec.MsgspecError):
            return None


class SetBuilder:
    """Takes indicators one by one; values must be in their normal form."""

    def __init__(self, everyday: frozenset[bytes] = frozenset()) -> None:
        self.sources: list[SourceReport] = []
        self._everyday = everyday
        self._kinds = bytearray()
        self._values, self._value_ends = bytearray(), array("I")
        self._details, self._detail_ends = bytearray(), array("I")
        self._sources, self._lines = array("H"), array("I")
        # Anchors: of most indicators the value itself, of the others their text stands here.
        self._simple = array("I")
        self._anchors, self._anchor_ends, self._owners = bytearray(), array("I"), array("I")
        self._networks: list[int] = []
        self._shortest = 64
        self._endings: set[bytes] = set()
        self._hash_sizes: set[int] = set()
        self._seen: set[int] = set()
        self._encode = msgspec.msgpack.Encoder().encode

    def __len__(self) -> int:
        """Return how many were taken."""
        return len(self._kinds)

    @property
    def size_bytes(self) -> int:
        """Return about how much memory it takes."""
        return len(self._values) + len(self._details) + len(self._anchors) + 40 * len(self)

    def begin(self, report: SourceReport) -> None:
        """Say which file the next indicators are from."""
        self.sources.append(report)
        self._seen.clear()

    def add(
        self, kind: Kind, value: str, line: int, details: Details = _NO_DETAILS
    ) -> Literal["", "duplicate", "too-short"]:
        """Take an indicator, or return why not.

        Returns:
            ``duplicate``: the same file named it already; ``too-short``: it has no piece long enough
            to look for; "" if it was taken.
        """
        identity = hash((kind, value))
        if identity in self._seen:
            return "duplicate"
        raw = value.encode("utf-8", "surrogatepass")
        number = len(self._kinds)
        size = _HASH_SIZES.get(kind)
        if size is not None:
            self._hash_sizes.add(size)
            self._simple.append(number)
        elif kind == "address":
            if b":" not in raw:
                self._shortest = min(self._shortest, len(raw))
            self._simple.append(number)
        elif kind == "network":
            self._networks.append(number)
            self._shortest = min(self._shortest, 7)
        elif kind in _OF_ONE_RUN and len(raw) >= SHORTEST and raw.isascii() and RUN.fullmatch(raw):
            self._simple.append(number)
            self._need(kind, raw, is_first=True)
        elif not self._add_forms(kind, value, number):
            return "too-short"
        self._seen.add(identity)
        self._kinds.append(_CODES[kind])
        self._values += raw
        self._value_ends.append(len(self._values))
        if details is not _NO_DETAILS:
            self._details += self._encode(details)
        self._detail_ends.append(len(self._details))
        self._sources.append(len(self.sources) - 1)
        self._lines.append(min(line, 0xFFFFFFFF))
        return ""

    def _add_forms(self, kind: Kind, value: str, number: int) -> bool:
        anchors = []
        for form in forms_of(kind, value):
            span = anchor_of(kind, form, self._everyday)
            if span is None:
                return False
            anchors.append((form[span[0] : span[1]], span[0] == 0))
        for anchor, is_first in anchors:
            self._need(kind, anchor, is_first=is_first)
            self._anchors += anchor
            self._anchor_ends.append(len(self._anchors))
            self._owners.append(number)
        return bool(anchors)

    def _need(self, kind: Kind, anchor: bytes, *, is_first: bool) -> None:
        self._shortest = min(self._shortest, len(anchor))
        if kind == "domain" and is_first:
            self._endings.add(anchor[-4:].lower())

    def build(self) -> IndicatorSet:
        """Return the set; the builder is of no use afterwards."""
        self._seen.clear()  # the most memory of all, and of no more use
        starts, ends = _bounds(self._value_ends)
        simple = np.array(self._simple, np.int64)
        numbers = _numbers(_padded(self._values), starts[simple], ends[simple])
        more = _numbers(_padded(self._anchors), *_bounds(self._anchor_ends))
        columns: dict[str, npt.NDArray[Any]] = {
            "kinds": np.frombuffer(self._kinds, np.uint8),
            "values": np.frombuffer(self._values, np.uint8),
            "values_ends": np.array(self._value_ends, np.uint32),
            "details": np.frombuffer(self._details, np.uint8),
            "details_ends": np.array(self._detail_ends, np.uint32),
            "sources": np.array(self._sources, np.uint16),
            "lines": np.array(self._lines, np.uint32),
            "numbers": np.concatenate((numbers, more)),
            "endings": np.unique(ending_marks(sorted(self._endings))).astype(np.uint16),
            "owners": np.concatenate((simple.astype(np.int32), np.array(self._owners, np.int32))),
        }
        needs = Needs(
            shortest=max(SHORTEST, self._shortest),
            hash_sizes=tuple(sorted(self._hash_sizes)),
        )
        return IndicatorSet(
            columns=columns, sources=self.sources, needs=needs, networks=self._networks
        )


def text_number(text: bytes) -> int:
    """Return the number of one text, as ``IndicatorSet.numbers`` has it."""
    starts = np.zeros(1, np.int64)
    return int(_numbers(_padded(text), starts, starts + len(text))[0])


def _bounds(ends: array[int]) -> tuple[Places, Places]:
    last = np.array(ends, np.int64)
    return np.concatenate((np.zeros(min(1, len(last)), np.int64), last[:-1])), last


def _padded(text: bytes | bytearray) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    padded = np.zeros(len(text) + 2 * PAD, np.uint8)
    padded[PAD : PAD + len(text)] = np.frombuffer(text, np.uint8)
    padded[PAD : PAD + len(text)] |= 32
    return padded


def _numbers(
    padded: np.ndarray[tuple[int], np.dtype[np.uint8]], starts: Places, ends: Places
) -> Words:
    return piece_numbers(eights(padded), starts + PAD, ends + PAD).numbers
