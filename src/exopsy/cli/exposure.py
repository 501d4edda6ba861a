"""``exopsy exposure``: a build of Exchange -> the holes it had open."""

from __future__ import annotations

import argparse

from exopsy.cli.errors import WrongCommandError
from exopsy.cli.table import print_table
from exopsy.core.exit_code import ExitCode
from exopsy.reports.words import STATES


def run(arguments: argparse.Namespace) -> int:
    """List the exposure of a build."""
    from exopsy.pipeline.commands import exposure_of

    try:
        found = exposure_of(arguments.build, arguments.date)
    except ValueError as error:
        raise WrongCommandError(str(error)) from error
    print_table(
        ("hole", "state", "from", "to", "why"),
        [
            (entry.cve, STATES[entry.state], entry.from_ or "", entry.to or "", entry.basis)
            for entry in found
        ],
        widest=100,
    )
    return ExitCode.NO_EVIDENCE_FOUND
