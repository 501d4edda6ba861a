"""``exopsy rules``: list, lint and test detection rules."""

from __future__ import annotations

import argparse
import sys

from exopsy.cli.table import print_table
from exopsy.core.errors import ContentError
from exopsy.core.exit_code import ExitCode
from exopsy.reports.escape import visible


def run_list(arguments: argparse.Namespace) -> int:
    """List what each rule means."""
    from exopsy.pipeline.commands import list_rules

    rules = list_rules(arguments.folders)
    print_table(
        ("level", "status", "about", "grades", "title", "id"),
        [
            (
                rule.level,
                rule.status,
                rule.chain or rule.behaviour or "",
                ", ".join(rule.grades),
                rule.title,
                rule.id,
            )
            for rule in rules
        ],
        widest=80,
    )
    print(f"({len(rules)} rules)")
    return ExitCode.NO_EVIDENCE_FOUND


def run_lint(arguments: argparse.Namespace) -> int:
    """Check rules for mistakes."""
    from exopsy.pipeline.commands import lint_rules

    return _outcome(lint_rules(arguments.folders), "No mistake found in the rules.")


def run_test(arguments: argparse.Namespace) -> int:
    """Run the tests that lie beside the rules."""
    from exopsy.pipeline.commands import test_rules

    passed, failures = test_rules(arguments.folders)
    return _outcome(failures, f"All {passed} cases of the rules' tests passed.")


def _outcome(problems: list[ContentError], else_say: str) -> int:
    if not problems:
        print(else_say)
        return ExitCode.NO_EVIDENCE_FOUND
    for problem in problems:
        print(visible(str(problem), 2_000), file=sys.stderr)
    count = len(problems)
    print(f"exopsy: {count} problem{'' if count == 1 else 's'}", file=sys.stderr)
    return ExitCode.UNUSABLE_CONTENT
