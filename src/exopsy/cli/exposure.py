"""``exopsy exposure``: a build of Exchange -> the holes it has open, and what closes them."""

from __future__ import annotations

import argparse

from exopsy.cli.table import print_table
from exopsy.core.exit_code import ExitCode
from exopsy.reports.words import STATES
from exopsy.schema.case import Exposure

_ORDER = ("vulnerable", "presumed-vulnerable", "needs-config-check", "patched", "not-affected")
_CLOSED = ("patched", "not-affected")


def run(arguments: argparse.Namespace) -> int:
    """List the exposure of a build, open holes first."""
    from exopsy.pipeline.commands import exposure_of

    found = exposure_of(arguments.build, arguments.date)
    shown = [entry for entry in found if arguments.all or entry.state not in _CLOSED]
    shown.sort(key=lambda entry: (_ORDER.index(entry.state), entry.cve))
    print_table(("hole", "state", "closed by"), [_row(entry) for entry in shown], widest=100)
    print(f"({len(shown)} holes)")
    if len(shown) < len(found):
        print(f"{len(found) - len(shown)} more are closed or never concerned it: --all lists them.")
    return ExitCode.NO_EVIDENCE_FOUND


def _row(entry: Exposure) -> tuple[str, str, str]:
    return entry.cve, STATES[entry.state], entry.fixed_in
