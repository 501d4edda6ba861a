"""A collected file, the rule that asks about it, and what the case says of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from exopsy.schema.case import CaseDocument

Examine = Callable[..., CaseDocument]

ID = "6a2f4f0e-7c55-4f0a-9d0e-3f4c5d6e7f80"
RULE = f"""
title: Page with a word
id: {ID}
status: test
description: 'A page. Misses: others.'
level: high
tags: [attack.persistence, attack.t1505.003]
logsource: {{product: exchange, service: web-page}}
detection:
  one: {{FileName|startswith: planted}}
  condition: one
exopsy:
  behaviour: P01
  grade: [{{grade: success}}]
  subject: [Path]
  backdoor: {{kind: web-shell, field: Path}}
  innocent: [Nobody.]
  next: Look.
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "content" / "detections" / "persistence"
    folder.mkdir(parents=True)
    (folder / "page.yml").write_text(RULE)
    return tmp_path / "content"


def collected(folder: Path, name: str) -> Path:
    page = folder / "EX01" / "C" / "inetpub" / "wwwroot" / "aspnet_client" / name
    page.parent.mkdir(parents=True)
    page.write_text("<p>nothing that runs</p>\n")
    return folder


@pytest.mark.parametrize("plain", [False, True])
def test_a_page_that_a_rule_knows_is_a_backdoor_without_a_time(
    tmp_path: Path, rules: Path, examine: Examine, plain: bool
) -> None:
    case = examine(collected(tmp_path / "in", "planted.aspx"), rules=[rules], plain=plain)
    (finding,) = [f for f in case.findings if f.rule_id == ID]
    assert finding.log == "web-page"
    assert finding.first_seen == finding.last_seen == "1601-01-01T00:00:00Z"
    (host,) = case.hosts
    assert host.verdict.conclusion == "compromised"
    assert "1601" not in " ".join([host.verdict.summary, *(r.text for r in host.verdict.reasons)])
    (backdoor,) = host.backdoors
    assert backdoor.path == "/aspnet_client/planted.aspx"
    assert backdoor.file == "c:\\inetpub\\wwwroot\\aspnet_client\\planted.aspx"
    assert backdoor.planted_at is None
    assert [(a.kind, a.state) for a in case.artifacts] == [("web-page", "read")]
    (coverage,) = [c for c in host.coverage if c.log == "web-page"]
    assert sum(coverage.classes.values()) == coverage.bytes == case.artifacts[0].size


def test_a_page_that_no_rule_knows_says_nothing(
    tmp_path: Path, rules: Path, examine: Examine
) -> None:
    case = examine(collected(tmp_path / "in", "other.aspx"), rules=[rules])
    assert not any(f.rule_id == ID for f in case.findings)
    assert case.hosts[0].backdoors == []
