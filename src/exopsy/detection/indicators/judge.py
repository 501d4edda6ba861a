"""One line and some indicators -> where they stand in it: this is the definition.

``PlainSweep`` asks it for every indicator and every line. The fast sweep asks only for lines and
indicators that it could not rule out, so the two can differ in nothing but what was ruled out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

import msgspec

from exopsy.detection.indicators.address_text import Address, addresses_in
from exopsy.detection.indicators.forms import forms_of
from exopsy.detection.indicators.readings import Reading, readings
from exopsy.detection.indicators.runs import is_inside_run, is_word
from exopsy.schema.indicator import HASHES, Kind

_EDGES = frozenset(b",\"'\t|\\&=;\r\n")
"""Bytes that end a field of some log; a space does where the field's own are written otherwise."""


class Found(msgspec.Struct, frozen=True, order=True):
    """A place in a block of lines; offsets are within the block, ends exclusive."""

    line_start: int
    indicator: int
    start: int
    end: int
    name_start: int
    """Of a domain the beginning of the whole name that it is a parent of; else ``start``."""
    line_end: int
    """Without the line end."""
    line: int
    """Lines of the block before this one."""


class Target(msgspec.Struct, frozen=True):
    """What a line is searched for."""

    number: int
    kind: Kind
    forms: tuple[bytes, ...]
    network: IPv4Network | IPv6Network | None = None
    """Of an address or a network."""


def target_of(number: int, kind: Kind, value: str) -> Target:
    """Make a target of an indicator."""
    network = ip_network(value, strict=False) if kind in ("address", "network") else None
    return Target(number, kind, tuple(forms_of(kind, value)), network)


class LineJudge:
    """Looks for targets in one line; its readings are made once."""

    def __init__(self, line: bytes) -> None:
        self.line = line
        self.readings = readings(line)
        self._addresses: list[list[tuple[int, int, Address]]] | None = None

    def find(self, target: Target) -> tuple[int, int, int] | None:
        """Return (start, end, start of the whole name) of the first place in the line, or None."""
        places = (
            self._numbers(target.network) if target.network is not None else self._texts(target)
        )
        return min(places, default=None)

    def _texts(self, target: Target) -> Iterator[tuple[int, int, int]]:
        for reading in self.readings:
            for form in target.forms:
                at = reading.text.find(form)
                while at >= 0:
                    found = self._stands(target.kind, form, reading, at)
                    if found is not None:
                        yield found
                        break
                    at = reading.text.find(form, at + 1)

    def _stands(
        self, kind: Kind, form: bytes, reading: Reading, start: int
    ) -> tuple[int, int, int] | None:
        text, places = reading.text, reading.places
        end = start + len(form)
        name = start
        if kind in HASHES:
            stands = not is_word(text, start - 1) and not is_word(text, end)
        elif is_inside_run(text, end):
            stands = False
        elif kind == "domain":
            stands = not is_inside_run(text, start) or text[start - 1 : start] == b"."
            if stands:
                name = _run_start(text, start)
        else:
            stands = not is_inside_run(text, start)
        if not stands:
            return None
        first, last = places[start], places[end]
        if kind == "user-agent" and b" " in form and not self._is_whole_field(first, last):
            return None
        return first, last, places[name]

    def _is_whole_field(self, start: int, end: int) -> bool:
        edges = _EDGES if b" " in self.line[start:end] else _EDGES | {32}
        return (start == 0 or self.line[start - 1] in edges) and (
            end == len(self.line) or self.line[end] in edges
        )

    def _numbers(self, network: IPv4Network | IPv6Network) -> Iterator[tuple[int, int, int]]:
        if self._addresses is None:
            self._addresses = [list(addresses_in(r.text)) for r in self.readings]
        for reading, addresses in zip(self.readings, self._addresses, strict=True):
            for start, end, address in addresses:
                if address.version == network.version and address in network:
                    places = reading.places
                    yield places[start], places[end], places[start]


def _run_start(text: bytes, at: int) -> int:
    while is_inside_run(text, at):
        at -= 1
    return at


def judge_line(
    data: bytes, start: int, end: int, number: int, targets: Iterable[Target]
) -> Iterator[Found]:
    """Yield every target that stands in the line ``data[start:end]``, its line end left out."""
    judge = LineJudge(data[start:end])
    for target in targets:
        found = judge.find(target)
        if found is not None:
            yield Found(
                line_start=start,
                indicator=target.number,
                start=start + found[0],
                end=start + found[1],
                name_start=start + found[2],
                line_end=end,
                line=number,
            )


class PlainSweep:
    """Every indicator in every line."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = targets

    def scan(self, data: bytes) -> list[Found]:
        """Return all hits in a block of whole lines, in order of line and indicator."""
        found: list[Found] = []
        start = 0
        for number, line in enumerate(data.split(b"\n")):
            end = start + len(line.removesuffix(b"\r"))
            found += judge_line(data, start, end, number, self._targets)
            start += len(line) + 1
        return sorted(found)
