"""The summary answers the questions of somebody who has never done this."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from exopsy.reports.terminal import render_summary
from exopsy.schema.case import CONCLUSIONS, CaseDocument, decode_case

CASE = (Path(__file__).parent / "data" / "case.json").read_bytes()
HOSTILE = "\x1b[2J\u202e\x9b5m\r\n</pre><script>"


def render(case, **options):
    return render_summary(case, **{"colour": False, "width": 100, **options})


def words_of(text):
    return " ".join(text.split())


def hostile(value):
    """Replace every free text of a document by one that bites."""
    if isinstance(value, dict):
        return {key: hostile(item) for key, item in value.items()}
    if isinstance(value, list):
        return [hostile(item) for item in value]
    return HOSTILE + value if isinstance(value, str) and " " in value else value


def test_the_summary_says_what_was_concluded_and_what_to_do():
    text = words_of(render(decode_case(CASE), report="out/report.html"))
    for told in (
        "VERDICT: COMPROMISED",
        "EX01 was broken into on 3 March 2021",
        "B1 /aspnet_client/supp0rt.aspx",
        "used 31 times by O1: first 2021-03-03 04:20 UTC, last 2021-03-09 22:00 UTC",
        "asked for without success by O2",
        "ProxyLogon (CVE-2021-26855, CVE-2021-27065)",
        "the logs that would show it are missing",
        "O1 192.0.2.7",
        "(IIS) [iis-w3c]: read with losses, 2021-03-01 to 2021-03-09; NOTHING of 2021-03-06 to "
        "2021-03-07; only a part of 2021-03-09",
        "NOT READ, because not in the collection: offline address book generator",
        "1. Take EX01 off the Internet",
        "It worked if: From outside, https://mail.example.com no longer answers.",
        "out/report.html",
        "Exit code of this verdict: 40 (compromised)",
    ):
        assert told in text
    assert text.index("1. Take EX01") < text.index("2. Copy /aspnet_client")


def test_signs_that_a_person_must_judge_are_listed():
    case = decode_case(CASE)
    (host, *_) = case.hosts
    verdict = msgspec.structs.replace(host.verdict, conclusion="suspicious")
    case.hosts = [msgspec.structs.replace(host, verdict=verdict)]
    text = words_of(render(case))
    for reason in verdict.reasons[:3]:
        assert words_of(reason.text) in text


def test_colour_adds_nothing_but_colour():
    case = decode_case(CASE)
    coloured = render(case, colour=True)
    assert "\x1b[1;31m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render(case)


def test_no_line_is_wider_than_the_terminal():
    for width in (40, 60, 100):
        assert max(map(len, render(decode_case(CASE), width=width).splitlines())) <= width


@pytest.mark.parametrize("conclusion", CONCLUSIONS)
def test_every_conclusion_is_said_in_words(conclusion):
    case = decode_case(CASE)
    case.verdict.conclusion = conclusion
    assert conclusion.replace("-", " ") in render(case).splitlines()[0].lower()


def test_hostile_text_does_nothing():
    document = hostile(msgspec.json.decode(CASE))
    case = msgspec.convert(document, CaseDocument)
    case.hosts[0].name = case.hosts[0].backdoors[0].path = HOSTILE
    case.hosts[0].operators[0].addresses = [HOSTILE] * 1_000
    case.hosts[0].operators[0].id = HOSTILE * 1_000
    text = render(case, report=HOSTILE)
    assert "\\x1b[2J<U+202E>\\x9b5m\\r\\n" in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def test_a_huge_case_stays_readable():
    case = decode_case(CASE)
    host = case.hosts[0]
    host.backdoors *= 500
    host.operators *= 500
    host.verdict.windows *= 500
    host.verdict.gaps *= 500
    case.problems *= 5_000
    case.hosts *= 40
    assert len(render(case).splitlines()) < 2_000
    assert "... and 492 more: see the report" in render(case)


def test_an_empty_case_is_said_too():
    case = decode_case(CASE)
    case.hosts, case.problems, case.findings = [], [], []
    case.verdict.conclusion = "inconclusive"
    text = render(case)
    assert "INCONCLUSIVE" in text
    assert "Attack attempts were seen." in text
