"""Seeded defects of the sieve, one at a time: the law that it equals the plain path catches each."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import hyperscan
import msgspec
import pytest
import sieve_law as law

from exopsy.detection.expression import Expression, No
from exopsy.detection.sieve import (
    compiling,
    database,
    encodings,
    exclusion,
    literals,
    pattern,
    scanner,
    triggers,
)
from exopsy.pipeline import blocks, sieving
from exopsy.schema.format import Layout

Patch = pytest.MonkeyPatch


def hold_the_law() -> int:
    """Hold the law against fixed material; return how many matches there were."""
    found = 0
    for example in law.EXAMPLES.values():
        found += law.check(
            example.data, example.sieve(), limits=example.limits, block_bytes=example.block_bytes
        )
    for log in ("exchange-audit", "exchange-httpproxy", "exchange-ecp-server"):
        sieve = law.make_sieve(log)
        for seed in range(60):
            limits, block_bytes = law.bounds(seed)
            data = law.damaged_log(log, random.Random(seed))
            found += law.check(data, sieve, limits=limits, block_bytes=block_bytes)
    return found


def test_without_a_defect_the_law_holds() -> None:
    assert hold_the_law() > 300


# ---- markers and escapes ----------------------------------------------------------------------


def _without(name: str) -> Callable[[Patch], None]:
    def seed(patch: Patch) -> None:
        left = {k: v for k, v in encodings.MARKERS.items() if k != name}
        usual = encodings.markers
        patch.setattr(
            pattern, "markers", lambda codecs: [m for m in usual(codecs) if m in left.values()]
        )

    return seed


def no_markers(patch: Patch) -> None:
    patch.setattr(pattern, "markers", lambda codecs: [])


def one_round_of_escapes(patch: Patch) -> None:
    def once(c: str) -> str:
        return f"%(?:u00)?{ord(c):02x}"

    patch.setattr(encodings, "escaped_character", once)
    patch.setattr(exclusion, "escaped_character", once)


def _other_character(wrong: str, form: str) -> Callable[[Patch], None]:
    def seed(patch: Patch) -> None:
        usual = encodings._character

        def character(c: str, codec: encodings.AnyCodec, *, csv: bool) -> str:
            return form if c == wrong else usual(c, codec, csv=csv)

        patch.setattr(encodings, "_character", character)

    return seed


def one_escape_not_named(patch: Patch) -> None:
    usual = triggers.escape_pattern
    patch.setattr(triggers, "escape_pattern", lambda escapes: usual(set(escapes) - {"2f"}))


def escapes_of_escapes_not_named(patch: Patch) -> None:
    usual = triggers.escape_pattern
    patch.setattr(
        triggers, "escape_pattern", lambda escapes: usual(escapes).replace("%(?:25)*", "%")
    )


def escaped_records_not_scanned_again(patch: Patch) -> None:
    patch.setattr(
        scanner.Scanner, "_patterns_of", lambda self, block, places: [set()] * len(places)
    )


def records_scanned_together_taken_for_each_other(patch: Patch) -> None:
    usual = scanner._held

    def held(*given: Any) -> list[set[int]]:
        found = usual(*given)
        return [*found[1:], *found[:1]]

    patch.setattr(scanner, "_held", held)


def case_matters(patch: Patch) -> None:
    patch.setattr(compiling, "FLAGS", hyperscan.HS_FLAG_DOTALL)


# ---- framing -----------------------------------------------------------------------------------


def _candidates(
    change: Callable[[scanner.Candidate, int], scanner.Candidate | None],
) -> Callable[[Patch], None]:
    def seed(patch: Patch) -> None:
        usual = scanner.Scanner.candidates

        def candidates(
            self: scanner.Scanner, block: bytearray, size: int, odd: Any
        ) -> Iterator[scanner.Candidate]:
            for candidate in usual(self, block, size, odd):
                changed = change(candidate, size)
                if changed is not None:
                    yield changed

        patch.setattr(scanner.Scanner, "candidates", candidates)

    return seed


def _start_off_by_one(candidate: scanner.Candidate, size: int) -> scanner.Candidate:
    return scanner.Candidate(candidate.start + 1, candidate.end, candidate.patterns)


def _end_off_by_one(candidate: scanner.Candidate, size: int) -> scanner.Candidate:
    return scanner.Candidate(candidate.start, candidate.end - 2, candidate.patterns)


def _only_with_line_end(candidate: scanner.Candidate, size: int) -> scanner.Candidate | None:
    return candidate if candidate.end < size else None


def record_at_block_border_lost(patch: Patch) -> None:
    usual = blocks.BlockReader.blocks

    def broken(self: blocks.BlockReader) -> Iterator[blocks.Block]:
        for block in usual(self):
            yield msgspec.structs.replace(block, is_rest=block.base > 0)

    patch.setattr(blocks.BlockReader, "blocks", broken)


def header_candidates_ignored(patch: Patch) -> None:
    none = pattern.Pattern("no header at all", kind="header")
    patch.setattr(database, "header_pattern", lambda columns: none)


def odd_lines_not_passed_on(patch: Patch) -> None:
    usual = sieving.RecordFinder._odd
    patch.setattr(
        sieving.RecordFinder,
        "_odd",
        lambda self, starts: None if usual(self, starts) is None else frozenset(),
    )


def neighbours_taken_for_granted(patch: Patch) -> None:
    patch.setattr(
        sieving.RecordFinder,
        "_odd",
        lambda self, starts: None if starts is None else frozenset(starts.odd or ()),
    )


def outermost_records_by_triggers_alone(patch: Patch) -> None:
    patch.setattr(scanner, "_outermost", lambda block, size: set())


def one_way_off_the_known_values_forgotten(patch: Patch) -> None:
    usual = database.excluding_triggers
    patch.setattr(database, "excluding_triggers", lambda over: usual(over)[1:])


def hosts_of_any_length_passed_over(patch: Patch) -> None:
    usual = exclusion._before_value

    def before(delimiter: str, *, absolute: bool, host: int = 0) -> str:
        return usual(delimiter, absolute=absolute, host=host).replace(
            f"|[a-z0-9.:-]{{{host + 1}}}", ""
        )

    patch.setattr(exclusion, "_before_value", before)


def long_records_as_others(patch: Patch) -> None:
    def candidates(
        self: sieving.RecordFinder, data: bytearray, size: int, odd: Any
    ) -> Iterator[scanner.Candidate]:
        return self._scanner.candidates(data, size, odd)

    patch.setattr(sieving.RecordFinder, "_candidates", candidates)


def line_end_starts_a_record(patch: Patch) -> None:
    def seen_twice(candidate: scanner.Candidate) -> Iterator[scanner.Candidate]:
        yield candidate
        yield candidate

    usual = scanner.Scanner.candidates
    patch.setattr(
        scanner.Scanner,
        "candidates",
        lambda self, block, size, odd: (
            c for x in usual(self, block, size, odd) for c in seen_twice(x)
        ),
    )


# ---- which literals are needed -----------------------------------------------------------------


def first_alternative_only(patch: Patch) -> None:
    usual = literals._Deriver._alternatives

    def alternatives(
        self: literals._Deriver, items: tuple[Expression, ...], **more: Any
    ) -> list[literals.Need]:
        return usual(self, items[:1], **more)

    patch.setattr(literals._Deriver, "_alternatives", alternatives)


def negation_as_positive(patch: Patch) -> None:
    usual = literals._Deriver.needs

    def needs(self: literals._Deriver, node: Expression, **more: Any) -> list[literals.Need]:
        return usual(self, node.item if isinstance(node, No) else node, **more)

    patch.setattr(literals._Deriver, "needs", needs)


def unsievable_rule_alone(patch: Patch) -> None:
    def rules_of(self: database.Sieve, *of: Any) -> tuple[int, ...]:
        return self._always or usual(self, *of)

    usual = database.Sieve.rules_of
    patch.setattr(database.Sieve, "rules_of", rules_of)


def overlaps_forgotten(patch: Patch) -> None:
    patch.setattr(literals, "overlaps", lambda a, b: set())


def pair_in_one_order(patch: Patch) -> None:
    def both(pair: literals.Both, columns: Any) -> str:
        first, second = (pattern.literal_pattern(x, columns) for x in (pair.first, pair.second))
        return f"{first}[^\\n]*{second}"

    patch.setattr(database, "both_patterns", both)


def second_literal_by_case(patch: Patch) -> None:
    usual = database.compile_patterns

    def by_case(patterns: list[pattern.Pattern], cache: Any = None) -> hyperscan.Database | None:
        if patterns and patterns[0].kind != "header":
            patch.setattr(compiling, "FLAGS", hyperscan.HS_FLAG_DOTALL)
        try:
            return usual(patterns, cache)
        finally:
            patch.setattr(compiling, "FLAGS", flags)

    flags = compiling.FLAGS
    patch.setattr(database, "compile_patterns", by_case)


def anchors_in_multi_line_mode(patch: Patch) -> None:
    usual = literals.regex_literals
    patch.setattr(literals, "regex_literals", lambda tree, anchors=True: usual(tree, anchors=True))


def free_text_tied_to_separators(patch: Patch) -> None:
    name = "exchange-oab-generator"
    tied = msgspec.structs.replace(database.COLUMNS[name], separated=True)
    patch.setitem(database.COLUMNS, name, tied)


# ---- ends of values, and what is passed over ----------------------------------------------------


def end_of_file_ends_no_value(patch: Patch) -> None:
    usual = exclusion.end_of_value

    def end(*, csv: bool) -> str:
        return usual(csv=csv).replace(r"|\z", "")

    patch.setattr(exclusion, "end_of_value", end)
    patch.setattr(pattern, "end_of_value", end)


def escaped_forms_passed_over(patch: Patch) -> None:
    patch.setattr(exclusion, "_escaped", lambda suffix, codec, *, csv: [])


def any_end_passed_over(patch: Patch) -> None:
    patch.setattr(exclusion, "_other_end", lambda *, csv: "no end at all")


def _rejecter(
    change: Callable[[bytes, Layout], tuple[bytes, Layout]],
) -> Callable[[Patch], None]:
    def seed(patch: Patch) -> None:
        usual = sieving.Rejecter.rejects

        def rejects(
            self: sieving.Rejecter, candidate: scanner.Candidate, raw: bytes, layout: Layout
        ) -> bool:
            return usual(self, candidate, *change(raw, layout))

        patch.setattr(sieving.Rejecter, "rejects", rejects)

    return seed


def _as_many_words(raw: bytes, layout: Layout) -> tuple[bytes, Layout]:
    return b" ".join(raw.split(b" ")[: len(layout.columns)]), layout


def _next_column(raw: bytes, layout: Layout) -> tuple[bytes, Layout]:
    shifted = (*layout.columns[-1:], *layout.columns[:-1])
    return raw, msgspec.structs.replace(layout, columns=shifted)


DEFECTS: dict[str, Callable[[Patch], None]] = {
    "markers left out": no_markers,
    "percent marker left out": _without("percent"),
    "unicode marker left out": _without("unicode"),
    "JSON marker left out": _without("json"),
    "escapes of escapes not looked for": one_round_of_escapes,
    "plus sign for space forgotten": _other_character(" ", "(?:\\x20|%(?:25)*(?:u00)?20)"),
    "quotes of CSV not doubled": _other_character('"', "\\x22"),
    "quotes of a bag not doubled": _other_character("'", "\\x27"),
    "escaped slash of JSON forgotten": _other_character("/", "\\x2f"),
    "one escape not scanned for": one_escape_not_named,
    "escapes of escapes not scanned for": escapes_of_escapes_not_named,
    "escaped records not scanned again": escaped_records_not_scanned_again,
    "records scanned together taken for each other": records_scanned_together_taken_for_each_other,
    "compiled with case": case_matters,
    "record starts one byte late": _candidates(_start_off_by_one),
    "record ends early": _candidates(_end_off_by_one),
    "last record needs a line end": _candidates(_only_with_line_end),
    "record across a block border lost": record_at_block_border_lost,
    "header candidates ignored": header_candidates_ignored,
    "odd lines not passed on": odd_lines_not_passed_on,
    "neighbours taken for granted": neighbours_taken_for_granted,
    "outermost records by triggers alone": outermost_records_by_triggers_alone,
    "one way off the known values forgotten": one_way_off_the_known_values_forgotten,
    "hosts of any length passed over": hosts_of_any_length_passed_over,
    "records past the bound as others": long_records_as_others,
    "record given twice": line_end_starts_a_record,
    "first of several alternatives": first_alternative_only,
    "negation as positive": negation_as_positive,
    "one unsievable rule hides the others": unsievable_rule_alone,
    "overlap of two literals forgotten": overlaps_forgotten,
    "pair in one order": pair_in_one_order,
    "second literal compared with case": second_literal_by_case,
    "anchors in multi-line mode": anchors_in_multi_line_mode,
    "free text tied to separators": free_text_tied_to_separators,
    "value can't end with the file": end_of_file_ends_no_value,
    "escaped known pages passed over": escaped_forms_passed_over,
    "known ends of longer values passed over": any_end_passed_over,
    "known value looked up in a wrong column": _rejecter(_next_column),
    "known value looked up though words are too many": _rejecter(_as_many_words),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_the_law_catches(name: str, monkeypatch: Patch) -> None:
    DEFECTS[name](monkeypatch)
    with pytest.raises(AssertionError):
        hold_the_law()
