"""A rule's condition -> literals of which every matching record must hold at least one.

A rule is sievable when every way to satisfy it needs some literal of at least ``SHORTEST``
characters. A negation, an absent field, a comparison, a network and a field reference need none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any, Protocol

import msgspec

from exopsy.detection.expression import ANY, All, Expression, InList, No, Regex, Some, Text

SHORTEST = 3
SHORTEST_TIED = 1
"""At the beginning or end of a value the separator beside it counts too: a name that ends in "$"."""
LONGEST = 48
COMMON = 0.0015
"""A need that more innocent records than this share hold is paired with a second one."""
_TOGETHER = 0.03
"""Up to this share of innocent records, the second literal of a pair is looked for afterwards, in
the records that hold the first."""
_LITTLE = 0.0002
"""Between equals, fewer and longer literals win."""
_LOOK = 0.1
"""What it costs to look for a second literal, as part of what a candidate costs."""
_PAIRED = 0.9
"""What a second literal is worth where no innocent record holds the first."""
_LIST_MOST = 64
"""A positive test against a list is sieved by its values up to so many."""
_PAIRS_MOST = 60


class Literal(msgspec.Struct, frozen=True, order=True):
    """One necessary literal: the field it stands in, and its text, case-folded ASCII."""

    field: str
    """"" for a keyword: anywhere in the record."""
    text: str
    prefix: bool = False
    """The field's value starts with it."""
    suffix: bool = False
    """The field's value ends with it."""
    unless: str = ""
    """Name of a list: a record whose whole field is in it can't match through this literal."""
    head: str = ""
    """The field's value starts with this as well (and ends with ``text``)."""
    inner: bool = False
    """A character of the same value that is no space stands right before it."""


class Both(msgspec.Struct, frozen=True, order=True):
    """Two literals that must both be there: for conditions whose every literal is common alone."""

    first: Literal
    """The rarer one."""
    second: Literal
    together: bool = False
    """Even the rarer one is so common that the automaton itself has to look for both."""


Need = frozenset[Literal | Both]


class Reference(Protocol):
    """A sample of innocent records of one log."""

    @property
    def records(self) -> int:
        """How many there are; at least 1."""

    def holding(self, text: str, *, starts: bool, ends: bool, inner: bool = False) -> int:
        """Return a bit for every record that holds a literal.

        Args:
            text: case-folded.
            starts: a value starts with it.
            ends: a value ends with it.
            inner: a character of the same value that is no space stands right before it.
        """


class NoReference:
    """Nothing is known of innocent records."""

    records = 1

    def holding(self, text: str, *, starts: bool, ends: bool, inner: bool = False) -> int:
        """No record holds anything."""
        return 0


def necessary(
    expression: Expression,
    lists: Mapping[str, frozenset[str]],
    reference: Reference | None = None,
    *,
    json: bool = False,
    opaque: frozenset[str] = frozenset(),
) -> Need | None:
    """Return literals (or pairs) of which one must be there, or None when nothing must.

    Args:
        expression: the rule's condition.
        lists: values of the lists it may name.
        reference: innocent records; what the fewest of them hold wins.
        json: whether records are JSON texts: there only whole values can be told by what stands
            beside them, and characters beyond ASCII are literals too.
        opaque: fields whose values are not what stands in the record.
    """
    deriver = _Deriver(lists, reference or NoReference(), json=json, opaque=opaque)
    needs = deriver.needs(expression, positive=True, excluded={})
    return deriver.rarest(needs) if needs else None


