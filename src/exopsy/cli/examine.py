"""``exopsy examine``: a collection -> a case folder, a summary on stdout, a verdict as exit code."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from exopsy.cli.errors import WrongCommandError
from exopsy.cli.progress import progress_on
from exopsy.core.clock import now_utc
from exopsy.core.errors import CollectionError
from exopsy.pipeline.settings import RunSettings
from exopsy.reports.words import exit_code
from exopsy.schema.case import CaseDocument, encode_case
from exopsy.store.case_folder import REPORT_FILE, claim, default_case

if TYPE_CHECKING:
    from exopsy.detection.selection import Selection


def run(arguments: argparse.Namespace) -> int:
    """Examine a collection."""
    case_dir = arguments.case or default_case(arguments.collection)
    case = examine_into(settings_from(arguments, case_dir), quiet=arguments.quiet)
    if arguments.json:
        print_json(case)
    else:
        print_summary(case, case_dir)
    return exit_code(case.verdict.conclusion)


def settings_from(arguments: argparse.Namespace, case_dir: Path) -> RunSettings:
    """Read the files that the arguments name, and the clock.

    Raises:
        WrongCommandError: one of them can't be read, or the arguments contradict each other.
    """
    from exopsy.core.content import CONTENT
    from exopsy.detection.load import default_cache

    since, until = arguments.since, arguments.until
    if since and until and until < since:
        raise WrongCommandError("--until lies before --since.")
    for folder in arguments.rules:
        if not folder.is_dir():
            raise WrongCommandError(f"--rules: there is no folder {folder}.")
    return RunSettings(
        collection=arguments.collection,
        case=case_dir,
        since=since,
        until=until,
        plain=arguments.plain,
        workers=arguments.workers,
        passwords=tuple(_lines(arguments.password_file)),
        trusted=tuple(line.decode() for line in _lines(arguments.trusted)),
        content=(CONTENT, *arguments.rules),
        selection=_selection(arguments),
        indicators=tuple(arguments.indicators),
        hashes=tuple(arguments.hashes),
        baselines=tuple(arguments.baseline),
        yara=tuple(arguments.yara),
        cache=default_cache(),
        started=now_utc(),
    )


def _selection(arguments: argparse.Namespace) -> Selection:
    from exopsy.detection.selection import Selection

    usual = Selection()
    return Selection(
        min_level=arguments.min_level,
        statuses=frozenset(arguments.status) or usual.statuses,
        include=frozenset(arguments.include),
        exclude=frozenset(arguments.exclude),
    )


def examine_into(settings: RunSettings, *, quiet: bool) -> CaseDocument:
    """Claim the case folder and run the pipeline with progress on stderr.

    Raises:
        CollectionError: there is no such collection.
        WrongCommandError: the case folder may not be used.
    """
    from exopsy.pipeline.examine import examine

    collection = settings.collection
    if not collection.exists():
        raise CollectionError(f"There is no {collection}. Give a folder, an archive or a log file.")
    try:
        claim(collection, settings.case)
    except ValueError as error:
        raise WrongCommandError(str(error)) from error
    progress = progress_on(sys.stderr, quiet=quiet)
    try:
        return examine(settings, progress)
    finally:
        progress.finish()


def print_summary(case: CaseDocument, case_dir: Path) -> None:
    """Print what a person can act on."""
    from exopsy.cli.terminal import has_colour
    from exopsy.reports.terminal import render_summary

    width = min(shutil.get_terminal_size((100, 24)).columns, 100)
    colour = has_colour(sys.stdout)
    report = str(case_dir / REPORT_FILE)
    print(render_summary(case, colour=colour, width=width, report=report), end="")


def print_json(case: CaseDocument) -> None:
    """Print the case document: its own bytes, but for a terminal without raw characters."""
    text = encode_case(case).decode("utf-8")
    if sys.stdout.isatty():
        import json

        text = json.dumps(json.loads(text), indent=1) + "\n"
    print(text, end="")


def _lines(path: Path | None) -> list[bytes]:
    if path is None:
        return []
    try:
        lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()
        for line in lines:
            line.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongCommandError(f"{path} can't be read: {error}.") from error
    return [line for line in lines if line and not line.startswith(b"#")]
