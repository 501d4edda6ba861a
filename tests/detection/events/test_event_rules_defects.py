"""Seeded defects of the sieve over events, one at a time: the law catches each."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import hyperscan
import law_of_events as law
import pytest

from exopsy.detection.events import event_rules, gate, group, patterns, settle
from exopsy.detection.events.gate import Gate
from exopsy.detection.events.innocent import read_innocent
from exopsy.detection.expression import Expression, No
from exopsy.detection.sieve import compiling, literals

Patch = pytest.MonkeyPatch
INNOCENT = read_innocent()


def hold_the_law() -> int:
    ready = law.make(innocent=INNOCENT)
    return sum(law.check(ready, law.material(seed)) for seed in range(14))


def test_without_a_defect_the_law_holds() -> None:
    assert hold_the_law() > 500


def case_matters(patch: Patch) -> None:
    patch.setattr(compiling, "FLAGS", hyperscan.HS_FLAG_DOTALL)


def backslashes_as_they_are(patch: Patch) -> None:
    patch.setattr(patterns, "_single", lambda data: data)


def quotes_as_they_are(patch: Patch) -> None:
    patch.setattr(patterns, "_quoted", lambda data: patterns._single(data))


def escapes_not_undone(patch: Patch) -> None:
    patch.setattr(
        event_rules, "normal", lambda text: patterns._single(text.encode("utf-8", "replace"))
    )


def escapes_undone_once(patch: Patch) -> None:
    def normal(text: str) -> bytes:
        data = text.encode("utf-8", "backslashreplace")
        once = patterns._ESCAPE.sub(patterns._undone, data)
        return patterns._quoted(once)

    patch.setattr(event_rules, "normal", normal)


def pairs_of_surrogates_apart(patch: Patch) -> None:
    patch.setattr(patterns, "_ESCAPE", re.compile(rb"\\u[0-9a-fA-F]{4}|\\.", re.DOTALL))


def short_values_only_in_quotes(patch: Patch) -> None:
    patch.setattr(patterns, "_BEFORE", '"')


def opaque_fields_sought(patch: Patch) -> None:
    patch.setattr(group, "OPAQUE", frozenset())


def joined_values_sought_whole(patch: Patch) -> None:
    usual = patterns.pattern_of

    def whole(literal: literals.Literal, columns: Any) -> str:
        return usual(literals.Literal("", literal.text), columns)

    patch.setattr(group, "pattern_of", whole)


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
    usual = group.Group.candidates

    def candidates(self: group.Group, text: bytes) -> Sequence[int]:
        return [number for number in usual(self, text) if number not in self.unsievable]

    patch.setattr(group.Group, "candidates", candidates)


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

    patch.setattr(event_rules, "gate_of", anywhere)


def number_in_attributes_passes(patch: Patch) -> None:
    found = re.compile(
        r'\{"Event":\{"System":\{.*?"EventID":"?(\d+)"?,.*?"Channel":"([^"\\]+)"'
    ).match

    def early(text: str) -> Gate | None:
        hit = found(text)
        return None if hit is None else Gate(hit[2], hit[1])

    patch.setattr(event_rules, "gate_of", early)


def channels_by_case(patch: Patch) -> None:
    patch.setattr(event_rules, "fold", lambda text: text)


def reach_of_the_last_kind(patch: Patch) -> None:
    patch.setattr(settle, "_any", lambda sets: sets[-1])


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
}


@pytest.mark.parametrize("name", DEFECTS)
def test_the_law_catches(name: str, monkeypatch: Patch) -> None:
    DEFECTS[name](monkeypatch)
    with pytest.raises(AssertionError):
        hold_the_law()


def test_the_defects_are_in_what_is_used() -> None:
    assert event_rules.gate_of is gate.gate_of
