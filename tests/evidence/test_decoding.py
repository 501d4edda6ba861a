"""The definition of decoding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exopsy.evidence.decoding import decode_fields, undo_percent, undo_plus


@pytest.mark.parametrize(
    ("logged", "decoded"),
    [
        ("/%70owershell", "/powershell"),
        ("/%2570owershell", "/powershell"),
        ("/%25252570owershell", "/powershell"),
        ("/%u0070owershell", "/powershell"),
        ("/%25u0070owershell", "/powershell"),
        ("caf%C3%A9", "café"),
        ("caf%E9", "caf\u27e8E9\u27e9"),
        ("%uD83D%uDE00", "\U0001f600"),
        ("%uD83D", "\ufffd"),
        ("100%", "100%"),
        ("%zz%4", "%zz%4"),
        ("%00", "\0"),
        ("a+b", "a+b"),
    ],
)
def test_undo_percent(logged: str, decoded: str) -> None:
    assert undo_percent(logged) == decoded


@pytest.mark.parametrize(
    ("logged", "decoded"), [("a+b%2Bc", "a b+c"), ("a%252Bb", "a+b"), ("+", " ")]
)
def test_undo_plus_reads_spaces_before_it_reads_escapes(logged: str, decoded: str) -> None:
    assert undo_plus(logged) == decoded


def test_rounds_are_bounded() -> None:
    assert undo_percent("%" + "25" * 20 + "41") != "A"
    assert undo_percent("%" + "25" * 15 + "41") == "A"


@given(st.text(alphabet="%u0012345EFd+ é\\", max_size=40))
def test_what_is_decoded_can_be_written_down(text: str) -> None:
    undo_plus(text).encode("utf-8")


def test_only_changed_values_are_kept() -> None:
    fields = {"a": "x%41", "b": "x", "c": "50%"}
    how = (("a", "percent"), ("b", "plus"), ("c", "plus"), ("d", "percent"))
    assert decode_fields(fields, how) == {"a": "xA"}
