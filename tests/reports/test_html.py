"""The report is one file, complete, bounded, and deaf to what the evidence says."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import msgspec

from exopsy.reports.html import MOST_BYTES, render_html
from exopsy.schema.case import ActionItem, CaseDocument, Evidence, decode_case

CASE = (Path(__file__).parent / "data" / "case.json").read_bytes()
HOSTILE = (
    "\"'><script>alert(1)</script><img src=x onerror=alert(1)></details></style>"
    "{{ 7*7 }}{% raw %}\x1b[2J\u202e\x9b5m\x00javascript:alert(1)=cmd|' /C calc'!A0"
)
CLOSED = {"section", "div", "details", "table", "ul", "ol", "h2", "h3", "h4", "main", "body", "pre"}


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that elements nest."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts, self.open = set(), [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag in CLOSED:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in CLOSED:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join("".join(self.texts).split())


def bitten():
    """Put hostile text into every string that the schema leaves free."""

    def bite(value):
        if isinstance(value, dict):
            return {key: bite(item) for key, item in value.items()}
        if isinstance(value, list):
            return [bite(item) for item in value]
        return HOSTILE if isinstance(value, str) else value

    document = msgspec.json.decode(CASE)
    words = bite(document)

    def fit(type_, original, wanted):
        """Keep the closed vocabularies, take the hostile text elsewhere."""
        try:
            return msgspec.convert(wanted, type_)
        except msgspec.ValidationError:
            return msgspec.convert(original, type_)

    def merge(struct, original, wanted):
        made = {}
        for field in msgspec.structs.fields(struct):
            if field.encode_name not in original:
                continue
            old, new = original[field.encode_name], wanted[field.encode_name]
            inner = getattr(field.type, "__args__", (field.type,))[0]
            if isinstance(old, dict) and hasattr(field.type, "__struct_fields__"):
                made[field.name] = merge(field.type, old, new)
            elif isinstance(old, list) and hasattr(inner, "__struct_fields__"):
                made[field.name] = [merge(inner, a, b) for a, b in zip(old, new, strict=True)]
            else:
                made[field.name] = fit(field.type, old, new)
        return struct(**made)

    return merge(CaseDocument, document, words)


def test_the_report_tells_the_whole_case():
    page = Page(render_html(decode_case(CASE)))
    for told in (
        "COMPROMISED - somebody has been inside this server",
        "EX01 was broken into on 3 March 2021",
        "Take EX01 off the Internet",
        "B1: /aspnet_client/supp0rt.aspx",
        "Used 31 times by O1",
        "Asked for without success by O2",
        "A file is written through the offline address book cannot be said",
        "Passwords in memory",
        "Nothing of 2021-03-06 to 2021-03-07",
        "offline address book generator [exchange-oab-generator] NOT READ",
        "CVE-2021-26855",
        # the raw record, decoded
        "2021-03-03 04:20:00 10.0.0.5 POST /aspnet_client/supp0rt.aspx",
        "line 3, byte 99, SHA-256 abab",
        "the column 'cs-nothing' is in no log",
        "ends in the middle of a record",
        "W3SVC1/u_ex210303.log",
        "readme.txt",
        "cdcd",
    ):
        assert told in page.text, told


def test_the_report_needs_nothing_and_runs_nothing():
    text = render_html(decode_case(CASE))
    page = Page(text)
    assert not page.tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name == "style"]
    assert all(v.startswith("#") for _, name, v in page.attributes if name in ("href", "src"))


def test_the_policy_allows_the_own_style_sheet_and_nothing_else():
    text = render_html(decode_case(CASE))
    style = re.search("<style>(.*?)</style>", text, re.DOTALL).group(1)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = re.search('Content-Security-Policy" content="([^"]*)"', text).group(1)
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_every_link_leads_somewhere():
    page = Page(render_html(decode_case(CASE)))
    places = {value for _, name, value in page.attributes if name == "id"}
    assert {v[1:] for _, name, v in page.attributes if name == "href"} <= places


def test_hostile_text_in_every_field_does_nothing():
    case = bitten()
    assert case.verdict.summary == case.hosts[0].operators[0].addresses[0] == HOSTILE
    assert case.artifacts[0].path == case.findings[0].subject["ClientIpAddress"] == HOSTILE
    case.findings[1].evidence = [
        Evidence(artifact="a", offset=0, line=1, text_b64=b64encode(HOSTILE.encode()).decode())
    ]
    text = render_html(case)
    page = Page(text)
    safe = Page(render_html(decode_case(CASE)))
    assert page.tags <= safe.tags
    assert {(tag, name) for tag, name, _ in page.attributes} <= {
        (tag, name) for tag, name, _ in safe.attributes
    }
    assert all(v.startswith("#") for _, name, v in page.attributes if name in ("href", "src"))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert "{{ 7*7 }}" in page.text
    assert "(damaged in case.json)" in page.text


def test_the_report_stays_small_whatever_the_case():
    case = decode_case(CASE)
    host = case.hosts[0]
    long = "\u202e<&" * 2_000
    days = {
        f"{year}-{month:02d}-{day:02d}": "full"
        for year in range(1990, 2030)
        for month in range(1, 13)
        for day in range(1, 29)
    }
    host.actions = [ActionItem(order=n, do=long, why=long, verify=long) for n in range(2_000)]
    host.backdoors[0].path = host.chains[0].steps[0].title = long
    host.operators[0].user_agents = host.operators[0].addresses = [long] * 2_000
    host.coverage[0].days = days
    host.coverage *= 20
    host.operators *= 500
    host.backdoors *= 500
    host.chains *= 200
    raw = b64encode(long.encode()).decode()
    case.findings[0].evidence = [Evidence(artifact=long, offset=0, line=1, text_b64=raw)] * 5
    case.findings *= 3_000
    case.artifacts *= 20_000
    case.hosts *= 300
    text = render_html(case)
    assert len(text.encode()) < MOST_BYTES
    assert "more servers" in text
    assert "more: all of them are in case.json" in text


def test_what_is_left_out_weighs_less_than_what_is_kept():
    case = decode_case(CASE)
    attempt, use = case.findings[2], case.findings[1]
    case.findings = [msgspec.structs.replace(attempt, id=f"A{n}") for n in range(1_000)] + [use]
    text = render_html(case)
    assert 'id="F2"' in text
    assert 'id="A999"' not in text


def test_equal_cases_give_equal_pages():
    assert render_html(decode_case(CASE)) == render_html(decode_case(CASE))
