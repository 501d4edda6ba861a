"""A damaged byte stays readable and makes no letters."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from exopsy.core.text import decode_utf8


@given(st.binary(max_size=60))
@example(b"\n\x80")
@example(b"\xe9\n\n\n\n\xe9")
def test_no_ascii_text_appears_that_was_not_in_the_bytes(data: bytes) -> None:
    """Every ASCII run of three characters in the text stands in the bytes."""
    text = decode_utf8(data)
    assert all(run.encode() in data for run in re.findall("[\0-\x7f]{3,}", text))


def test_valid_text_is_itself() -> None:
    assert decode_utf8("René \u4e2d".encode()) == "René \u4e2d"
    assert decode_utf8(b"Ren\xe9!") == "Ren\u27e8E9\u27e9!"
