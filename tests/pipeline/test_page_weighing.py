"""Weighing adds fields to pages that nobody ships, once for equal ones."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from exopsy.evidence.files.web_page import read_file
from exopsy.pipeline import page_weighing
from exopsy.pipeline.page_weighing import PageWeighing
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Row

RULE = 'rule word { meta: level = "high" strings: $w = "harmless-word" condition: $w }'


@pytest.fixture
def weighing(tmp_path: Path) -> PageWeighing:
    (tmp_path / "own.yar").write_text(RULE)
    return PageWeighing([tmp_path / "own.yar"], None, 1 << 20)


def weighed(weighing: PageWeighing, data: bytes, **known: str) -> dict[str, str]:
    sha256 = hashlib.sha256(data).hexdigest()
    file = FileFacts(path="C/inetpub/wwwroot/a.aspx", size=len(data), sha256=sha256)
    (row,) = read_file(data, file)
    assert isinstance(row, Row)
    row.fields |= known
    weighing.page_fields(row, data, file)
    return row.fields


def test_each_content_has_its_own_fields(weighing: PageWeighing) -> None:
    assert weighed(weighing, b"<p>harmless-word</p>")["YaraLevel"] == "high"
    assert "YaraLevel" not in weighed(weighing, b"<p>nothing</p>")
    assert weighed(weighing, b"<p>harmless-word</p>")["YaraLevel"] == "high"


@pytest.mark.parametrize("state", ["shipped", "shipped-elsewhere"])
def test_what_a_build_ships_as_it_is_is_not_weighed(weighing: PageWeighing, state: str) -> None:
    assert "Level" not in weighed(weighing, b"<p>harmless-word</p>", KnownGood=state)
    assert "Level" in weighed(weighing, b"<p>harmless-word</p>", KnownGood="changed-since")


def test_equal_pages_are_weighed_once_and_few_are_remembered(
    weighing: PageWeighing, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, seen = PageWeighing._weighed, []

    def counted(self: PageWeighing, data: bytes, suffix: str) -> dict[str, str]:
        seen.append(data)
        return usual(self, data, suffix)

    monkeypatch.setattr(PageWeighing, "_weighed", counted)
    monkeypatch.setattr(page_weighing, "_REMEMBERED", 2)
    for data in (b"a", b"a", b"b", b"a", b"c", b"a"):
        weighed(weighing, data)
    assert seen == [b"a", b"b", b"c", b"a"]
