"""A case document -> ``report.html``: one file that needs nothing else and runs nothing.

No script, no link out, a content security policy that allows only the page's own style sheet. Every
printed value is escaped twice over: made visible (control and direction characters), then for HTML.
The page has an upper size whatever the case holds; what is left out is counted.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from exopsy.reports import words
from exopsy.reports.days import calendar, moment, runs_text, span
from exopsy.reports.escape import visible, visible_bytes
from exopsy.schema.case import (
    CONCLUSIONS,
    GRADES,
    LEVELS,
    CaseDocument,
    Conclusion,
    Coverage,
    Effect,
    Evidence,
    Finding,
    Host,
)

MOST_BYTES = 5_000_000
_TEMPLATES = Path(__file__).parent / "templates"
_ROUNDS = (300, 100, 30, 10, 3)
"""How long a list may be, all servers together; the first that keeps the page in bounds wins."""
_MOST_HOSTS = 50
_LONGEST = 1_000
_LONGEST_RECORD = 2_000
_MOST_DAYS = 400
_TONES: dict[Conclusion, str] = {
    "compromised": "bad",
    "exploited": "bad",
    "suspicious": "warn",
    "attempted": "warn",
    "inconclusive": "warn",
    "no-evidence-found": "calm",
}


def render_html(case: CaseDocument, cache: Path | None = None) -> str:
    """Write the report; less than ``MOST_BYTES`` of UTF-8 whatever the case.

    Args:
        case: what to report.
        cache: folder for the compiled template, which costs more to make than the page.
    """
    page = ""
    for most in _ROUNDS:
        page = _render(case, most, cache)
        if len(page.encode()) < MOST_BYTES:
            break
    return page


def _render(case: CaseDocument, most: int, cache: Path | None) -> str:
    hosts = sorted(case.hosts, key=lambda host: -CONCLUSIONS.index(host.verdict.conclusion))
    hosts = hosts[: min(_MOST_HOSTS, most)]
    style = (_TEMPLATES / "report.css").read_text("utf-8")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return _template(cache).render(
        case=case,
        hosts=hosts,
        findings=_weightiest(case.findings, most),
        artifacts=case.artifacts[: 2 * most],
        most=max(3, most // max(1, len(hosts))),
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=f"sha256-{digest}",
        options=msgspec.json.encode(case.tool.options, order="sorted").decode(),
    )


@cache
def _template(cache: Path | None) -> Template:
    environment = Environment(
        bytecode_cache=_bytecode(cache),
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        words=words,
        log_name=words.log_name,
        moment=moment,
        span=span,
        calendar=lambda days: calendar(days, _MOST_DAYS),
        days_of=lambda entry, state: runs_text(d for d, s in entry.days.items() if s == state),
        lost=_lost,
        skipped=_skipped,
        subject=_subject,
        impact=_impact,
        record=_record,
        tone=_TONES.__getitem__,
    )
    return environment.get_template("report.html.j2")


def _bytecode(cache: Path | None) -> FileSystemBytecodeCache | None:
    if cache is None:
        return None
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return FileSystemBytecodeCache(str(cache), "report-%s.cache")


def _finalize(value: object) -> object:
    if isinstance(value, Markup):  # from a macro, whose parts came through here
        return value
    if value is None:
        return ""
    if isinstance(value, _Record):
        return str(value)
    return visible(str(value), _LONGEST)


class _Record(str):
    """A raw record that is already visible, and may be longer than other text."""

    __slots__ = ()


def _record(evidence: Evidence) -> str:
    try:
        data = b64decode(evidence.text_b64, validate=True)
    except (binascii.Error, ValueError):
        return "(damaged in case.json)"
    return _Record(visible_bytes(data, _LONGEST_RECORD))


def _weightiest(findings: list[Finding], most: int) -> list[Finding]:
    """Return the findings that weigh most, in the order of the case."""
    weights = sorted(
        findings, key=lambda f: (-GRADES.index(f.grade), -LEVELS.index(f.level), f.first_seen)
    )
    kept = {id(finding) for finding in weights[:most]}
    return [finding for finding in findings if id(finding) in kept]


def _impact(host: Host, name: str) -> list[Effect]:
    effects: list[Effect] = getattr(host.impact, name)
    return effects


def _lost(entry: Coverage) -> str:
    """Say how many bytes were no usable record, by class."""
    names = {"nul": "empty", "cut": "torn", "undecodable": "not text", "unread": "not read"}
    return ", ".join(
        f"{entry.classes[name]} bytes {word}"
        for name, word in names.items()
        if entry.classes.get(name)
    )


def _skipped(entry: Coverage) -> str:
    return ", ".join(f"{count} ({why})" for why, count in sorted(entry.skipped.items())[:8])


def _subject(finding: Finding) -> Iterator[tuple[str, str]]:
    yield from list(finding.subject.items())[:8]
