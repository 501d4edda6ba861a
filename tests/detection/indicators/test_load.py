"""Every format is told by its content, and every entry is taken or counted by reason."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exopsy.core.errors import ContentError
from exopsy.detection.indicators.content import load_vocabulary
from exopsy.detection.indicators.load import load_indicators
from exopsy.detection.indicators.reader import ReadOptions
from exopsy.detection.indicators.values import REASONS

SHA = "b" * 64


def load(tmp_path, content, name="given.txt", **options):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    made = load_indicators([path], ReadOptions(**options))
    (report,) = made.sources
    assert report.entries == report.taken + sum(report.refused.values())
    assert report.taken == len(made)
    assert set(report.refused) <= set(REASONS)
    assert set(report.examples) == set(report.refused)
    return [(i.kind, i.value) for i in map(made.indicator, range(len(made)))], report, made


def test_a_plain_list(tmp_path):
    text = "# a list\n203[.]0[.]113[.]5\n\nevil.example # why\nlocalhost\nevil.example\nabc.d x y\n"
    found, report, made = load(tmp_path, text)
    assert found == [("address", "203.0.113.5"), ("domain", "evil.example")]
    assert report.refused == {"single-label": 1, "duplicate": 1, "unknown-kind": 1}
    assert report.examples["single-label"] == "line 5: localhost"
    assert made.indicator(1).line == 4
    assert report.sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_line_ends_and_encodings_of_windows(tmp_path):
    text = "evil.example\r\n203.0.113.5\r\n"
    for content in (text.encode("utf-8-sig"), text.encode("utf-16")):
        assert len(load(tmp_path, content)[0]) == 2


def test_a_table_with_types(tmp_path):
    text = (
        '"type","indicator","comment","confidence"\n'
        f'"ip-dst|port","203.0.113.7","x","90"\nsha256,{SHA},y,\nregkey,HKLM,z,\n'
        '"ip:port","203.0.113.8:443",,\n'
    )
    found, report, made = load(tmp_path, text, "x.csv")
    assert found == [("address", "203.0.113.7"), ("sha256", SHA), ("address", "203.0.113.8")]
    assert report.refused == {"unsupported-type": 1}
    assert (made.indicator(0).details.label, made.indicator(0).details.confidence) == ("x", "90")


def test_a_table_with_a_column_for_each_kind(tmp_path):
    text = f"SHA256;FileName;Domain\n{SHA};shell1.aspx;\n;;evil.example\n;;\n"
    found, report, _ = load(tmp_path, text, "x.csv")
    assert found == [("sha256", SHA), ("file-name", "shell1.aspx"), ("domain", "evil.example")]
    assert report.format == "csv"


def test_a_header_in_a_comment_and_one_row_that_looks_like_a_header(tmp_path):
    text = '# feed\n# "first_seen_utc","ioc_value","ioc_type"\n"2021-01-01","203.0.113.8:443","ip:port"\n'
    found, _, made = load(tmp_path, text, "x.csv")
    assert found == [("address", "203.0.113.8")]
    assert made.indicator(0).details.valid_from == "2021-01-01"


def test_a_table_without_a_header(tmp_path):
    text = "203.0.113.8,2021-03-03,bad thing\n203.0.113.9,2021-03-03,another thing\n10.0.0.1,x,y\n"
    found, report, made = load(tmp_path, text)
    assert found == [("address", "203.0.113.8"), ("address", "203.0.113.9")]
    assert report.refused == {"private-address": 1}
    assert made.indicator(1).details.label == "another thing"


def test_one_column_with_a_name(tmp_path):
    assert load(tmp_path, "domain\nevil.example\n")[0] == [("domain", "evil.example")]


def bundle(*objects):
    return json.dumps({"type": "bundle", "id": "bundle--1", "objects": objects})


def indicator(pattern, **more):
    return {"type": "indicator", "id": "indicator--1", "pattern": pattern, **more}


def test_a_stix_bundle(tmp_path):
    tlp = {
        "type": "marking-definition",
        "id": "marking-definition--1",
        "definition": {"tlp": "red"},
    }
    first = indicator(
        f"[ipv4-addr:value = '203.0.113.9' AND file:hashes.'SHA-256' = '{SHA}']",
        name="n",
        confidence=85,
        object_marking_refs=["marking-definition--1"],
        valid_until="2021-06-01T00:00:00Z",
    )
    second = indicator("[domain-name:value LIKE '%.evil.example']", revoked=True)
    third = indicator("alert tcp any", pattern_type="snort")
    fourth = indicator("[windows-registry-key:key = 'x']")
    content = bundle(first, second, third, fourth, indicator("[nonsense"), tlp, 5)
    found, report, made = load(tmp_path, content, now=datetime(2022, 1, 1, tzinfo=UTC))
    assert found == [("address", "203.0.113.9"), ("sha256", SHA), ("domain", "evil.example")]
    details = made.indicator(0).details
    assert (details.id, details.label, details.confidence) == ("indicator--1", "n", "85")
    assert (details.tlp, details.state) == ("red", "expired")
    assert made.indicator(2).details.state == "revoked"
    assert report.refused == {
        "unsupported-pattern": 1,
        "unsupported-type": 1,
        "bad-pattern": 1,
        "bad-entry": 1,
    }
    assert report.notes["pattern: AND left out, each comparison stands for itself"] == 1
    assert report.notes["objects that are no indicators"] == 1


def test_a_misp_event(tmp_path):
    event = {
        "info": "I",
        "date": "2021-03-01",
        "Tag": [{"name": "tlp:amber"}],
        "Attribute": [
            {"type": "filename|sha256", "value": f"bad.aspx|{SHA}", "to_ids": True, "uuid": "u"},
            {"type": "ip-dst|port", "value": "203.0.113.5|443", "to_ids": True},
            {"type": "ip-src", "value": "203.0.113.77", "to_ids": False},
            {"type": "regkey", "value": "x", "to_ids": True},
            {"type": 5},
        ],
        "Object": [
            {"name": "file", "Attribute": [{"type": "md5", "value": "d" * 32, "to_ids": 1}]}
        ],
    }
    for content in ({"Event": event}, [{"Event": event}], {"response": [{"Event": event}]}):
        found, report, made = load(tmp_path, json.dumps(content))
        assert found == [
            ("file-name", "bad.aspx"),
            ("sha256", SHA),
            ("address", "203.0.113.5"),
            ("md5", "d" * 32),
        ]
        assert report.refused == {
            "not-for-detection": 1,
            "unsupported-type": 1,
            "bad-entry": 1,
        }
        assert made.indicator(3).details.label == "I (file)"
        assert made.indicator(0).details.tlp == "amber"
    found, _, _ = load(tmp_path, json.dumps({"Event": event}), all_attributes=True)
    assert ("address", "203.0.113.77") in found


@pytest.mark.parametrize(
    "content", ["{", '{"a": 1}', "[" * 100_000, '{"objects": 5}', '{"objects":' * 9_000]
)
def test_json_of_another_kind_is_an_error_that_says_what_to_do(tmp_path, content):
    with pytest.raises(ContentError) as caught:
        load(tmp_path, content)
    assert "given.txt" in str(caught.value)
    assert "STIX" in caught.value.remedy


def test_a_missing_file_and_one_too_large_are_errors(tmp_path):
    with pytest.raises(ContentError, match="not a file"):
        load_indicators([tmp_path / "none.txt"])
    with pytest.raises(ContentError, match="larger"):
        load(tmp_path, "x" * 100, most_bytes=99)


def test_what_is_over_the_limit_is_counted(tmp_path):
    text = "".join(f"203.0.113.{n}\n" for n in range(9))
    found, report, _ = load(tmp_path, text, most_indicators=4)
    assert len(found) == 4
    assert report.refused == {"too-many": 5}


def test_a_line_without_end_costs_no_memory(tmp_path):
    found, report, _ = load(tmp_path, "x" * 300_000 + "\nevil.example\n")
    assert found == [("domain", "evil.example")]
    assert report.refused == {"too-long": 1}


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.one_of(st.binary(max_size=300), st.text("{}[]\":,;|#.\n=/ '", max_size=200).map(str.encode))
)
def test_no_file_breaks_a_reader(tmp_path, content):
    try:
        load(tmp_path, content)
    except ContentError as error:
        assert str(error).startswith(str(tmp_path))


def test_a_kept_set_is_the_same(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("evil.example\n203.0.113.0/24\nsh ell.aspx\n10.0.0.1\n")
    first = load_indicators([path], cache=tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    second = load_indicators([path], cache=tmp_path / "cache")
    assert [second.indicator(n) for n in range(3)] == [first.indicator(n) for n in range(3)]
    assert (second.needs, second.networks, second.sources) == (
        first.needs,
        first.networks,
        first.sources,
    )
    assert second.numbers.tolist() == first.numbers.tolist()
    kept.write_bytes(kept.read_bytes()[:200])
    assert len(load_indicators([path], cache=tmp_path / "cache")) == 3
    path.write_text("other.example\n")
    assert load_indicators([path], cache=tmp_path / "cache").value(0) == "other.example"
    load_indicators([path], ReadOptions(allow_private=True), cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_the_hashes_of_nothing_are_right():
    too_general = load_vocabulary().too_general
    for name in ("md5", "sha1", "sha256", "sha512"):
        assert f"{name}:{hashlib.new(name).hexdigest()}" in too_general
