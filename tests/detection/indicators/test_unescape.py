from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exopsy.detection.indicators.readings import undo_escapes
from exopsy.detection.indicators.unescape import unescape

PIECES = st.one_of(
    st.sampled_from(
        b'%41 %2541 %252541 %u0041 %U20ac %ud83d %0a \\u0041 \\n \\\\ \\" \\x % %4 %u00 \\u00 { abc'.split()
    ),
    st.sampled_from([b"\n", b"\r\n", b"\n{", b"\n [{", b"\xef\xbb\xbf"]),
    st.binary(max_size=4),
)


def of_words(text):
    """Leave out what only parts: only in JSON is it undone, and there it changes no run."""
    return text.translate(None, b'\\/"')


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=20).map(b"".join))
@example(b"%" * 40 + b"25" * 40)
@example(b"x" + b"%25" * 20 + b"41\n")
def test_lines_come_out_as_the_plain_function_makes_them(data):
    found = unescape(np.frombuffer(data, np.uint8))
    texts = {}
    if found is not None:
        ends = [*found.starts.tolist()[1:], len(found.data)]
        for origin, start, end in zip(
            found.origins.tolist(), found.starts.tolist(), ends, strict=True
        ):
            texts[origin] = found.data[start:end].rstrip(b"\r\n")
    at = 0
    for raw in data.split(b"\n"):
        line = raw.removesuffix(b"\r")
        wanted = undo_escapes(line)
        if at in texts:
            assert of_words(texts[at]) == of_words(wanted.rstrip(b"\r\n"))
        else:  # left out: nothing in it but separators may differ
            assert of_words(wanted) == of_words(line)
        at += len(raw) + 1


@pytest.mark.parametrize("data", [b"", b"\n\n", b"nothing here\nEXAMPLE\\user\nC:\\new\n"])
def test_lines_without_escapes_cost_nothing(data):
    assert unescape(np.frombuffer(data, np.uint8)) is None


def test_no_run_reaches_from_the_last_line_into_the_next():
    found = unescape(np.frombuffer(b"\\u0041\nx%41evil.example", np.uint8))
    assert found is not None
    assert found.data == b"xAevil.example\nA\n"
