"""A small vocabulary for hand-made findings and activities."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from exopsy.core.clock import format_utc
from exopsy.correlation.story import correlate
from exopsy.schema.activity import Activity
from exopsy.schema.case import Finding
from exopsy.schema.chain import ChainSpec, ChainStep
from exopsy.schema.rule import RuleInfo
from exopsy.schema.story import Story

HOST = "EX01"
START = datetime(2021, 3, 3, 4, 0, 0, tzinfo=UTC)
SHELL = "/aspnet_client/shell.aspx"
ON_DISK = r"\\127.0.0.1\c$\inetpub\wwwroot\aspnet_client\shell.aspx"
WEB_ROOTS = [("inetpub\\wwwroot\\", "/"), ("FrontEnd\\HttpProxy\\owa\\", "/owa/")]
RULES = {
    rule.id: rule
    for rule in (
        RuleInfo(id="door", title="Door opened", level="high", chain="c", step="door",
                 techniques=("T1190",)),
        RuleInfo(id="plant", title="File written by cmdlet", level="high", chain="c", step="write",
                 backdoor_kind="web-shell", backdoor_field="file", techniques=("T1505.003",)),
        RuleInfo(id="shell", title="Shell used", level="high", backdoor_kind="web-shell",
                 backdoor_field="cs-uri-stem", impact="lateral_movement"),
        RuleInfo(id="mailrule", title="Mail forwarded", level="high", backdoor_kind="mail-rule",
                 backdoor_field="rule", impact="mail_access"),
        RuleInfo(id="faint", title="Odd", level="low"),
    )
}  # fmt: skip
CHAIN = ChainSpec(
    chain="c",
    name="A chain",
    cves=("CVE-2099-0001",),
    published=START.date(),
    steps=(
        ChainStep(step="door", title="Door", logs=("iis-w3c",)),
        ChainStep(step="write", title="Write", logs=("exchange-rps-cmdlet",)),
        ChainStep(step="file", title="File", logs=("exchange-oab-generator",)),
    ),
)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def row(minutes: float, client: str = "", rule: str = "", grade: str = "", **more: Any) -> Activity:
    """One row; ``rule`` and ``grade`` say what it matched."""
    row.count += 1  # type: ignore[attr-defined]
    fields: dict[str, Any] = {"log": "iis-w3c", "artifact": "u_ex.log", "host": HOST}
    fields["offset"] = row.count * 100  # type: ignore[attr-defined]
    fields["line"] = row.count  # type: ignore[attr-defined]
    if fields["log"] == more.get("log", "iis-w3c"):
        fields["site"] = "W3SVC1"
    fields |= more
    return Activity(
        time=at(minutes), client=client, rule_ids=(rule,) if rule else (),
        grades=(grade,) if grade else (), **fields,
    )  # fmt: skip


row.count = 0  # type: ignore[attr-defined]


def hit(
    minutes: float, client: str, status: int = 200, method: str = "POST", **more: Any
) -> Activity:
    """A request to the shell."""
    more.setdefault("stem", SHELL)
    return row(minutes, client, status=status, method=method, **more)


def finding(
    rule: str, grade: str, minutes: float, until: float | None = None, **more: Any
) -> Finding:
    info = RULES[rule]
    number = more.pop("number", 1)
    fields: dict[str, Any] = {
        "id": f"F{number}", "key": f"k{number}", "rule_id": rule, "title": info.title,
        "level": info.level, "grade": grade, "chain": info.chain, "host": HOST, "log": "iis-w3c",
        "techniques": list(info.techniques), "count": 1,
        "first_seen": format_utc(at(minutes)),
        "last_seen": format_utc(at(minutes if until is None else until)),
    }  # fmt: skip
    return Finding(**(fields | more))


def used(minutes: float = 60, number: int = 1, **more: Any) -> Finding:
    """The finding that makes the shell a backdoor."""
    more.setdefault("subject", {"cs-uri-stem": SHELL})
    return finding("shell", "use", minutes, number=number, **more)


def story(findings: list[Finding], activities: list[Activity], **more: Any) -> Story:
    more.setdefault("rules", RULES)
    more.setdefault("chains", [CHAIN])
    more.setdefault("web_roots", WEB_ROOTS)
    return correlate(HOST, findings=findings, activities=activities, **more)


@pytest.fixture
def lab() -> SimpleNamespace:
    names: dict[str, Callable[..., Any] | Any] = {
        "at": at, "row": row, "hit": hit, "finding": finding, "used": used, "story": story,
        "RULES": RULES, "CHAIN": CHAIN, "SHELL": SHELL, "ON_DISK": ON_DISK, "HOST": HOST,
        "WEB_ROOTS": WEB_ROOTS,
    }  # fmt: skip
    return SimpleNamespace(**names)
