"""A block of lines and a million indicators -> the hits, at a cost that hardly depends on how many.

Every indicator has one run that must be there (its anchor). A block is cut into runs on arrays, each
run becomes a number, and a table says which numbers are anchors'. Lines with escapes are cut once
more without them, addresses that are written in another way are parsed. What is left, few lines and
few indicators for each, goes to the judge (``judge``), who alone says what is a hit.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

import numpy as np

from exopsy.detection.indicators.address_text import LONGEST, Address, parse_address, six_in
from exopsy.detection.indicators.hashing import (
    PAD,
    Bytes,
    NumberTable,
    Places,
    Words,
    eights,
    piece_numbers,
)
from exopsy.detection.indicators.indicator_set import IndicatorSet, text_number
from exopsy.detection.indicators.judge import Found, LineJudge, Target
from exopsy.detection.indicators.tokens import Tokenizer, Tokens, behind_dots
from exopsy.detection.indicators.unescape import unescape

PIECE = 512 << 10
"""Bytes that are cut at once: fewer, and the calls cost more than the work; more, and the arrays
leave the second-level cache."""
MOST_HITS = 10_000
"""Lines of one artifact in which one indicator is reported; more is a hub."""
_FEW = 16
"""Indicators with one anchor in common that are tried one after the other."""
_ONES = np.uint64(0x0101010101010101)
_SLOT = np.uint64(64 - 18)

_FRAME = np.zeros(PAD, np.uint8)
_COLON = ord(":")
_SIX = b"0123456789abcdefABCDEF:."
_IS_SIX = np.zeros(256, np.bool_)
_IS_SIX[list(_SIX)] = True
_SIX_PIECE = re.compile(rb"[0-9A-Fa-f:.]*")


class IndicatorSieve:
    """Tables made of a set. Build once; give each artifact its own ``scanner``."""

    def __init__(self, indicators: IndicatorSet) -> None:
        self.indicators = indicators
        self.needs = indicators.needs
        self.table = NumberTable(indicators.numbers, indicators.owners)
        self.networks = Networks(indicators)
        self.endings = None
        if len(indicators.endings):
            self.endings = np.zeros(1 << 16, np.bool_)
            self.endings[indicators.endings] = True
        self.innocent = np.zeros(1 << (64 - int(_SLOT)), np.uint64)
        """Numbers of pieces that look like addresses and are known to lie in no network."""
        kinds = indicators.columns["kinds"]
        self.has_addresses = bool(np.any(kinds <= 1))  # address and network come first
        self.target = lru_cache(maxsize=1 << 12)(indicators.target)
        self.owners_of = lru_cache(maxsize=1 << 16)(self._owners_of)
        self.bucket = lru_cache(maxsize=256)(self._bucket)
        self.owners_of_address = lru_cache(maxsize=1 << 16)(self._owners_of_address)

    def scanner(self, *, most: int = MOST_HITS) -> IndicatorScanner:
        """Return what reads one artifact, block by block; ``most`` as ``MOST_HITS``."""
        return IndicatorScanner(self, most)

    def _owners_of(self, number: int) -> tuple[int, ...]:
        return tuple(self.table.owners_of(number))

    def _bucket(self, number: int) -> Bucket:
        return Bucket([self.target(owner) for owner in self.owners_of(number)])

    def _owners_of_address(self, address: Address) -> tuple[int, ...]:
        exact = self.owners_of(text_number(str(address).encode()))
        return (*exact, *self.networks.holding(address))


class Networks:
    """Networks -> those that hold an address."""

    def __init__(self, indicators: IndicatorSet) -> None:
        self._owners: dict[int, dict[tuple[int, int], list[int]]] = {4: {}, 6: {}}
        self._prefixes: dict[int, list[int]] = {4: [], 6: []}
        bounds: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
        for number in indicators.networks:
            network: IPv4Network | IPv6Network = ip_network(indicators.value(number), strict=False)
            first = int(network.network_address)
            key = (network.prefixlen, first)
            self._owners[network.version].setdefault(key, []).append(number)
            bounds[network.version].append((first, int(network.broadcast_address)))
        self._bounds = {version: _merged(pairs) for version, pairs in bounds.items()}
        for version, owners in self._owners.items():
            self._prefixes[version] = sorted({prefix for prefix, _ in owners})
        self.has_four = bool(self._owners[4])

    def holding(self, address: Address) -> Iterator[int]:
        """Yield the numbers of the networks that an address lies in."""
        value, width = int(address), address.max_prefixlen
        starts, ends = self._bounds[address.version]
        at = bisect_right(starts, value) - 1
        if at < 0 or value > ends[at]:
            return
        for prefix in self._prefixes[address.version]:
            first = value >> (width - prefix) << (width - prefix)
            yield from self._owners[address.version].get((prefix, first), ())

    def of_four(self, text: bytes) -> tuple[int, ...]:
        """Return the numbers of the networks that a dotted quad lies in; none if it is no such."""
        parts = text.split(b".")
        if len(parts) != 4 or not all(part.isdigit() for part in parts):
            return ()
        address = parse_address(text)
        return () if address is None else tuple(self.holding(address))


class Bucket:
    """Many targets with one anchor in common -> those that some texts may hold."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.targets = targets
        self._by_form: dict[bytes, list[Target]] = {}
        for target in targets:
            for form in target.forms:
                self._by_form.setdefault(form, []).append(target)
        self._sizes = sorted({len(form) for form in self._by_form})
        self._heads = sorted({form[:4] for form in self._by_form})

    def within(self, judge: LineJudge) -> Iterable[Target]:
        """Return the targets whose form is in one of the line's texts."""
        if len(self.targets) <= _FEW:
            return self.targets
        found: dict[int, Target] = {}
        for reading in judge.readings:
            text = reading.text
            for head in self._heads:
                at = text.find(head)
                while at >= 0:
                    for size in self._sizes:
                        for target in self._by_form.get(text[at : at + size], ()):
                            found[target.number] = target
                    at = text.find(head, at + 1)
        return found.values()


