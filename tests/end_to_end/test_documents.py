"""What the documents show works: the example rule loads and passes its test, links lead somewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
import yaml

from exopsy.detection.correlations.filters import apply_filters
from exopsy.detection.correlations.reading import load_correlations
from exopsy.detection.load import load_rules
from exopsy.evidence.registry import FORMATS
from exopsy.pipeline.commands import test_rules as run_tests
from exopsy.schema.case import CaseDocument, Host

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
RULES = (DOCS / "rules.md").read_text("utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", RULES, re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=[p.name for p in PAGES])
def test_every_link_leads_somewhere(page):
    for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
        assert (page.parent / link).exists(), link


def test_the_example_rule_and_aggregate_pass_their_tests(tmp_path):
    rule, rule_test, aggregate, aggregate_test = BLOCKS[:4]
    head = rule[: rule.index("logsource")].replace("00000000", "00000001")
    block = "exopsy: {behaviour: P01, subject: [AuthenticatedUser], innocent: [x], next: y}\n"
    tables = re.sub(r" {5,}#.*| {3,}#.*", "", aggregate)
    for name, text in {
        "detections/discovery/httpproxy_example.yml": rule,
        "detections/discovery/httpproxy_example.test.yml": rule_test,
        "aggregates/example.yml": f"{head}level: medium\n{block}{tables}",
        "aggregates/example.test.yml": aggregate_test,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    loaded = load_rules((tmp_path,), formats=FORMATS)
    assert loaded.errors == ()
    assert (len(loaded.rules.rules), len(loaded.rules.aggregates)) == (1, 1)
    assert run_tests([tmp_path]) == (3, [])


def test_the_example_correlation_and_filter_can_be_used():
    rule, _, _, _, correlation, sieve = (yaml.safe_load(block) for block in BLOCKS)
    linked = load_correlations(
        [(correlation, "correlation.yml")],
        [("1", "many_failed_logons"), ("2", "logon")],
    )
    assert linked.errors == ()
    assert linked.correlations[0].timespan_seconds == 3600
    web = {**rule, "id": sieve["filter"]["rules"][0], "logsource": {"category": "webserver"}}
    filtered = apply_filters([(web, "rule.yml")], [(sieve, "filter.yml")])
    assert filtered.errors == ()
    assert filtered.applied == {"rule.yml": ("filter.yml",)}


SELF_EXPLAINING = {"format", "version", "name", "exchange_build", "build_basis", "clock_skew_s"}


def test_every_part_of_a_case_is_in_its_guide():
    guide = (DOCS / "case-document.md").read_text("utf-8")
    for part in (CaseDocument, Host):
        names = {f.encode_name for f in msgspec.structs.fields(part)} - SELF_EXPLAINING
        assert {name for name in names if f"`{name}`" not in guide} == set()


def test_the_guides_queries_name_fields_that_exist():
    guide = (DOCS / "case-document.md").read_text("utf-8")
    golden = Path(__file__).parent / "data" / "golden" / "case.json"
    case = json.loads(golden.read_bytes())
    assert {"kind", "path", "first_use", "requests"} <= set(case["hosts"][0]["backdoors"][0])
    assert "jq -r '.hosts[].backdoors[] | [.kind, .path, .first_use, .requests]" in guide
    assert case["findings"][0]["evidence"][0]["text_b64"]
