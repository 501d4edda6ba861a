from __future__ import annotations

from datetime import date
from typing import get_args

from exopsy.evidence.registry import RULE_FORMATS
from exopsy.schema.case import BackdoorKind
from exopsy.verdict.words import (
    between,
    count,
    day_ranges,
    join,
    load_words,
    log_place,
    log_title,
    quote,
)


def test_every_log_and_every_kind_of_backdoor_has_words():
    assert {spec.name for spec in RULE_FORMATS} <= load_words().logs.keys()
    assert set(get_args(BackdoorKind)) == load_words().backdoors.keys()


def test_a_log_without_words_keeps_its_name():
    assert log_title("new-log") == log_place("new-log") == "new-log"


def test_quoted_evidence_is_bounded_and_disarmed():
    assert quote("a\x00b\u202ec\r\nd") == "a?b?c??d"
    assert len(quote("x" * 500)) == 120 and quote("x" * 120) == "x" * 120


def test_lists_read_like_sentences():
    assert [join([]), join(["a"]), join(["a", "b"]), join(["a", "b", "c"], most=2)] == [
        "",
        "a",
        "a and b",
        "a, b and 1 more",
    ]
    assert [count(1, "day"), count(2, "day")] == ["1 day", "2 days"]


def test_days_fold_into_ranges():
    days = [date(2021, 3, n) for n in (5, 1, 2, 3, 7)]
    assert [between(*pair) for pair in day_ranges(days)] == [
        "from 2021-03-01 to 2021-03-03",
        "on 2021-03-05",
        "on 2021-03-07",
    ]
