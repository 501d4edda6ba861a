from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exopsy.evidence.files.encoded_text import EncodedText, holds, shown

TEXT = "<a>\r\nä€\U0001f600\n<b/>" * 900


@pytest.mark.parametrize(
    ("data", "begin"),
    [
        (TEXT.encode(), 0),
        (b"\xef\xbb\xbf" + TEXT.encode(), 3),
        (b"\xff\xfe" + TEXT.encode("utf-16-le"), 2),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), 2),
        (TEXT.encode("utf-16-le"), 0),
        (TEXT.encode("utf-16-be"), 0),
        (b"\xff\xfe\0\0" + TEXT.encode("utf-32-le"), 4),
    ],
)
def test_every_encoding_gives_the_text_and_the_way_back(data: bytes, begin: int) -> None:
    source = EncodedText(data)
    assert source.text == TEXT
    assert source.is_known
    for position in (0, 5, 6, 7, 9, 4_095, 4_096, 4_097, len(TEXT) - 1):
        rest = data[source.offset(position) :]
        assert rest.decode(source.encoding) == TEXT[position:]
        assert source.line(position) == 1 + TEXT[:position].count("\n")
    assert source.offset(0) == begin


def test_a_declared_encoding_of_one_byte_is_used() -> None:
    source = EncodedText('<?xml version="1.0" encoding="windows-1252"?><a b="é"/>'.encode("cp1252"))
    assert 'b="é"' in source.text
    assert source.offset(source.text.index("é") + 1) == source.text.index("é") + 1


def test_a_declared_utf_16_without_its_zeros_is_not_believed() -> None:
    source = EncodedText(b'<?xml version="1.0" encoding="UTF-16"?><a/>')
    assert source.text.endswith("<a/>")
    assert source.is_known


def test_a_declared_encoding_that_is_none_of_ours_is_told() -> None:
    source = EncodedText(b'<?xml version="1.0" encoding="utf-7"?><a/>')
    assert not source.is_known
    assert source.text.endswith("<a/>")


def test_a_byte_that_is_no_character_keeps_its_place_and_is_shown_as_its_value() -> None:
    source = EncodedText(b"a\xe9b")
    assert shown(source.text) == "a\u27e8E9\u27e9b"
    assert source.offset(2) == 2


@given(st.binary(max_size=300))
def test_any_bytes_have_a_text_that_can_be_shown(data: bytes) -> None:
    source = EncodedText(data)
    shown(source.text).encode("utf-8")
    offsets = [source.offset(i) for i in range(len(source.text) + 1)]
    assert offsets == sorted(offsets)
    assert all(0 <= o <= len(data) + 4 for o in offsets)


def test_lines_have_their_places() -> None:
    source = EncodedText(b"a\r\nb\n\nc")
    assert list(source.lines()) == [(0, "a"), (3, "b"), (5, ""), (6, "c")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
def test_a_word_is_seen_in_every_encoding(encoding: str) -> None:
    assert holds("  x <mexRuntime>".encode(encoding), "<mexRuntime")
    assert not holds("  x <mexRun".encode(encoding), "<mexRuntime")
