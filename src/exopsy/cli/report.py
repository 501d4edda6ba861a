"""``exopsy report``: a case that was written before -> its report, written once more."""

from __future__ import annotations

import argparse
from pathlib import Path

from exopsy.cli.examine import print_summary
from exopsy.core.errors import CollectionError
from exopsy.core.exit_code import ExitCode
from exopsy.reports.escape import visible
from exopsy.store.case_folder import REPORT_FILE, read_case


def run(arguments: argparse.Namespace) -> int:
    """Render a case again."""
    try:
        case = read_case(arguments.case)
    except ValueError as error:
        raise CollectionError(str(error)) from error
    folder: Path = arguments.case if arguments.case.is_dir() else arguments.case.parent
    if arguments.format == "text":
        print_summary(case, folder)
        return ExitCode.NO_EVIDENCE_FOUND
    from exopsy.reports.html import render_html

    report = folder / REPORT_FILE
    report.write_text(render_html(case), encoding="utf-8", newline="\n")
    print(f"Written: {visible(str(report))}")
    return ExitCode.NO_EVIDENCE_FOUND
