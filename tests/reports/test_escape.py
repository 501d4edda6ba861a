"""Text of the intruder does nothing but be read."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.reports.escape import formula_safe, visible, visible_bytes


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/owa/auth.owa", "/owa/auth.owa"),
        ("C:\\inetpub\\wwwroot", "C:\\inetpub\\wwwroot"),
        ("Grüße, 邮件", "Grüße, 邮件"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x9b31m", "\\x9b31m"),
        ("a\tb\r\nc\x00\x7f", "a\\tb\\r\\nc\\x00\\x7f"),
        ("\u202excod.exe", "<U+202E>xcod.exe"),
        ("\u2066\u200b\ufeff\u00a0", "<U+2066><U+200B><U+FEFF><U+00A0>"),
        ("\u3164\ufe0f\U000e0101", "<U+3164><U+FE0F><U+E0101>"),
        ("\U000e0041", "<U+E0041>"),
        ("\ud800", "<U+D800>"),
        ("line\u2028line", "line<U+2028>line"),
    ],
)
def test_every_character_is_visible(text, shown):
    assert visible(text) == shown


def test_length_is_bounded_and_the_cut_says_how_much():
    assert visible("a" * 20, 10) == "a" * 10 + "…(+10 more)"
    assert len(visible("\u202e" * 10**6, 100)) < 130


@settings(max_examples=200, deadline=None)
@given(
    st.text(
        alphabet=st.sampled_from("a\\<\x1b\x9b\u202e\u2069\u3164\n\ud800\U000e0041é"), max_size=40
    )
)
def test_nothing_that_steers_comes_through(text):
    shown = visible(text, 1_000)
    assert not [c for c in shown if unicodedata.category(c)[0] == "C" or c == "\u3164"]
    assert visible(shown, 10_000) == shown


def test_bytes_that_are_no_text_stay_recognisable():
    assert visible_bytes(b"a\xff\x1b") == "a\\xff\\x1b"


@pytest.mark.parametrize("first", "=+-@\t\r\n＝＋")
def test_a_formula_is_disarmed(first):
    assert formula_safe(f"{first}cmd|' /C calc'!A0").startswith("'")


def test_other_cells_stay_as_they_are():
    assert formula_safe("a=b") == "a=b"
    assert formula_safe("") == ""
