"""Configuration in a collection, and what the case says of it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from exopsy.schema.case import CaseDocument

Examine = Callable[..., CaseDocument]

HOST = r"""<?xml version="1.0" encoding="UTF-16"?>
<configuration>
  <!-- <globalModules><add name="Never" image="C:\ProgramData\never.dll" /></globalModules> -->
  <system.applicationHost><sites><site name="Default Web Site">
    <application path="/owa">
      <virtualDirectory path="/" physicalPath="C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\owa" />
    </application>
  </site></sites></system.applicationHost>
  <system.webServer><globalModules>
    <add name="HttpLoggingModule" image="%windir%\System32\inetsrv\loghttp.dll" />
    PLANTED
  </globalModules></system.webServer>
</configuration>
"""
PLANTED = r'<add name="HttpReset" image="C:\ProgramData\reset.dll" />'
KEY = "00112233445566778899AABBCCDDEEFF" * 2


def collected(folder: Path, planted: str) -> Path:
    config = folder / "EX01" / "C" / "Windows" / "System32" / "inetsrv" / "config"
    config.mkdir(parents=True)
    (config / "applicationHost.config").write_bytes(
        HOST.replace("PLANTED", planted).encode("utf-16")
    )
    site = folder / "EX01" / "C" / "inetpub" / "wwwroot"
    site.mkdir(parents=True)
    (site / "web.config").write_text(
        f'<configuration><system.web><machineKey validationKey="{KEY}" /></system.web>'
        "</configuration>"
    )
    return folder


@pytest.mark.parametrize("plain", [False, True])
def test_a_planted_module_is_a_backdoor_at_its_bytes(
    tmp_path: Path, examine: Examine, plain: bool
) -> None:
    folder = collected(tmp_path / "in", PLANTED)
    case = examine(folder, plain=plain)
    (host,) = case.hosts
    assert host.verdict.conclusion == "compromised"
    assert [(b.kind, b.path) for b in host.backdoors] == [
        ("iis-module", "c:\\programdata\\reset.dll")
    ]
    assert [(b.state, b.state_basis) for b in host.backdoors] == [("present", "configuration")]
    (finding,) = [f for f in case.findings if f.level == "high"]
    (evidence,) = finding.evidence
    data = (folder / evidence.artifact).read_bytes()
    assert data[evidence.offset :].startswith(base64.b64decode(evidence.text_b64))
    assert base64.b64decode(evidence.text_b64).decode("utf-16-le") == PLANTED


def test_a_configuration_as_installed_says_nothing_of_an_intruder(
    tmp_path: Path, examine: Examine
) -> None:
    case = examine(collected(tmp_path / "in", ""))
    (host,) = case.hosts
    assert host.verdict.conclusion not in {"compromised", "exploited", "suspicious"}
    assert host.backdoors == []
    assert {a.kind for a in case.artifacts} == {"iis-config"}


def test_a_key_is_nowhere_in_the_case(tmp_path: Path, examine: Examine) -> None:
    case = examine(collected(tmp_path / "in", ""))
    (finding,) = [f for f in case.findings if "ValidationKeySha256" in f.subject]
    texts = [
        *finding.subject.values(),
        *(base64.b64decode(e.text_b64).decode() for e in finding.evidence),
    ]
    assert not any(KEY[:8] in text for text in texts)