class _Deriver:
    def __init__(
        self,
        lists: Mapping[str, frozenset[str]],
        reference: Reference,
        *,
        json: bool,
        opaque: frozenset[str],
    ) -> None:
        self._lists = lists
        self._reference = reference
        self._json = json
        self._opaque = opaque
        self._held: dict[Literal, int] = {}

    def needs(self, node: Expression, *, positive: bool, excluded: Mapping[str, str]) -> list[Need]:
        """Return every need that the node is known to have (each on its own is necessary)."""
        match node:
            case No(item):
                return self.needs(item, positive=not positive, excluded=excluded)
            case All(items) | Some(items):
                if isinstance(node, All) == positive:  # De Morgan under a negation
                    inner = {**excluded, **(_exclusions(items) if positive else {})}
                    return self._with_pair(
                        [
                            need
                            for item in items
                            for need in self.needs(item, positive=positive, excluded=inner)
                        ]
                    )
                return self._alternatives(items, positive=positive, excluded=excluded)
            case Text(field, parts, _) if positive:
                return self._with_pair(self._text(field or "", parts, excluded))
            case Regex(pattern_field, pattern, flags) if positive:
                return self._with_pair(self._regex(pattern_field or "", pattern, flags, excluded))
            case InList(list_field, name) if positive:
                return self._list(list_field, name, excluded)
        return []

    def price(self, need: Need) -> float:
        """Return which share of innocent records would be candidates, and a little for length."""
        held = looked_at = 0
        firsts = set()
        for item in need:
            held |= self._holding(item)
            first = item.first if isinstance(item, Both) else item
            looked_at |= self._holding(first)
            firsts.add(first)
        little = sum(_LITTLE / len(first.text) for first in firsts)
        little += _LOOK * looked_at.bit_count() / self._reference.records
        if all(isinstance(item, Both) for item in need):
            little *= _PAIRED
        return held.bit_count() / self._reference.records + little

    def _holding(self, item: Literal | Both) -> int:
        if isinstance(item, Both):
            return self._holding(item.first) & self._holding(item.second)
        if item.unless:
            return 0  # the busiest values are passed over
        held = self._held.get(item)
        if held is None:
            held = self._reference.holding(
                item.text, starts=item.prefix, ends=item.suffix, inner=item.inner
            )
            if item.head:
                held &= self._reference.holding(item.head, starts=True, ends=False)
            self._held[item] = held
        return held

    def rarest(self, needs: Iterable[Need]) -> Need:
        """Choose the need that the fewest innocent records hold."""
        return min(needs, key=lambda n: (self.price(n), sorted(map(repr, n))))

    def _both(self, a: Literal, b: Literal) -> Both:
        rarer, other = sorted((a, b), key=lambda x: (self._holding(x).bit_count(), -len(x.text), x))
        share = self._holding(rarer).bit_count() / self._reference.records
        return Both(rarer, other, share > _TOGETHER)

    def _with_pair(self, needs: list[Need]) -> list[Need]:
        """Add the pairs of the two rarest needs when even the rarest is common."""
        if len(needs) < 2 or self.price(self.rarest(needs)) <= COMMON:
            return needs
        needs = [*needs, *_headed(needs)]
        first = self.rarest(needs)
        if self.price(first) <= COMMON:
            return needs
        for second in sorted(
            (n for n in needs if _apart(n, first)),
            key=lambda n: (self.price(n), sorted(map(repr, n))),
        ):
            if len(first) * len(second) > _PAIRS_MOST:
                continue
            pairs = {
                self._both(a, b)
                for a in first
                for b in second
                if isinstance(a, Literal) and isinstance(b, Literal)
            }
            if len(pairs) == len(first) * len(second):
                return [*needs, frozenset(pairs)]
        return needs

    def _alternatives(
        self, items: tuple[Expression, ...], *, positive: bool, excluded: Mapping[str, str]
    ) -> list[Need]:
        """One of these holds: each must need something, and any one of it may be there."""
        chosen = []
        for item in items:
            needs = self.needs(item, positive=positive, excluded=excluded)
            if not needs:
                return []
            chosen.append(self.rarest(needs))
        return [frozenset().union(*chosen)] if chosen else []

    def _text(
        self, field: str, parts: tuple[str | int, ...], excluded: Mapping[str, str]
    ) -> list[Need]:
        needs: list[Need] = []
        if field in self._opaque:
            return needs
        if self._json:
            return [frozenset({literal}) for literal in _json_literals(field, parts)]
        for index, part in enumerate(parts):
            if isinstance(part, str):
                for run in _runs(part, SHORTEST_TIED if index in (0, len(parts) - 1) else SHORTEST):
                    prefix = index == 0 and part.startswith(run)
                    suffix = index == len(parts) - 1 and part.endswith(run)
                    if len(run) < SHORTEST and not (field and (prefix or suffix)):
                        continue
                    unless = excluded.get(field, "") if suffix else ""
                    needs.append(frozenset({Literal(field, run, prefix, suffix, unless)}))
        return needs

    def _list(self, field: str, name: str, excluded: Mapping[str, str]) -> list[Need]:
        values = self._lists.get(name, frozenset())
        if not 0 < len(values) <= _LIST_MOST:
            return []
        items = tuple(Text(field, _written(value)) for value in sorted(values))
        return self._alternatives(items, positive=True, excluded=excluded)

    def _regex(
        self, field: str, pattern: str, flags: str, excluded: Mapping[str, str]
    ) -> list[Need]:
        if field in self._opaque:
            return []
        try:
            tree = sre_parser.parse(pattern)
        except re.error:
            return []
        if "x" in flags or tree.state.flags & re.VERBOSE:
            return []
        # In multi-line mode the anchors stand for line ends inside the value.
        anchors = not self._json and "m" not in flags and not tree.state.flags & re.MULTILINE
        return [
            frozenset(
                Literal(
                    field,
                    r.text,
                    r.prefix,
                    r.suffix,
                    excluded.get(field, "") * r.suffix,
                    inner=r.inner,
                )
                for r in runs
            )
            for runs in regex_literals(tree, anchors=anchors)
        ]


