"""The quick reading of JSON is the plain one."""

from __future__ import annotations

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from exopsy.evidence.events.json_object import read_object, read_plainly

NAMES = st.sampled_from(["a", "b", 'a"', "a\\", ":", '":', 'a\\":', " ", ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**25), 10**25) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(NAMES, inner), max_size=4),
    max_leaves=12,
)


def written(value, spaces: str) -> str:
    """Write JSON; a list of pairs is an object that may say a name twice."""
    if isinstance(value, list) and value and all(isinstance(p, tuple) for p in value):
        pairs = (f"{json.dumps(k)}{spaces}:{written(v, spaces)}" for k, v in value)
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(item, spaces) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(NAMES, VALUES), min_size=1, max_size=4), st.sampled_from(["", " ", "\n"]))
@example([("a", 1), ("a", 2)], "")
@example([("a\\", 1), ("a\\", 2)], "")
@example([("a", [("b", 1), ("b", 2)]), ("c", '":')], "")
def test_names_said_twice_keep_all_values(pairs, spaces):
    raw = written(pairs, spaces).encode()
    assert read_object(raw) == read_plainly(raw)


def test_what_is_said_twice():
    assert read_object(b'{"a":1,"a":[2],"b":1.50}') == ({"a": [1, [2]], "b": "1.50"}, True)
    assert read_object(b'{"a" :1,"a":2}') == ({"a": [1, 2]}, True)
    assert read_object(b'{"a":1,"b":{"a":2}}') == ({"a": 1, "b": {"a": 2}}, False)


def test_odd_texts():
    assert read_object(b'\xef\xbb\xbf{"a":NaN}') == ({"a": "NaN"}, False)
    assert read_object(b'{"a":"\xe9"}') == ({"a": "⟨E9⟩"}, False)
    for text in (b"", b"[1]", b'{"a":1}{', b"null", b'{"a"'):
        assert read_object(text) == "json"
    assert read_object(b'{"a":' * 99_999) == "depth"
