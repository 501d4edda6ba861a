"""The shipped detections: lints, their own tests, and one real line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from exopsy.core.content import CONTENT
from exopsy.detection.lint import lint
from exopsy.detection.load import load_rules
from exopsy.detection.matcher import Matcher, RowView
from exopsy.evidence import registry
from exopsy.pipeline.rule_tests import run_rule_tests
from exopsy.schema.row import Row

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples" / "exchange-logs"


@pytest.fixture(scope="module")
def rules():
    loaded = load_rules([CONTENT], formats=registry.RULE_FORMATS)
    assert not loaded.errors
    return loaded.rules


def test_every_rule_passes_the_lints() -> None:
    assert lint([CONTENT], registry.RULE_FORMATS, registry.FILE_NAMES) == []


def test_every_rule_passes_its_own_tests() -> None:
    passed, failures = run_rule_tests([CONTENT])
    assert not failures
    assert passed > 200


def test_no_two_rules_have_one_title_in_one_log(rules) -> None:
    named = [(rule.log, rule.info.title) for rule in rules.rules]
    assert len(named) == len(set(named))


def test_daily_administration_stays_below_medium(rules) -> None:
    """What administrators and users do every day must not move a verdict."""
    daily = {
        "mailbox_export", "inbox_rule_forwards", "mailbox_forwarding_set", "mail_flow_copied",
        "mailbox_permission_granted", "sensitive_role_granted", "mailbox_search",
        "organization_management_member_added", "transport_agent_installed", "mailbox_audit_off",
        "exchange_certificate_exported", "export_request_removed",
    }  # fmt: skip
    found = {
        Path(r.at).stem.partition("_")[2]: r.info.level
        for r in rules.rules
        if Path(r.at).stem.partition("_")[2] in daily
    }
    assert found == dict.fromkeys(daily, "low")


def _matches(rules, row: Row) -> dict[str, str]:
    view = RowView(row)
    found = {}
    for rule in rules.rules:
        grade = Matcher(rule, rules.lists).match(view) if rule.log == row.log else None
        if grade is not None:
            found[Path(rule.at).stem] = str(grade)
    return found


def _iis(line: bytes) -> Row:
    spec = registry.spec_of("iis-w3c")
    head = (
        b"#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip "
        b"cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n"
    )
    import io

    items = list(
        registry.load(spec).parse(io.BytesIO(head + line + b"\r\n"), artifact="u.log", host="EX01")
    )
    assert len(items) == 1
    assert isinstance(items[0], Row)
    return items[0]


def test_a_web_shells_command_is_a_use(rules) -> None:
    # the shape of a published shell hit: raw spaces in the user agent
    row = _iis(
        b"2023-12-25 11:54:21 192.0.2.5 GET /owa/auth/aKdMadOeT.aspx cmd=whoami 443 - 198.51.100.7 "
        b"Mozilla/5.0+Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/522.36 - 200 0 0 142"
    )
    assert row.timestamp == datetime(2023, 12, 25, 11, 54, 21, tzinfo=UTC)
    assert _matches(rules, row) == {"web_unknown_page_command": "use"}


def test_the_public_shell_hit_is_found(rules) -> None:
    path = SAMPLES / "01.log"
    if not path.is_file():
        pytest.skip("needs the public sample exchange-logs/01.log beside the checkout")
    line = path.read_bytes().strip().splitlines()[-1]
    assert _matches(rules, _iis(line)) == {"web_unknown_page_command": "use"}
