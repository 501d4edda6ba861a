"""Content that can't be read is told with its place, never a crash."""

from __future__ import annotations

from pathlib import Path

import pytest

from exopsy.core.content import read_lines, read_yaml
from exopsy.core.errors import ContentError


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"title: a\x01b\n", "control characters"),
        (b"title: 'open\n", "Quote strings"),
        (b"a: [1\nb: 2\n", "x.yml:2"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_place(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "x.yml"
    path.write_bytes(data)
    with pytest.raises(ContentError) as caught:
        read_yaml(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_list_leaves_comments_and_blank_lines_out(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("# a comment\n\n /one \n/two\n", encoding="utf-8")
    assert read_lines(path) == ["/one", "/two"]
