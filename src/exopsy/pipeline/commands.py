"""What the smaller commands of the command line need of several rooms at once."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec

from exopsy.core.content import CONTENT
from exopsy.core.errors import ContentError
from exopsy.schema.exposure import BuildExposure
from exopsy.schema.rule import RuleInfo


def lint_rules(folders: Sequence[Path]) -> list[ContentError]:
    """Return everything that is wrong with the rules of the folders (ours when none is given)."""
    from exopsy.detection.lint import lint
    from exopsy.evidence.registry import FILE_NAMES, RULE_FORMATS

    return lint(folders or (CONTENT,), RULE_FORMATS, FILE_NAMES)


def test_rules(folders: Sequence[Path]) -> tuple[int, list[ContentError]]:
    """Run the tests beside the rules; return passed cases and failures."""
    from exopsy.pipeline.rule_tests import run_rule_tests

    return run_rule_tests(folders or (CONTENT,))


class RecordsCoverage(msgspec.Struct, frozen=True):
    """How many rules are looked for in one kind of records."""

    log: str
    records: str
    rules: int
    left_out: int
    """Rules of that log source which these records can't answer."""


class RulesCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """Which rules of some folders can run, and why others can't."""

    records: tuple[RecordsCoverage, ...]
    reasons: tuple[tuple[str, int], ...]
    """Why rules can't run, and how many for that; the commonest first."""
    can_run: int
    unmapped: int
    not_selected: int
    handed: int
    no_rules: int
    errors: list[ContentError]


def rules_coverage(folders: Sequence[Path]) -> RulesCoverage:
    """Count which rules can run on which records (ours when no folder is given)."""
    from exopsy.detection.load import default_cache, load_rules
    from exopsy.evidence.registry import RULE_FORMATS

    workers = min(4, os.cpu_count() or 1)
    loaded = load_rules(
        folders or (CONTENT,), formats=RULE_FORMATS, cache=default_cache(), workers=workers
    )
    runs: Counter[tuple[str, str]] = Counter()
    left_out: Counter[tuple[str, str]] = Counter()
    for rule in loaded.rules.rules:
        runs.update((rule.log, kind) for kind in rule.reads or ("every record",))
        left_out.update((rule.log, text.partition(": ")[0]) for text in rule.left_out)
    return RulesCoverage(
        records=tuple(
            RecordsCoverage(log, kind, runs[log, kind], left_out[log, kind])
            for log, kind in sorted({*runs, *left_out})
        ),
        reasons=tuple(
            sorted(
                Counter(found.why for found in loaded.unmapped).items(),
                key=lambda item: (-item[1], item[0]),
            )
        ),
        can_run=len(loaded.rules.rules),
        unmapped=len(loaded.unmapped),
        not_selected=sum(loaded.not_selected.values()),
        handed=len(loaded.handed),
        no_rules=len(loaded.no_rules),
        errors=list(loaded.errors),
    )


def list_rules(folders: Sequence[Path]) -> list[RuleInfo]:
    """Return the meaning of every rule, highest level first.

    Raises:
        ContentError: the first rule that can't be loaded.
    """
    from exopsy.detection.load import default_cache, load_rules
    from exopsy.evidence.registry import RULE_FORMATS
    from exopsy.schema.case import LEVELS

    loaded = load_rules(folders or (CONTENT,), formats=RULE_FORMATS, cache=default_cache())
    if loaded.errors:
        raise loaded.errors[0]
    infos = loaded.rules.infos().values()
    return sorted(infos, key=lambda i: (-LEVELS.index(i.level), i.chain or "", i.title, i.id))


def exposure_of(build: str, day: date | None) -> BuildExposure:
    """Return which holes a build has, by number or name.

    Raises:
        ValueError: no build is named; a sentence for the analyst.
    """
    from exopsy.exposure.builds import load_facts
    from exopsy.exposure.of_build import expose

    return expose(build, facts=load_facts(CONTENT / "facts"), day=day)
