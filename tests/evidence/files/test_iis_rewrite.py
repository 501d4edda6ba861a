from __future__ import annotations

import pytest

from exopsy.evidence.files import iis_config

BLOCK = '<rule name="{}"{}><match url=".*"/><conditions><add input="{{URL}}" pattern="x"/></conditions><action type="{}"/></rule>'
PASS = '<rule name="p" stopProcessing="true"><match url="{}"/><action type="None"/></rule>'


def _why(rows_of, *rules: str, top: str = "<rewrite>") -> list[str]:
    body = f"<configuration><system.webServer>{top}<rules>{''.join(rules)}</rules></rewrite>"
    rows, _ = rows_of(iis_config, f"{body}</system.webServer></configuration>".encode())
    return [
        row.fields.get("Ineffective", "") for row in rows if row.fields["Element"] == "rewrite-rule"
    ]


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ([BLOCK.format("a", "", "AbortRequest")], [""]),
        ([BLOCK.format("a", "", "CustomResponse")], [""]),
        ([BLOCK.format("a", ' enabled="false"', "AbortRequest")], ["disabled"]),
        ([BLOCK.format("a", "", "Rewrite")], ["blocks nothing"]),
        ([BLOCK.format("a", "", "AbortRequest"), '<remove name="A"/>'], ["removed"]),
        ([BLOCK.format("a", "", "AbortRequest"), "<clear/>"], ["removed"]),
        (["<clear/>", BLOCK.format("a", "", "AbortRequest")], [""]),
        ([BLOCK.format("a", "", "AbortRequest")] * 2, ["a name is there twice"] * 2),
        (
            [PASS.format(".*"), BLOCK.format("a", "", "AbortRequest")],
            ["blocks nothing", "after a rule that lets everything through"],
        ),
        ([PASS.format("^only"), BLOCK.format("a", "", "AbortRequest")], ["blocks nothing", ""]),
    ],
)
def test_why_a_rule_does_nothing(rows_of, rules: list[str], why: list[str]) -> None:
    assert _why(rows_of, *rules) == why


def test_a_section_that_is_switched_off(rows_of) -> None:
    rule = BLOCK.format("a", "", "AbortRequest")
    assert _why(rows_of, rule, top='<rewrite enabled="false">') == ["disabled"]


def test_a_damaged_file_enforces_nothing(rows_of) -> None:
    rule = BLOCK.format("a", "", "AbortRequest")
    assert _why(rows_of, rule, top="<open><rewrite>") == ["the file is damaged"]
