"""Days are joined into runs, and what is no day does no harm."""

from __future__ import annotations

from exopsy.core.clock import UNTIMED
from exopsy.reports.days import calendar, moment, runs, runs_text, span


def test_days_that_follow_each_other_are_one_run():
    days = ["2021-03-01", "2021-02-28", "2021-03-05", "2021-03-01"]
    assert runs(days) == [("2021-02-28", "2021-03-01"), ("2021-03-05", "2021-03-05")]


def test_runs_are_bounded_and_counted():
    days = [f"2021-03-{day:02d}" for day in range(1, 30, 2)]
    text = runs_text(days, most=2)
    assert text == "2021-03-01, 2021-03-03 and 13 more"


def test_what_is_no_day_stands_for_itself():
    assert runs(["someday", "9999-12-31"]) == [("9999-12-31", "9999-12-31"), ("someday", "someday")]
    assert calendar(["someday"], 10) == []


def test_the_calendar_has_every_day_and_keeps_the_newest():
    assert calendar(["2021-03-01", "2021-03-03"], 10) == ["2021-03-01", "2021-03-02", "2021-03-03"]
    assert calendar(["1601-01-01", "2021-03-03"], 2) == ["2021-03-02", "2021-03-03"]


def test_times_are_written_for_people():
    assert moment("2021-03-03T04:05:06Z") == "2021-03-03 04:05 UTC"
    assert moment("2021-03-03") == "2021-03-03"
    assert moment(None) == "unknown"
    assert span(None, None) == "at any time"
    assert span("2021-03-03", None) == "from 2021-03-03 on"
    assert span(None, "2021-03-03") == "until 2021-03-03"
    assert span("2021-03-03", "2021-03-03") == "2021-03-03"


def test_a_state_has_no_time():
    assert "1601" not in span(UNTIMED, UNTIMED)
    assert span("2021-03-01", "2021-03-01") == "2021-03-01"
