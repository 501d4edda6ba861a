from __future__ import annotations

from datetime import datetime
from typing import Any

from exopsy.pipeline.findings import number_findings, to_finding
from exopsy.schema.rule import RuleInfo

INFO = RuleInfo(
    id="r",
    title="t",
    level="high",
    chain="proxylogon",
    techniques=("T1190",),
    innocent=("a probe",),
    next="look",
)


def made(**more: Any) -> dict[str, Any]:
    """Return a row of the query for findings."""
    return {
        "host": "EX01",
        "log": "iis-w3c",
        "subject": '{"c-ip":"192.0.2.7"}',
        "grade": "attempt",
        "count": 2,
        "first_seen": datetime(2021, 3, 3, 4, 5, 6, 789000),  # noqa: DTZ001 - tables hold no zone
        "last_seen": datetime(2021, 3, 3, 5, 5, 6),  # noqa: DTZ001
        "samples": [
            {"time": 2, "artifact": "b", "offset": 1, "line": 1, "raw": "Yg=="},
            {"time": 1, "artifact": "a", "offset": 9, "line": 2, "raw": None},
        ],
        "request_ids": [],
        "folded": 0,
        **more,
    }


def test_a_finding_says_what_matched_and_where_to_look() -> None:
    found = to_finding(INFO, made(request_ids=["x"]))
    assert (found.first_seen, found.last_seen) == (
        "2021-03-03T04:05:06.789Z",
        "2021-03-03T05:05:06Z",
    )
    assert found.subject == {"c-ip": "192.0.2.7"}
    assert [(e.artifact, e.text_b64) for e in found.evidence] == [("a", ""), ("b", "Yg==")]
    assert (found.chain, found.techniques, found.next) == ("proxylogon", ["T1190"], "look")
    assert found.keys == {"request_id": ["x"]}
    assert to_finding(INFO, made()).keys == {}


def test_the_key_is_made_of_content_alone() -> None:
    key = to_finding(INFO, made()).key
    assert to_finding(INFO, made(count=3, samples=[], last_seen=datetime(2022, 1, 1))).key == key  # noqa: DTZ001
    for other in ({"host": "EX02"}, {"grade": "use"}, {"subject": "{}"}):
        assert to_finding(INFO, made(**other)).key != key


def test_findings_are_numbered_in_one_order_only() -> None:
    rows = [made(), made(grade="success"), made(host="EX00"), made(subject="{}")]
    findings = [to_finding(INFO, row) for row in rows]
    first = [f.key for f in number_findings(findings, {})]
    assert [f.key for f in number_findings(reversed(findings), {})] == first
    assert findings[2].id == "F1"
    assert findings[1].id == "F4"
    assert all(e.sha256 is None for f in findings for e in f.evidence)
