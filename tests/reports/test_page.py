"""A page of text is as wide as asked, and escapes what it is given."""

from __future__ import annotations

from exopsy.reports.page import Page


def test_lines_are_wrapped_and_lined_up():
    page = Page(colour=False, width=40)
    page.say("one two three four five six seven eight nine", 2, mark="- ")
    assert page.text() == "  - one two three four five six seven\n    eight nine\n"


def test_everything_is_escaped_also_the_mark():
    page = Page(colour=True, width=80)
    page.say("\x1b]0;owned\x07\u202e", mark="\x1b[5m", style="bad")
    assert page.text().count("\x1b") == 2  # our own: on and off
    assert "\u202e" not in page.text()


def test_a_long_list_is_cut_and_counted():
    page = Page(colour=False, width=80)
    page.each(list("abc"), 2, page.say, 0)
    assert page.text() == "a\nb\n... and 1 more: see the report\n"


def test_a_path_is_never_broken():
    page = Page(colour=False, width=40)
    page.path("/cases/" + "x" * 100 + "/report.html\x1b[2J", 4)
    assert page.text() == "    /cases/" + "x" * 100 + "/report.html\\x1b[2J\n"