def _written(value: str) -> tuple[str | int, ...]:
    """Return how a list's value may be written: normalising changes its start and its folders."""
    parts: list[str | int] = [ANY]
    for piece in value.split("{ver}"):
        parts += [piece, ANY]
    return tuple(parts[:-1])


def _headed(needs: Iterable[Need]) -> list[Need]:
    """Join a need of beginnings with a need of ends of the same field into one of whole shapes."""
    begins, ends = [], []
    for need in needs:
        literals = [x for x in need if isinstance(x, Literal) and not x.head and not x.unless]
        if len(literals) == len(need) and len({x.field for x in literals}) == 1:
            if all(x.prefix and not x.suffix for x in literals):
                begins.append(literals)
            elif all(x.suffix and not x.prefix for x in literals):
                ends.append(literals)
    return [
        frozenset(Literal(e.field, e.text, suffix=True, head=b.text) for b in begin for e in end)
        for begin in begins
        for end in ends
        if begin[0].field == end[0].field and len(begin) * len(end) <= _PAIRS_MOST
    ]


def _apart(a: Need, b: Need) -> bool:
    """Say whether two needs have nothing in common: pairing them then asks for more than one."""

    def parts(need: Need) -> set[tuple[str, str]]:
        return {
            (x.field, text)
            for x in need
            if isinstance(x, Literal)
            for text in (x.text, x.head)
            if text
        }

    return not parts(a) & parts(b)


def _exclusions(items: Iterable[Expression]) -> dict[str, str]:
    """Return field -> list for every ``not field in list`` among the items."""
    return {
        inner.field: inner.name
        for item in _flat(items)
        if isinstance(item, No)
        for inner in _ruled_out(item.item)
        if isinstance(inner, InList)
    }


def overlaps(a: str, b: str) -> set[str]:
    """Return every text in which two literals overlap: there they don't stand behind each other."""
    found = set()
    for left, right in ((a, b), (b, a)):
        for start in range(len(left)):
            tail = left[start:]
            if right.startswith(tail):
                found.add(left[:start] + right)
            elif tail.startswith(right):
                found.add(left)
    return found


def _flat(items: Iterable[Expression]) -> Iterable[Expression]:
    for item in items:
        if isinstance(item, All):
            yield from _flat(item.items)
        else:
            yield item


def _ruled_out(item: Expression) -> tuple[Expression, ...]:
    """What a negated item rules out: itself, or each of its alternatives."""
    return item.items if isinstance(item, Some) else (item,)


def _runs(text: str, shortest: int) -> list[str]:
    """Return the ASCII pieces of a literal that are long enough, bounded in length."""
    pieces = re.findall(r"[\x20-\x7e]+", text.lower() if text.isascii() else text)
    return [piece[-LONGEST:].lower() for piece in pieces if len(piece) >= shortest]


def _json_literals(field: str, parts: tuple[str | int, ...]) -> Iterable[Literal]:
    """Yield what must stand in the JSON text of a record that has such a value."""
    whole = parts[0] if len(parts) == 1 else None
    if field and isinstance(whole, str) and re.fullmatch(r"[\x20-\x7e]{1,48}", whole):
        yield Literal(field, whole.lower(), prefix=True, suffix=True)
        return
    for part in parts:
        if isinstance(part, str):
            for run in _runs(part, SHORTEST):
                yield Literal(field, run)
            for run in re.findall(r"[^\x00-\x7f]+", part):
                yield Literal(field, run[:LONGEST])


class Run(msgspec.Struct, frozen=True):
    """A literal piece of a regular expression, and whether it is tied to an end of the value."""

    text: str
    prefix: bool = False
    suffix: bool = False
    inner: bool = False
    """Something that is no space must stand right before it."""


_RUNS_MOST = 48


def regex_literals(tree: Any, *, anchors: bool = True) -> list[set[Run]]:  # noqa: ANN401 - CPython's
    """Return sets of literals; of each set, at least one must stand in any text that matches."""
    walk = _RegexWalk(anchors=anchors)
    walk.sequence(tree)
    walk.flush()
    return [runs for runs in walk.found if runs and min(len(r.text) for r in runs) >= SHORTEST]


