from __future__ import annotations

import json
import random
import re

import pytest
import sieve_law as law
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.detection.casefold import fold
from exopsy.detection.sieve.encodings import MARKERS, markers, pattern_of
from exopsy.evidence.decoding import undo_percent, undo_plus
from exopsy.schema.columns import Codec


def found(literal: str, codec: str, raw: str, *, csv: bool = False) -> bool:
    pattern = pattern_of(literal, codec, csv=csv)  # type: ignore[arg-type]
    return re.search(pattern.encode(), raw.encode(), re.IGNORECASE) is not None


@pytest.mark.parametrize(
    ("literal", "codec", "raw", "expected"),
    [
        ("/ecp/", "text", "x/ECP/x", True),
        ("/ecp/", "text", "%2fecp/", False),
        ("/ecp/", "percent", "%2fecp%2525252F", True),
        ("/ecp/", "percent", "%u002fecp%25u002f", True),
        ("a b", "percent", "a+b", False),
        ("a b", "plus", "a+b", True),
        ("a b", "plus", "a%2520b", True),
        ("a.b", "percent", "axb", False),
        ("o'b", "bag", "o''b", True),
        ("o'b", "text", "o''b", False),
        ("a/b", "json", r"a\/b", True),
        ("a\\b", "json", r"a\\b", True),
        ('a"b', "json", r"a\"b", True),
        ("a b'c/d", "any", r"a+b''c\/d", True),
        ("a+b", "plus", "a%2bb", True),
        ("100%", "percent", "100%25", True),
        ("100%", "percent", "100%2525", True),
    ],
)
def test_forms(literal: str, codec: str, raw: str, expected: bool) -> None:
    assert found(literal, codec, raw) is expected


def test_quotes_are_doubled_in_csv_only() -> None:
    assert found('say "hi"', "text", 'say ""hi""', csv=True)
    assert not found('say "hi"', "text", 'say ""hi""', csv=False)


@pytest.mark.parametrize(
    ("codecs", "names"),
    [
        (["text"], []),
        (["percent"], ["percent", "unicode"]),
        (["plus", "text"], ["percent", "unicode"]),
        (["bag"], ["percent", "unicode"]),
        (["json"], ["percent", "unicode", "json"]),
    ],
)
def test_markers_of_codecs(codecs: list[Codec], names: list[str]) -> None:
    assert markers(codecs) == [MARKERS[name] for name in names]


@pytest.mark.parametrize("code", range(0x80))
def test_the_percent_marker_is_for_letters_and_digits(code: int) -> None:
    marker = re.compile(MARKERS["percent"], re.IGNORECASE)
    wanted = chr(code).isalnum()
    for text in (f"%{code:02x}", f"%{code:02X}", f"%25{code:02x}", f"%252525{code:02x}"):
        assert (marker.search(text) is not None) is wanted


LITERALS = st.text("abz09/.?=&@ +%'\"\\", min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(literal=LITERALS, plus=st.booleans(), seed=st.integers(0, 2**32))
def test_whatever_decodes_to_the_literal_is_found(literal: str, plus: bool, seed: int) -> None:
    """The definition of decoding is the evidence room's; nothing is shared with it."""
    rng = random.Random(seed)
    raw = b"".join(
        law.escape_byte(c, rng) if rng.random() < 0.5 else bytes([c]) for c in literal.encode()
    )
    text = raw.decode()
    if plus and rng.random() < 0.5:
        text = text.replace(" ", "+")
    value = undo_plus(text) if plus else undo_percent(text)
    if fold(literal) not in fold(value):
        return  # percent signs of the literal took part in escapes
    codec: Codec = "plus" if plus else "percent"
    marked = any(re.search(m, text, re.IGNORECASE) for m in markers([codec]))
    assert marked or found(fold(literal), codec, text)


@settings(max_examples=200, deadline=None)
@given(literal=LITERALS, seed=st.integers(0, 2**32))
def test_whatever_json_says_is_found(literal: str, seed: int) -> None:
    rng = random.Random(seed)
    text = json.dumps(literal)[1:-1].replace("/", rng.choice(["/", "\\/"]))
    text = "".join(f"\\u{ord(c):04x}" if c.isalnum() and rng.random() < 0.1 else c for c in text)
    assert json.loads(f'"{text}"') == literal
    cell = text.replace('"', '""')
    marked = re.search(MARKERS["json"], cell, re.IGNORECASE)
    assert marked or found(fold(literal), "json", cell, csv=True)