class IndicatorScanner:
    """Reads one artifact in one thread."""

    def __init__(self, sieve: IndicatorSieve, most: int) -> None:
        self._sieve = sieve
        self._most = most
        self._tokenizer = Tokenizer(sieve.needs)
        self._again = Tokenizer(sieve.needs)
        self._counts: dict[int, int] = {}
        self._tired = np.zeros(0, np.uint64)
        self.capped: set[int] = set()
        """Hubs: indicators of which not every line is reported."""

    def scan(self, data: bytes | bytearray, size: int | None = None) -> list[Found]:
        """Return the hits in ``data[:size]``, whole lines, in order of line and indicator."""
        size = len(data) if size is None else size
        block = np.frombuffer(data, np.uint8, count=size)
        wanted = self._candidates(data, block)
        found: list[Found] = []
        at, number = 0, 0
        for start in sorted(wanted):
            number += data.count(b"\n", at, start)
            at = start
            found += self._judge(data, start, size, number, wanted[start])
        return found

    def _candidates(self, data: bytes | bytearray, block: Bytes) -> dict[int, set[int]]:
        """Return the lines to look at: where each begins -> numbers that it may hold."""
        wanted: dict[int, set[int]] = {}
        size, start = len(block), 0
        while start < size:
            end = min(size, start + PIECE)
            if end < size:
                end = data.rfind(b"\n", start, end) + 1 or data.find(b"\n", end, size) + 1 or size
            for place, number in self._look(block[start:end], self._tokenizer):
                line = data.rfind(b"\n", 0, start + place) + 1
                wanted.setdefault(line, set()).add(number)
            start = end
        other = unescape(block)
        if other is not None:
            again = np.frombuffer(other.data, np.uint8)
            for place, number in self._look(again, self._again):
                index = int(np.searchsorted(other.starts, place, side="right")) - 1
                wanted.setdefault(int(other.origins[index]), set()).add(number)
        return wanted

    def _look(self, piece: Bytes, tokenizer: Tokenizer) -> Iterator[tuple[int, int]]:
        """Yield (place, number) of the anchors in some bytes, and of what addresses stand for."""
        sieve = self._sieve
        tokens = tokenizer.cut(piece)
        view = eights(tokens.folded)
        found = piece_numbers(
            view,
            tokens.starts,
            tokens.ends,
            letterless=sieve.networks.has_four,
            endings=sieve.endings,
        )
        yield from self._known(tokens.starts, found.numbers)
        if len(found.ended):
            starts, ends = behind_dots(
                tokens.folded, tokens.starts[found.ended], tokens.ends[found.ended]
            )
            yield from self._known(starts, piece_numbers(view, starts, ends).numbers)
        if sieve.has_addresses:
            yield from self._sixes(piece)
            if sieve.networks.has_four:
                yield from self._fours(piece, tokens, found.numbers, found.letterless)

    def _known(self, starts: Places, numbers: Words) -> Iterator[tuple[int, int]]:
        known = self._sieve.table.known(numbers)
        if len(self._tired) and len(known):
            known = known[~np.isin(numbers[known], self._tired)]
        return zip((starts[known] - PAD).tolist(), numbers[known].tolist(), strict=True)

    def _sixes(self, piece: Bytes) -> Iterator[tuple[int, int]]:
        at = _colons(piece)
        if not len(at):
            return
        # ::1 is in every health probe's line.
        framed = np.concatenate((_FRAME, piece, _FRAME))
        plain = (framed[at + PAD + 1] == _COLON) & (framed[at + PAD + 2] == ord("1"))
        plain &= ~_IS_SIX[framed[at + PAD - 1]] & ~_IS_SIX[framed[at + PAD + 3]]
        loopback = self._sieve.owners_of_address(_LOOPBACK)
        done = -1
        text: bytes | None = None
        for place in at.tolist() if loopback else at[~plain].tolist():
            if place < done:
                continue
            text = piece.tobytes() if text is None else text
            first = _first_of_six(text, place)
            done = _SIX_PIECE.match(text, place).end()  # type: ignore[union-attr]
            found = six_in(text, first, done)
            if found is not None:
                for owner in self._sieve.owners_of_address(found[2]):
                    yield place, -1 - owner

    def _fours(
        self, piece: Bytes, tokens: Tokens, numbers: Words, letterless: Places
    ) -> Iterator[tuple[int, int]]:
        sizes = tokens.ends[letterless] - tokens.starts[letterless]
        maybe = letterless[(sizes >= 7) & (sizes <= 15)]
        innocent = self._sieve.innocent
        slots = (numbers[maybe] >> _SLOT).view(np.int64)
        fresh = maybe[innocent[slots] != numbers[maybe]]
        for index in fresh.tolist():
            start, end = int(tokens.starts[index]) - PAD, int(tokens.ends[index]) - PAD
            owners = self._sieve.networks.of_four(piece[start:end].tobytes())
            if not owners:
                # Another thread may write here too: whichever number stays, it is an innocent one.
                innocent[int(numbers[index]) >> int(_SLOT)] = numbers[index]
            for owner in owners:
                yield start, -1 - owner

    def _judge(
        self, data: bytes | bytearray, start: int, size: int, line: int, wanted: set[int]
    ) -> list[Found]:
        end = data.find(b"\n", start, size)
        end = size if end < 0 else end
        if end > start and data[end - 1] == ord("\r"):
            end -= 1
        judge = LineJudge(bytes(data[start:end]))
        targets: dict[int, Target] = {}
        for number in wanted:
            if number < 0:
                targets[-1 - number] = self._sieve.target(-1 - number)
            else:
                for target in self._sieve.bucket(number).within(judge):
                    targets[target.number] = target
        found = []
        for owner in sorted(targets):
            if owner in self.capped:
                continue
            place = judge.find(targets[owner])
            if place is None:
                continue
            count = self._counts.get(owner, 0)
            if count >= self._most:
                self._tire(owner)
                continue
            self._counts[owner] = count + 1
            found.append(
                Found(
                    line_start=start,
                    indicator=owner,
                    start=start + place[0],
                    end=start + place[1],
                    name_start=start + place[2],
                    line_end=end,
                    line=line,
                )
            )
        return found

    def _tire(self, owner: int) -> None:
        """Look no more for an indicator; no more for its anchor either if that was the last."""
        self.capped.add(owner)
        table = self._sieve.table
        anchors = table.numbers[table.owners == owner]
        tired = [n for n in anchors.tolist() if self.capped.issuperset(self._sieve.owners_of(n))]
        self._tired = np.union1d(self._tired, np.array(tired, np.uint64))


