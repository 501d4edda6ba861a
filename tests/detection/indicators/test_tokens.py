from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.detection.indicators.hashing import PAD
from exopsy.detection.indicators.runs import RUN, is_inside_run
from exopsy.detection.indicators.tokens import Needs, Tokenizer, behind_dots

TEXTS = st.one_of(
    st.binary(max_size=80),
    st.text("aZ09.-_ é:", max_size=80).map(str.encode),
)


def pieces(data, **needs):
    cut = Tokenizer(Needs(**needs)).cut(np.frombuffer(data, np.uint8))
    spans = zip((cut.starts - PAD).tolist(), (cut.ends - PAD).tolist(), strict=True)
    return sorted(spans)


@settings(max_examples=500, deadline=None)
@given(TEXTS)
def test_runs_are_those_of_the_plain_expression(data):
    found = pieces(data, shortest=4, hash_sizes=())
    assert found == [m.span() for m in RUN.finditer(data) if m.end() - m.start() >= 4]


@settings(max_examples=500, deadline=None)
@given(TEXTS, st.integers(0, 100))
def test_a_place_is_inside_a_run_where_the_expression_says_so(data, at):
    inside = any(m.start() < at < m.end() for m in RUN.finditer(data))
    assert is_inside_run(data, at) == inside


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_behind_dots_stands_every_parent_that_has_a_dot(data):
    cut = Tokenizer(Needs(shortest=4, hash_sizes=())).cut(np.frombuffer(data, np.uint8))
    starts, ends = behind_dots(cut.folded, cut.starts, cut.ends)
    found = sorted(zip((starts - PAD).tolist(), (ends - PAD).tolist(), strict=True))
    wanted = []
    for run in RUN.finditer(data):
        if run.end() - run.start() >= 4:
            dots = [at for at in range(*run.span()) if data[at : at + 1] == b"."]
            wanted += [(at + 1, run.end()) for at in dots[:-1]]
    assert found == wanted


def test_a_hash_may_be_part_of_a_name_but_not_of_a_word():
    value = b"0123456789abcdef" * 2
    data = b"x." + value + b".exe a" + value + b" -" + value + b"-"
    found = [(a, b) for a, b in pieces(data, shortest=99) if data[a:b] == value]
    assert [a for a, _ in found] == [2, data.rindex(value)]
