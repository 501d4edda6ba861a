from __future__ import annotations

import pytest

from exopsy.detection.casefold import fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("AbC-1", "abc-1"),
        ("", ""),
        ("\u212a", "\u212a"),  # KELVIN SIGN is no k
        ("\u0130I", "\u0130i"),  # I WITH DOT is no i
        ("\u00c9A", "\u00c9a"),
        ("STRASSE \u1e9e", "strasse \u1e9e"),
    ],
)
def test_folds_ascii_letters_only(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_never_changes_the_length() -> None:
    every = "".join(map(chr, range(0x250)))
    assert len(fold(every)) == len(every)
    assert [a for a, b in zip(every, fold(every), strict=True) if a != b] == list(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    )
