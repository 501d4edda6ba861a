"""A chain is used when who came through it goes on to use what it gave."""

from __future__ import annotations

A, B = "203.0.113.7", "198.51.100.9"


def test_a_chain_whose_operator_uses_the_page_is_used(lab):
    findings = [lab.finding("door", "success", 5, subject={"c-ip": A}), lab.used(60, 2)]
    rows = [
        lab.row(5, A, "door", "success", stem="/d", status=200),
        lab.hit(60, A, rule="shell", grade="use"),
    ]
    (chain,) = lab.story(findings, rows).chains
    assert chain.grade == "use"
    assert [s.state for s in chain.steps if s.step == "use"] == ["seen"]


def test_somebody_elses_use_does_not_raise_the_chain(lab):
    findings = [lab.finding("door", "success", 5, subject={"c-ip": A}), lab.used(60, 2)]
    rows = [
        lab.row(5, A, "door", "success", stem="/d", status=200),
        lab.hit(60, B, rule="shell", grade="use"),
    ]
    (chain,) = lab.story(findings, rows).chains
    assert chain.grade == "success"
