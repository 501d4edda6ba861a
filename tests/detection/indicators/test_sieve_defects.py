"""Seeded defects of the fast sweep, one at a time: the law that it equals the plain one catches each."""

from __future__ import annotations

import numpy as np
import pytest
import sweep_law as law

from exopsy.detection.indicators import hashing, sieve, tokens, unescape


def hold_the_law():
    made = sieve.IndicatorSieve(law.INDICATORS)
    return sum(law.check(law.damaged_log(seed), sieve=made) for seed in range(150))


def test_without_a_defect_the_law_holds():
    assert hold_the_law() > 1_000


def case_matters(patch):
    usual = np.bitwise_or

    def kept(a, b, out=None):
        return usual(a, 0, out=out) if out is not None else usual(a, b)

    class Numpy:
        def __getattr__(self, name):
            return kept if name == "bitwise_or" else getattr(np, name)

    patch.setattr(tokens, "np", Numpy())


def no_parents(patch):
    none = np.zeros(0, np.int64)
    patch.setattr(sieve, "behind_dots", lambda *rest: (none, none))


def the_last_parent_forgotten(patch):
    usual = sieve.behind_dots

    def behind(folded, starts, ends):
        first, last = usual(folded, starts, ends)
        return first[:-1], last[:-1]

    patch.setattr(sieve, "behind_dots", behind)


def an_ending_forgotten(patch):
    usual = hashing._marks
    patch.setattr(hashing, "_marks", lambda tails: usual(tails >> np.uint64(8)))


def runs_of_one_size_lost(patch):
    usual = tokens._stretches

    def stretches(mask, length):
        return usual(mask, length + 1)

    patch.setattr(tokens, "_stretches", stretches)


def escapes_left(patch):
    patch.setattr(sieve, "unescape", lambda block: None)


def one_round_of_escapes(patch):
    patch.setattr(unescape, "ROUNDS", 1)


def lines_of_escapes_off_by_one(patch):
    usual = unescape._lines_of

    def lines(starts, places):
        return np.maximum(usual(starts, places) - 1, 0)

    patch.setattr(unescape, "_lines_of", lines)


def json_ignored(patch):
    patch.setattr(unescape, "_OPENING", np.zeros(256, np.bool_))


def full_sixes_ignored(patch):
    usual = np.flatnonzero

    def few(mask):
        found = usual(mask)
        return found[:5] if len(mask) and mask.dtype == np.bool_ and len(found) > 5 else found

    class Numpy:
        def __getattr__(self, name):
            return few if name == "flatnonzero" else getattr(np, name)

    patch.setattr(sieve, "np", Numpy())


def sixes_ignored(patch):
    patch.setattr(sieve.IndicatorScanner, "_sixes", lambda self, piece: iter(()))


def networks_merged_wrongly(patch):
    usual = sieve._merged

    def merged(pairs):
        starts, ends = usual(pairs)
        return starts, [end - 190 for end in ends]

    patch.setattr(sieve, "_merged", merged)


def innocence_by_slot_alone(patch):
    usual = sieve.IndicatorScanner._fours

    def fours(self, piece, cut, numbers, letterless):
        if self._sieve.innocent.any():
            return iter(())
        return usual(self, piece, cut, numbers, letterless)

    patch.setattr(sieve.IndicatorScanner, "_fours", fours)


def short_pieces_read_too_far(patch):
    patch.setattr(hashing, "_LOW", np.full(9, (1 << 64) - 1, np.uint64))


def last_bit_of_the_table_lost(patch):
    usual = hashing.NumberTable.known
    patch.setattr(hashing.NumberTable, "known", lambda self, numbers: usual(self, numbers)[:-1])


def judged_with_its_line_end(patch):
    usual = sieve.LineJudge
    patch.setattr(sieve, "LineJudge", lambda line: usual(line[:-1]))


DEFECTS = [
    case_matters,
    no_parents,
    the_last_parent_forgotten,
    an_ending_forgotten,
    runs_of_one_size_lost,
    escapes_left,
    one_round_of_escapes,
    lines_of_escapes_off_by_one,
    json_ignored,
    full_sixes_ignored,
    sixes_ignored,
    networks_merged_wrongly,
    innocence_by_slot_alone,
    short_pieces_read_too_far,
    last_bit_of_the_table_lost,
    judged_with_its_line_end,
]


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.__name__)
def test_the_law_catches(monkeypatch, defect):
    sieve.text_number(b"x")
    defect(monkeypatch)
    with pytest.raises(AssertionError):
        hold_the_law()
