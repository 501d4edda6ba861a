"""All rules of one log format -> the automata that find candidate records: see ``scanner``."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from exopsy.detection.rule import Rule, ValueList
from exopsy.detection.sieve import literals, triggers
from exopsy.detection.sieve.compiling import compile_patterns, keep_file
from exopsy.detection.sieve.exclusion import PassedOver, excluding_pattern, excluding_triggers
from exopsy.detection.sieve.pattern import (
    Pattern,
    both_patterns,
    header_pattern,
    literal_pattern,
    marker_patterns,
)
from exopsy.schema.columns import COLUMNS, LogColumns


class Sieve:
    """The automaton of one log format. Build once; give each thread its own ``Scanner``."""

    def __init__(
        self,
        log: str,
        rules: Sequence[Rule],
        lists: Mapping[str, ValueList],
        *,
        hot: frozenset[str] = frozenset(),
        reference: literals.Reference | None = None,
        cache: Path | None = None,
        identity: str = "",
    ) -> None:
        """Compile.

        Args:
            log: format name.
            rules: rules of that format.
            lists: the lists they may name.
            hot: values that innocent traffic is full of, to pass over where a rule excludes them.
            reference: innocent records, to choose rare literals by.
            cache: folder for compiled automata and for the patterns they were made of.
            identity: hash of everything that the patterns follow from, but the code here; "": the
                patterns are not kept.
        """
        self.log = log
        self.threads = threading.local()
        self.rules = tuple(rules)
        self.unsievable: list[int] = []
        self.lists = lists
        self.patterns = self._planned(hot, reference, cache, identity)
        self._always = tuple(self.unsievable)
        self.seconds = sorted({regex for p in self.patterns for regex in p.also})
        number = {regex: index for index, regex in enumerate(self.seconds)}
        self.also = [frozenset(number[regex] for regex in p.also) for p in self.patterns]
        self.second = compile_patterns([Pattern(r) for r in self.seconds], cache)
        self.database = compile_patterns(self.patterns, cache)
        # An unsievable rule makes every record a candidate: nothing to be quick about.
        regexes = [] if self.unsievable else triggers.of_patterns(self.patterns)
        self.quick = compile_patterns([Pattern(regex) for regex in regexes], cache)
        self.neighbours = frozenset(pair for p in self.patterns for pair in p.neighbours)

    def _planned(
        self,
        hot: frozenset[str],
        reference: literals.Reference | None,
        cache: Path | None,
        identity: str,
    ) -> list[Pattern]:
        """Return the patterns, kept ones if there are any."""
        kept = None
        if cache is not None and identity:
            kept = cache / f"plan-{_plan_identity(self.log, identity)}.json"
            try:
                plan = msgspec.json.decode(kept.read_bytes(), type=_Plan)
            except (OSError, msgspec.MsgspecError):
                pass
            else:
                self.unsievable = plan.unsievable
                return plan.patterns
        patterns = self._patterns(COLUMNS[self.log], hot, reference)
        if kept is not None:
            keep_file(kept, msgspec.json.encode(_Plan(patterns, self.unsievable)))
        return patterns

    def _patterns(
        self, columns: LogColumns, hot: frozenset[str], reference: literals.Reference | None
    ) -> list[Pattern]:
        values = {name: found.values for name, found in self.lists.items()}
        needed: dict[literals.Literal | literals.Both, list[int]] = {}
        for index, rule in enumerate(self.rules):
            need = literals.necessary(rule.condition, values, reference)
            if need is None:
                self.unsievable.append(index)
                continue
            for literal in need:
                needed.setdefault(literal, []).append(index)
        # One pattern for each first literal; of the second ones any may follow.
        merged: dict[tuple[str, str, str], _Merged] = {}
        for wanted, indexes in needed.items():
            if isinstance(wanted, literals.Both) and wanted.together:
                key, also = (both_patterns(wanted, columns), "", ""), ""
                found = triggers.Triggers((key[0],))
            elif isinstance(wanted, literals.Both):
                first = wanted.first
                loose = msgspec.structs.replace(
                    wanted.second, prefix=False, suffix=False, head="", inner=False
                )
                key = (self._regex(first, columns, hot), first.field, first.unless)
                also = literal_pattern(loose, columns)
                found = triggers.of_pair(wanted, columns) or self._triggers(first, columns, hot)
            else:
                key = (self._regex(wanted, columns, hot), wanted.field, wanted.unless)
                also = ""
                found = self._triggers(wanted, columns, hot)
            one = merged.setdefault(key, _Merged())
            one.rules.update(indexes)
            one.also.add(also)
            one.triggers.update(found.regexes)
            one.neighbours.update(found.neighbours)
        patterns = [
            Pattern(
                regex=regex,
                rules=tuple(sorted(one.rules)),
                field=field,
                unless=unless,
                also=() if "" in one.also else tuple(sorted(one.also)),
                triggers=tuple(sorted(one.triggers)),
                neighbours=tuple(sorted(one.neighbours)),
            )
            for (regex, field, unless), one in sorted(merged.items(), key=lambda item: item[0])
        ]
        if patterns:
            patterns += marker_patterns(columns)
        return [header_pattern(columns), *patterns]

    def _regex(self, literal: literals.Literal, columns: LogColumns, hot: frozenset[str]) -> str:
        passed_over = self._passed_over(literal, columns, hot)
        return excluding_pattern(passed_over) if passed_over else literal_pattern(literal, columns)

    def _triggers(
        self, literal: literals.Literal, columns: LogColumns, hot: frozenset[str]
    ) -> triggers.Triggers:
        passed_over = self._passed_over(literal, columns, hot)
        if passed_over:
            return triggers.Triggers(excluding_triggers(passed_over))
        return triggers.Triggers((literal_pattern(literal, columns),))

    def _passed_over(
        self, literal: literals.Literal, columns: LogColumns, hot: frozenset[str]
    ) -> PassedOver | None:
        """Return the busy values that a literal's pattern passes over, if it can."""
        is_whole = (
            literal.field in columns.columns if columns.csv else literal.field in columns.solid
        )
        if not (literal.unless and hot and is_whole and columns.separated):
            return None
        known = self.lists[literal.unless]
        return PassedOver(
            suffix=literal.text,
            codec=columns.codec(literal.field),
            values=hot & known.values,
            csv=columns.csv,
            absolute=known.normalise == "version-folders",
        )

    def rules_of(self, patterns: set[int]) -> tuple[int, ...]:
        """Return the rules that a record with these patterns can match."""
        found: set[int] = set(self._always)
        for index in patterns:
            pattern = self.patterns[index]
            if pattern.kind == "marker":
                return tuple(range(len(self.rules)))
            found.update(pattern.rules)
        return tuple(sorted(found))


class _Merged:
    """What the rules that share a pattern need."""

    def __init__(self) -> None:
        self.rules: set[int] = set()
        self.also: set[str] = set()
        self.triggers: set[str] = set()
        self.neighbours: set[tuple[str, str]] = set()


class _Plan(msgspec.Struct, frozen=True):
    """What a sieve looks for, as it is kept."""

    patterns: list[Pattern]
    unsievable: list[int]


def _plan_identity(log: str, identity: str) -> str:
    """Hash what a plan follows from: the content, and the code that derives patterns."""
    digest = hashlib.sha256(f"{log} {identity}".encode())
    here = Path(__file__).parent
    for path in sorted(here.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]
