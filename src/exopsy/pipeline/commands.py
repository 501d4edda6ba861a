"""What the smaller commands of the command line need of several rooms at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from exopsy.core.content import CONTENT
from exopsy.core.errors import ContentError
from exopsy.schema.case import Exposure
from exopsy.schema.rule import RuleInfo


def lint_rules(folders: Sequence[Path]) -> list[ContentError]:
    """Return everything that is wrong with the rules of the folders (ours when none is given)."""
    from exopsy.detection.lint import lint
    from exopsy.evidence.registry import FORMATS

    return lint(folders or (CONTENT,), FORMATS)


def test_rules(folders: Sequence[Path]) -> tuple[int, list[ContentError]]:
    """Run the tests beside the rules; return passed cases and failures."""
    from exopsy.pipeline.rule_tests import run_rule_tests

    return run_rule_tests(folders or (CONTENT,))


def list_rules(folders: Sequence[Path]) -> list[RuleInfo]:
    """Return the meaning of every rule, highest level first.

    Raises:
        ContentError: the first rule that can't be loaded.
    """
    from exopsy.detection.load import default_cache, load_rules
    from exopsy.evidence.registry import FORMATS
    from exopsy.schema.case import LEVELS

    loaded = load_rules(folders or (CONTENT,), formats=FORMATS, cache=default_cache())
    if loaded.errors:
        raise loaded.errors[0]
    infos = loaded.rules.infos().values()
    return sorted(infos, key=lambda i: (-LEVELS.index(i.level), i.chain or "", i.title, i.id))


def exposure_of(build: str, day: date | None) -> list[Exposure]:
    """Return which holes a build had open, on a day or at all."""
    from exopsy.exposure.assess import assess
    from exopsy.exposure.builds import load_facts

    facts = load_facts(CONTENT / "facts")
    seen = (day or date.max).isoformat()
    return assess({seen: build}, facts=facts, cves=sorted(facts.cves), since=day, until=day)