def _colons(piece: Bytes) -> Places:
    """Return the places of colons that may be in an IPv6 address, at least one in each.

    That is every second of two neighbours, and where there is no such all of those that stand so
    densely that six are in twenty-six bytes: those are in at most five groups of eight.
    """
    colon = np.zeros((len(piece) + 47) & ~7, np.bool_)
    np.equal(piece, _COLON, out=colon[: len(piece)])
    at = np.flatnonzero(colon[1 : len(piece)] & colon[: len(piece) - 1])
    counts = (colon.view(np.uint64) * _ONES >> np.uint64(56)).astype(np.uint8)
    dense = counts[:-4] + counts[1:-3]
    dense += counts[2:-2]
    dense += counts[3:-1]
    dense += counts[4:]
    groups = np.flatnonzero(dense >= 6)
    if not len(groups):
        return at
    wide = (groups[:, None] * 8 + np.arange(40)).ravel()
    return np.union1d(at, wide[colon[wide]])


def _first_of_six(text: bytes, at: int) -> int:
    """Return where the piece of digits, colons and dots around a place begins."""
    reach = 2 * LONGEST
    while True:
        before = text[max(0, at - reach) : at]
        first = len(before.rstrip(_SIX))
        if first or reach >= at:
            return at - len(before) + first
        reach *= 2


_LOOPBACK = parse_address(b"::1")


def _merged(pairs: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Return first and last values of ranges that do not touch, in order."""
    starts: list[int] = []
    ends: list[int] = []
    for first, last in sorted(pairs):
        if ends and first <= ends[-1] + 1:
            ends[-1] = max(ends[-1], last)
        else:
            starts.append(first)
            ends.append(last)
    return starts, ends
