"""CSV, with or without a header: columns are known by name, else by what stands in them.

Three layouts are read: a column of values with one of types beside it, one column a kind (several
may be filled in one row), and tables without a header, of which every cell counts that can be
nothing but an address, a host, a URL, a hash or a mail address.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

import msgspec

from exopsy.detection.indicators.content import Vocabulary, name_key
from exopsy.detection.indicators.reader import EntryTaker
from exopsy.detection.indicators.values import Sorter, Unusable
from exopsy.schema.indicator import HASHES, Details, Kind

DELIMITERS = ",;\t|"
_CERTAIN: frozenset[Kind] = HASHES.union(("address", "network", "domain", "url", "email"))
_DETAILS = ("id", "label", "confidence", "valid_from", "valid_until", "tlp")
MOST_DETAIL = 200
"""Characters of a label or a date that are kept."""


class Header(msgspec.Struct, frozen=True):
    """What stands in which column."""

    values: tuple[int, ...]
    """Columns of values whose kind another column or the value itself tells."""
    kinds: tuple[tuple[int, Kind], ...]
    hashes: tuple[int, ...]
    type: int | None
    to_ids: int | None
    details: tuple[tuple[int, str], ...]


def find_header(cells: list[str], words: Vocabulary) -> Header | None:
    """Return what a row of column names says; None if it is no such row."""
    names = [name_key(cell.strip(' "#\ufeff')) for cell in cells]
    values: list[int] = []
    kinds: list[tuple[int, Kind]] = []
    hashes: list[int] = []
    details: list[tuple[int, str]] = []
    type_at = to_ids = None
    for at, name in enumerate(names):
        meaning = words.columns.get(name)
        if name in words.kinds:
            kinds.append((at, words.kinds[name]))
        elif name in words.hashes:
            hashes.append(at)
        elif meaning == "value":
            values.append(at)
        elif meaning == "type" and type_at is None:
            type_at = at
        elif meaning == "to_ids":
            to_ids = at
        elif meaning is not None and meaning not in {known for _, known in details}:
            details.append((at, meaning))
    if not values and not kinds and not hashes:
        return None
    if values and type_at is not None:
        kinds, hashes = [], []  # what other columns hold is about the value
    return Header(tuple(values[:1]), tuple(kinds), tuple(hashes), type_at, to_ids, tuple(details))


def read_csv_table(lines: Iterable[str], delimiter: str, taker: EntryTaker) -> None:
    """Take the rows of a table."""
    header: Header | None = None
    comment: tuple[int, str] = (0, "")
    is_first = True
    kept = _Lines(lines)
    rows = csv.reader(kept, delimiter=delimiter)
    while True:
        try:
            cells = next(rows, None)
        except csv.Error:
            taker.refuse("bad-entry", kept.number, "")
            continue
        if cells is None:
            break
        if not any(cells):
            continue
        if cells[0].lstrip("\ufeff ").startswith("#"):
            comment = (kept.number, delimiter.join(cells))
            continue
        if is_first:
            is_first = False
            if not any(_is_certain(cell, taker.sorter) for cell in cells):
                header = find_header(cells, taker.words)
            if header is not None:
                continue
            if comment[1]:
                named = next(csv.reader([comment[1].lstrip("# ")], delimiter=delimiter), [])
                header = find_header(named, taker.words)
        if header is None:
            _take_unnamed(cells, kept.number, taker)
        else:
            _take_named(cells, header, kept.number, taker)


class _Lines:
    """Lines and the number of the last one that was given."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        return line


def _take_named(cells: list[str], header: Header, number: int, taker: EntryTaker) -> None:
    said = {
        meaning: cells[at].strip()[:MOST_DETAIL]
        for at, meaning in header.details
        if at < len(cells) and cells[at].strip()
    }
    details = Details(**{k: v for k, v in said.items() if k in _DETAILS}) if said else None  # type: ignore[arg-type]
    is_meant = header.to_ids is None or taker.options.all_attributes
    if not is_meant and header.to_ids is not None and header.to_ids < len(cells):
        is_meant = cells[header.to_ids].strip().lower() not in ("0", "false", "no")
    wanted: list[tuple[int, Kind | None, bool]] = [(at, kind, False) for at, kind in header.kinds]
    wanted += [(at, None, True) for at in header.hashes]
    for at in header.values:
        name = ""
        if header.type is not None and header.type < len(cells):
            name = name_key(cells[header.type])
        kind = taker.is_kind(name)
        is_hash = name in taker.words.hashes
        if name and kind is None and not is_hash and header.type is not None and "|" not in name:
            taker.refuse(
                "unsupported-type",
                number,
                f"{cells[header.type]}: {cells[at] if at < len(cells) else ''}",
            )
            continue
        wanted.append((at, kind, is_hash))
    seen = False
    for at, kind, is_hash in wanted:
        text = cells[at].strip() if at < len(cells) else ""
        if not text or text in ("-", "N/A", "n/a", "null", "None"):
            continue
        seen = True
        if is_meant:
            taker.take(text, number, kind=kind, is_hash=is_hash, details=details)
        else:
            taker.refuse("not-for-detection", number, text)
    if wanted and not seen:
        taker.refuse("empty", number, "")


def _take_unnamed(cells: list[str], number: int, taker: EntryTaker) -> None:
    certain = [cell for cell in cells if _is_certain(cell, taker.sorter)]
    others = [cell.strip() for cell in cells if cell not in certain]
    label = max(others, key=len, default="")[:MOST_DETAIL]
    details = Details(label=label) if label else None
    for cell in certain or cells[:1]:
        taker.take(cell, number, details=details)


def _is_certain(cell: str, sorter: Sorter) -> bool:
    try:
        return sorter.sort(cell)[0] in _CERTAIN
    except Unusable as error:
        # A private address is one nevertheless: it is to be counted, not to be passed over.
        return str(error) in ("private-address", "network-too-wide", "too-general")