class _RegexWalk:
    """Walks a parse tree, spelling out what must stand side by side."""

    def __init__(self, *, anchors: bool) -> None:
        self.found: list[set[Run]] = []
        self._runs: set[str] = {""}
        self._anchors = anchors
        self._at_start = False
        self._inner = False

    def sequence(self, tree: Any) -> None:  # noqa: ANN401
        """Walk the items of a sequence in order."""
        for op, argument in tree:
            if op is sre.AT:
                self._anchor(argument)
                continue
            texts = _spelled(op, argument)
            if texts is not None and len(texts) * len(self._runs) <= _RUNS_MOST:
                self._runs = {run + text for run in self._runs for text in texts}
                continue
            self.flush()
            self._inner = _is_no_space(op, argument)
            if op is sre.SUBPATTERN:
                anchors = self._anchors and not argument[1] & re.MULTILINE
                self.found += regex_literals(argument[3], anchors=anchors)
            elif op is sre.MAX_REPEAT or op is sre.MIN_REPEAT:
                if argument[0] >= 1:
                    self.found += regex_literals(argument[2], anchors=self._anchors)
            elif op is sre.BRANCH:
                self._branch(argument[1])

    def flush(self, *, suffix: bool = False) -> None:
        """End the current runs: something that is not spelled out follows."""
        if all(self._runs):
            inner = self._inner and not self._at_start
            self.found.append(
                {Run(run[:LONGEST], self._at_start, suffix, inner) for run in self._runs}
            )
        self._runs = {""}
        self._at_start = self._inner = False

    def _anchor(self, where: Any) -> None:  # noqa: ANN401
        if where in (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING):
            self.flush()
            self._at_start = self._anchors
        elif where in (sre.AT_END, sre.AT_END_STRING):
            self.flush(suffix=self._anchors and all(len(r) <= LONGEST for r in self._runs))

    def _branch(self, branches: Any) -> None:  # noqa: ANN401
        choices = [regex_literals(branch, anchors=self._anchors) for branch in branches]
        if all(choices):
            best = [max(c, key=lambda runs: min(len(r.text) for r in runs)) for c in choices]
            self.found.append(set().union(*best))


def _is_no_space(op: Any, argument: Any) -> bool:  # noqa: ANN401
    """Say whether what one item of a regular expression matches ends in something but a space."""
    if op is sre.MAX_REPEAT or op is sre.MIN_REPEAT:
        least, _, tree = argument
        return least >= 1 and len(tree) == 1 and _is_no_space(*tree[0])
    if op is sre.LITERAL:
        return bool(argument != _SPACE)
    if op is sre.NOT_LITERAL:
        return bool(argument == _SPACE)
    if op is not sre.IN:
        return False
    negated = argument[0][0] is sre.NEGATE
    return negated == any(map(_holds_space, argument[negated:]))


_SPACE = 0x20
_WITHOUT_SPACE = {sre.CATEGORY_DIGIT, sre.CATEGORY_WORD, sre.CATEGORY_NOT_SPACE}


def _holds_space(part: Any) -> bool:  # noqa: ANN401
    kind, what = part
    if kind is sre.LITERAL:
        return bool(what == _SPACE)
    if kind is sre.RANGE:
        return bool(what[0] <= _SPACE <= what[1])
    return what not in _WITHOUT_SPACE


def _spelled(op: Any, argument: Any) -> set[str] | None:  # noqa: ANN401
    """Return every text that one item of a regular expression can match, if they are few."""
    if op is sre.LITERAL:
        return {chr(argument).lower()} if 0x20 <= argument <= 0x7E else None
    if op is sre.IN:
        if all(kind is sre.LITERAL and 0x20 <= code <= 0x7E for kind, code in argument):
            return {chr(code).lower() for _, code in argument}
        return None
    if op is sre.SUBPATTERN and not argument[1] and not argument[2]:
        return _spelled_sequence(argument[3])
    if op is sre.BRANCH:
        texts = [_spelled_sequence(branch) for branch in argument[1]]
        return set().union(*(t for t in texts if t)) if all(texts) else None
    return None


def _spelled_sequence(tree: Any) -> set[str] | None:  # noqa: ANN401
    found = {""}
    for op, argument in tree:
        texts = _spelled(op, argument)
        if texts is None or len(texts) * len(found) > _RUNS_MOST:
            return None
        found = {a + b for a in found for b in texts}
    return found
