"""``exopsy rules``: list, lint and test detection rules, and say which can run."""

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


def run_coverage(arguments: argparse.Namespace) -> int:
    """Say which rules can run on which records, and why others can't."""
    from exopsy.pipeline.commands import rules_coverage

    found = rules_coverage(arguments.folders)
    print_table(
        ("log", "records", "rules", "left out there"),
        [(r.log, r.records, str(r.rules), str(r.left_out or "")) for r in found.records],
    )
    print()
    if found.reasons:
        print_table(
            ("rules", "can't run because"),
            [(str(count), why) for why, count in found.reasons],
            widest=100,
        )
        print()
    print(
        f"{found.can_run} rules can run, {found.unmapped} can't, {found.not_selected} are not"
        f" wanted; {found.handed} correlations and filters; {found.no_rules} files hold no rule."
    )
    return _outcome(found.errors, "No mistake found in the rules.")


def _outcome(problems: list[ContentError], else_say: str) -> int:
    if not problems:
        print(else_say)
        return ExitCode.NO_EVIDENCE_FOUND
    for problem in problems:
        print(visible(str(problem), 2_000), file=sys.stderr)
    count = len(problems)
    print(f"exopsy: {count} problem{'' if count == 1 else 's'}", file=sys.stderr)
    return ExitCode.UNUSABLE_CONTENT
