"""``exopsy lab``: made-up evidence with known truth, for trying things out and for measuring."""

from __future__ import annotations

import argparse
from pathlib import Path

from exopsy.cli.errors import WrongCommandError
from exopsy.cli.progress import size
from exopsy.cli.table import print_table
from exopsy.core.exit_code import ExitCode
from exopsy.reports.escape import visible


def run_make(arguments: argparse.Namespace) -> int:
    """Make the logs of a server."""
    from exopsy.lab.make import EVENTS_BY_DEFAULT, make_lab

    _require_empty(arguments.folder)
    try:
        truth = make_lab(
            arguments.folder,
            scenario=arguments.scenario,
            seed=arguments.seed,
            days=arguments.days,
            requests_per_day=arguments.requests_per_day,
            parameters=arguments.parameters,
            events=EVENTS_BY_DEFAULT if arguments.events is None else arguments.events,
            sysmon=arguments.sysmon,
        )
    except ValueError as error:
        raise WrongCommandError(f"{error}.") from error
    collection = visible(str(arguments.folder / "collection"))
    print(f"Made: {collection}\nIts truth: {visible(str(arguments.folder / 'truth.json'))}")
    print(f"Examine it: exopsy examine {collection} --since {truth.since}")
    return ExitCode.NO_EVIDENCE_FOUND


def run_bulk(arguments: argparse.Namespace) -> int:
    """Make a large amount of innocent log."""
    from exopsy.lab.bulk import make_bulk

    _require_empty(arguments.folder)
    written = make_bulk(
        arguments.folder,
        target_bytes=arguments.bytes,
        seed=arguments.seed,
        hit_share=arguments.hit_share,
    )
    print(f"Made: {visible(str(arguments.folder / 'collection'))} ({size(written)})")
    return ExitCode.NO_EVIDENCE_FOUND


def run_bulk_events(arguments: argparse.Namespace) -> int:
    """Make many records of event logs."""
    from exopsy.lab.bulk_events import make_bulk_events

    _require_empty(arguments.folder)
    try:
        made = make_bulk_events(
            arguments.folder,
            records=arguments.records,
            dense=arguments.dense,
            seed=arguments.seed,
            without=arguments.without,
        )
    except ValueError as error:
        raise WrongCommandError(f"{error}.") from error
    print_table(("channel", "records"), [(c, f"{n:,}") for c, n in made.items()])
    print(f"Made: {visible(str(arguments.folder / 'collection'))}")
    return ExitCode.NO_EVIDENCE_FOUND


def run_scenarios(arguments: argparse.Namespace) -> int:
    """List the scenarios."""
    from exopsy.lab.scenarios import SCENARIOS

    del arguments
    rows = [(scenario.name, str(scenario.start), scenario.title) for scenario in SCENARIOS]
    print_table(("scenario", "starts", "what happens"), rows, widest=100)
    return ExitCode.NO_EVIDENCE_FOUND


def _require_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WrongCommandError(f"{folder} is not an empty folder, and nothing is overwritten.")
