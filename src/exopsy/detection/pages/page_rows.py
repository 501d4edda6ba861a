"""A page's report and YARA matches -> flat text fields, as rules see them."""

from __future__ import annotations

from collections.abc import Sequence

from exopsy.detection.pages import sinks
from exopsy.detection.pages.page_report import LEVELS, PageReport
from exopsy.detection.pages.yara_rules import YaraMatch

_LIMIT = 2_000
PAGE_FIELDS = (
    "Score", "Level", "Reasons", "ReasonNames", "Sinks", "Sources", "Tricks", "Language", "Encoding",
    "Includes", "Decoded", "FirstLine", "Cut", "Yara", "YaraLevel", "YaraTitles",
)  # fmt: skip
"""Every field that ``page_fields`` may give."""


def page_fields(report: PageReport, yara: Sequence[YaraMatch]) -> dict[str, str]:
    """Return fields of a row; what there is nothing to say of is left out.

    ``Sinks`` names what data of the request reaches, ``ReasonNames`` everything that weighs; lists
    are joined by a comma and a blank. ``Score`` has three digits, so that texts compare as numbers do.
    """
    reasons = report.reasons
    reached = [r.name for r in reasons if r.sources and r.name in sinks.KINDS]
    fields = {
        "Score": f"{report.score:03d}",
        "Level": report.level,
        "Reasons": "; ".join(f"{r.text} (line {r.line}, {r.weight})" for r in reasons[:8]),
        "ReasonNames": _listed(r.name for r in reasons),
        "Sinks": _listed(reached),
        "Sources": _listed(word for r in reasons for word in r.sources),
        "Tricks": _listed(report.tricks),
        "Language": report.language,
        "Encoding": report.encoding if report.encoding not in ("", "ascii", "utf-8") else "",
        "Includes": _listed(report.includes),
        "Decoded": " | ".join(report.layers[:4]),
        "FirstLine": str(reasons[0].line) if reasons else "",
        "Cut": report.cut,
        "Yara": _listed(m.rule for m in yara),
        "YaraLevel": _highest(yara),
        "YaraTitles": "; ".join(dict.fromkeys(str(m.meta.get("title", m.rule)) for m in yara)),
    }
    return {name: value[:_LIMIT] for name, value in fields.items() if value}


def _listed(names: object) -> str:
    assert hasattr(names, "__iter__")
    return ", ".join(dict.fromkeys(str(name) for name in names))


def _highest(yara: Sequence[YaraMatch]) -> str:
    """Return the highest level that a matching rule states; a rule that states none is medium."""
    if not yara:
        return ""
    stated = [str(m.meta.get("level", "medium")).lower() for m in yara]
    return max((s if s in LEVELS else "medium" for s in stated), key=LEVELS.index)
