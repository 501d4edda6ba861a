"""Seeded defects of the sieve over events, one at a time: the law catches each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import hyperscan
import law_of_events as law
import pytest

from exopsy.detection.events import answers, event_rules, gate, group, patterns, settle
from exopsy.detection.events.gate import Gate
from exopsy.detection.events.innocent import read_innocent
from exopsy.detection.expression import Expression, No
from exopsy.detection.sieve import compiling, literals
from exopsy.evidence.events import usual

Patch = pytest.MonkeyPatch
INNOCENT = read_innocent()


def hold_the_law() -> int:
    ready = law.make(innocent=INNOCENT)
    found = sum(law.check(ready, law.material(seed)) for seed in range(14))
    return found + law.check(ready, law.siblings())


def test_without_a_defect_the_law_holds() -> None:
    assert hold_the_law() > 500


def case_matters(patch: Patch) -> None:
    patch.setattr(compiling, "FLAGS", hyperscan.HS_FLAG_DOTALL)


def backslashes_as_they_are(patch: Patch) -> None:
    patch.setattr(patterns, "_single", lambda data: data)


def quotes_as_they_are(patch: Patch) -> None:
    patch.setattr(patterns, "_quoted", lambda data: patterns._single(data))


def escapes_not_undone(patch: Patch) -> None:
    patch.setattr(group, "normal", lambda text: patterns._single(text.encode("utf-8", "replace")))


def escapes_undone_once(patch: Patch) -> None:
    def normal(text: str) -> bytes:
        data = text.encode("utf-8", "backslashreplace")
        once = patterns._ESCAPE.sub(patterns._undone, data)
        return patterns._quoted(once)

    patch.setattr(group, "normal", normal)


def pairs_of_surrogates_apart(patch: Patch) -> None:
    patch.setattr(patterns, "_ESCAPE", re.compile(rb"\\u[0-9a-fA-F]{4}|\\.", re.DOTALL))


def short_values_only_in_quotes(patch: Patch) -> None:
    patch.setattr(patterns, "_BEFORE", '"')


def opaque_fields_sought(patch: Patch) -> None:
    patch.setattr(group, "OPAQUE", frozenset())


def joined_values_sought_whole(patch: Patch) -> None:
    usual_ = patterns.sought

    def whole(literal: literals.Literal, columns: Any) -> patterns.Sought:
        return usual_(literals.Literal("", literal.text), columns)

    patch.setattr(group, "sought", whole)


def negation_as_positive(patch: Patch) -> None:
    usual = literals._Deriver.needs

    def needs(self: literals._Deriver, node: Expression, **more: Any) -> list[literals.Need]:
        return usual(self, node.item if isinstance(node, No) else node, **more)

    patch.setattr(literals._Deriver, "needs", needs)


def first_alternative_only(patch: Patch) -> None:
    usual = literals._Deriver._alternatives

    def alternatives(
        self: literals._Deriver, items: tuple[Expression, ...], **more: Any
    ) -> list[literals.Need]:
        return usual(self, items[:1], **more)

    patch.setattr(literals._Deriver, "_alternatives", alternatives)


def unsievable_rules_forgotten(patch: Patch) -> None:
    usual, usual_of = group.Group.candidates, group.Group.candidates_of

    def candidates(self: group.Group, text: str) -> Sequence[int]:
        return [number for number in usual(self, text) if number not in self.unsievable]

    def candidates_of(
        self: group.Group, texts: Sequence[str]
    ) -> Iterator[tuple[int, Sequence[int]]]:
        for place, found in usual_of(self, texts):
            yield place, [number for number in found if number not in self.unsievable]

    patch.setattr(group.Group, "candidates", candidates)
    patch.setattr(group.Group, "candidates_of", candidates_of)


def pairs_forgotten(patch: Patch) -> None:
    usual = group.Group.__init__

    def without(self: group.Group, *of: Any) -> None:
        usual(self, *of)
        self._paired.clear()

    patch.setattr(group.Group, "__init__", without)


def data_passes_for_system(patch: Patch) -> None:
    found = re.compile(r'"EventID":"?(\d+)"?.*"Channel":"([^"]+)"').search

    def anywhere(text: str) -> Gate | None:
        hit = found(text)
        return None if hit is None else Gate(hit[2], hit[1])

    patch.setattr(gate, "gate_of", anywhere)


def number_in_attributes_passes(patch: Patch) -> None:
    found = re.compile(
        r'\{"Event":\{"System":\{.*?"EventID":"?(\d+)"?,.*?"Channel":"([^"\\]+)"'
    ).match

    def early(text: str) -> Gate | None:
        hit = found(text)
        return None if hit is None else Gate(hit[2], hit[1])

    patch.setattr(gate, "gate_of", early)


def channels_by_case(patch: Patch) -> None:
    patch.setattr(event_rules, "fold", lambda text: text)


def reach_of_the_last_kind(patch: Patch) -> None:
    patch.setattr(settle, "_any", lambda sets: sets[-1])


def escapes_unseen_among_many(patch: Patch) -> None:
    patch.setattr(group, "ESCAPES", (r"\x00\x01\x02",))


def literals_unescaped_in_texts_as_they_are(patch: Patch) -> None:
    usual_ = patterns.sought

    def sought(literal: literals.Literal, columns: Any) -> patterns.Sought:
        found = usual_(literal, columns)
        return patterns.Sought(found.normal, found.normal)

    patch.setattr(group, "sought", sought)


def records_of_a_block_miscounted(patch: Patch) -> None:
    def block_of(texts: Sequence[str]) -> bytes:
        return patterns.block_of(texts).replace(patterns.BETWEEN, b" ", 1)

    patch.setattr(group, "block_of", block_of)


def busy_groups_without_escapes(patch: Patch) -> None:
    patch.setattr(group, "_MANY", 0)
    patch.setattr(group, "_LEAST", 0)
    escapes_unseen_among_many(patch)


def numbers_before_the_time_unwalked(patch: Patch) -> None:
    found = re.compile(r'"EventID":(?:\{[^{]*\{[^}]*\},"#text":)?"?(\d+)').search

    def look(self: gate.Gates, head: str) -> str | None:
        hit = found(head)
        return None if hit is None else hit[1]

    patch.setattr(gate.Gates, "_look", look)


def values_told_without_their_types(patch: Patch) -> None:
    def told(self: usual.UsualEvent, names: tuple[str, ...]) -> object:
        return self.kind.head, self.channel, tuple(map(self.data.get, names))

    patch.setattr(usual.UsualEvent, "told", told)


def answers_for_rules_that_look_at_all_values(patch: Patch) -> None:
    patch.setattr(answers, "_is_of_fields", lambda node: True)


def joined_fields_unnamed(patch: Patch) -> None:
    patch.setattr(answers, "_JOINED", {})


def answers_without_the_kind(patch: Patch) -> None:
    def told(self: usual.UsualEvent, names: tuple[str, ...]) -> object:
        values = tuple(map(self.data.get, names))
        return self.channel, values, tuple(map(type, values))

    patch.setattr(usual.UsualEvent, "told", told)


DEFECTS: dict[str, Callable[[Patch], None]] = {
    "compiled with case": case_matters,
    "runs of backslashes left": backslashes_as_they_are,
    "quotes without their backslash": quotes_as_they_are,
    "escapes of characters left": escapes_not_undone,
    "escapes undone once": escapes_undone_once,
    "halves of surrogate pairs apart": pairs_of_surrogates_apart,
    "short values sought in quotes only": short_values_only_in_quotes,
    "words for numbers sought": opaque_fields_sought,
    "joined values sought whole": joined_values_sought_whole,
    "negation as positive": negation_as_positive,
    "first of several alternatives": first_alternative_only,
    "rules without a literal forgotten": unsievable_rules_forgotten,
    "pairs forgotten": pairs_forgotten,
    "the event's data passes for its system part": data_passes_for_system,
    "attributes pass for the event's number": number_in_attributes_passes,
    "channels compared with case": channels_by_case,
    "only the last kind of events": reach_of_the_last_kind,
    "escapes unseen among many records": escapes_unseen_among_many,
    "escapes unseen in busy groups": busy_groups_without_escapes,
    "literals not written as JSON": literals_unescaped_in_texts_as_they_are,
    "records of a block miscounted": records_of_a_block_miscounted,
    "numbers before the time not walked to": numbers_before_the_time_unwalked,
    "values told without their types": values_told_without_their_types,
    "answers kept for keywords": answers_for_rules_that_look_at_all_values,
    "joined fields not named": joined_fields_unnamed,
    "answers kept for another kind": answers_without_the_kind,
}


@pytest.mark.parametrize("name", DEFECTS)
def test_the_law_catches(name: str, monkeypatch: Patch) -> None:
    DEFECTS[name](monkeypatch)
    with pytest.raises(AssertionError):
        hold_the_law()


def test_the_law_holds_in_groups_that_are_looked_at_one_by_one(monkeypatch: Patch) -> None:
    monkeypatch.setattr(group, "_MANY", 0)
    monkeypatch.setattr(group, "_LEAST", 0)
    assert hold_the_law() > 500
