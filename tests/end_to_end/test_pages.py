"""Pages, what their content weighs, an analyst's YARA rules, and what the case says of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from exopsy.core.errors import ContentError
from exopsy.schema.case import CaseDocument

Examine = Callable[..., CaseDocument]
TITLE = "Page that does what a request says"
RULE = """
rule harmless_word {
    meta:
        title = "A harmless word"
        level = "LEVEL"
    strings:
        $word = "harmless-word-of-this-test"
    condition:
        $word
}
"""


def collected(folder: Path, text: str) -> Path:
    page = folder / "EX01" / "C" / "inetpub" / "wwwroot" / "aspnet_client" / "notice.aspx"
    page.parent.mkdir(parents=True)
    page.write_text(text)
    return folder


@pytest.mark.parametrize(("level", "conclusion"), [("high", "compromised"), ("low", "suspicious")])
def test_a_yara_rule_of_the_analyst_decides_by_its_level(
    tmp_path: Path, examine: Examine, level: str, conclusion: str
) -> None:
    rules = tmp_path / "yara"
    rules.mkdir()
    (rules / "mine.yar").write_text(RULE.replace("LEVEL", level))
    (rules / "broken.yar").write_text("rule broken { condition: nothing_known }")
    collection = collected(tmp_path / "in", "<p>harmless-word-of-this-test</p>")
    case = examine(collection, yara=[rules])
    told = [f for f in case.findings if f.title == TITLE]
    assert bool(told) == (level == "high")
    assert case.hosts[0].verdict.conclusion == conclusion  # no build ships that page either
    assert [b.path for b in case.hosts[0].backdoors] == (
        ["/aspnet_client/notice.aspx"] if told else []
    )
    assert any("broken" in f.id + f.title + f.why for f in case.rules.failed)
    assert len(case.tool.options["yara"]) == 1


def test_a_page_without_signs_is_no_web_shell(tmp_path: Path, examine: Examine) -> None:
    case = examine(collected(tmp_path / "in", "<%@ Page %><p>Closed for maintenance.</p>"))
    assert not [f for f in case.findings if f.title == TITLE]
    assert case.hosts[0].backdoors == []


def test_a_missing_folder_of_rules_is_said(tmp_path: Path, examine: Examine) -> None:
    with pytest.raises(ContentError, match="no such folder"):
        examine(collected(tmp_path / "in", "x"), yara=[tmp_path / "nowhere"])
