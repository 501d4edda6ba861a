"""Runs: the pieces of text by which values are told apart and found again.

A run is letters, digits, ``_`` and bytes above 127, joined by single dots, and by single hyphens
unless a digit stands on both sides (``203.0.113.5-203.0.113.9`` are two, ``a-b.example`` is one).
A value stands alone where it neither begins nor ends inside a run: ``10.1.2.3`` does not stand in
``110.1.2.30``, ``example.com`` not in ``notexample.com`` nor in ``example.com.test``.
"""

from __future__ import annotations

import re

SHORTEST = 4
"""Bytes of the shortest run that something is looked for by."""
_WORD = rb"[0-9A-Za-z_\x80-\xff]"
RUN = re.compile(rb"%s+(?:(?:\.|(?<![0-9])-|-(?![0-9]))%s+)*" % (_WORD, _WORD))
_IS_WORD = bytes(re.match(_WORD, bytes([b])) is not None for b in range(256))
_IS_DIGIT = bytes(48 <= b <= 57 for b in range(256))
_DOT, _HYPHEN = b".-"


def is_word(text: bytes, at: int) -> bool:
    """Say whether there is a byte of a word at a place; outside of the text there is none."""
    return 0 <= at < len(text) and _IS_WORD[text[at]] == 1


def is_inside_run(text: bytes, at: int) -> bool:
    """Say whether the border before the byte ``at`` lies inside a run."""
    if not 0 < at < len(text):
        return False
    if is_word(text, at - 1):
        return is_word(text, at) or _joins(text, at)
    return is_word(text, at) and _joins(text, at - 1)


def _joins(text: bytes, at: int) -> bool:
    """Say whether the byte joins its neighbours to one run."""
    if text[at] == _DOT:
        return is_word(text, at - 1) and is_word(text, at + 1)
    if text[at] == _HYPHEN:
        if not (is_word(text, at - 1) and is_word(text, at + 1)):
            return False
        return not (_IS_DIGIT[text[at - 1]] and _IS_DIGIT[text[at + 1]])
    return False
