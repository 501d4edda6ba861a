"""``exopsy exposure``: a build of Exchange -> the holes it has open, and what closes them."""

from __future__ import annotations

import argparse

import msgspec

from exopsy.cli.errors import WrongCommandError
from exopsy.cli.table import print_table
from exopsy.core.exit_code import ExitCode
from exopsy.reports.escape import visible
from exopsy.reports.words import STATES
from exopsy.schema.exposure import BuildExposure, Hole

_CLOSED = ("patched", "not-affected")
_BLIND = (
    "A build number is silent on holes of Windows that are reached through Exchange, on mitigations,"
    " and on whether anything was used: 'exopsy examine' reads the evidence of that."
)


def run(arguments: argparse.Namespace) -> int:
    """List the exposure of a build, open holes first."""
    from exopsy.pipeline.commands import exposure_of

    try:
        found = exposure_of(arguments.build, arguments.date)
    except ValueError as error:
        raise WrongCommandError(f"--build: {error}.") from error
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
    else:
        _print(found, every=arguments.all)
    return ExitCode.NO_EVIDENCE_FOUND


def _print(found: BuildExposure, *, every: bool) -> None:
    released = f", of {found.released}" if found.released else ""
    print(visible(f"{found.name}{released}", 200))
    for remark in found.remarks:
        print(visible(remark, 400))
    print()
    shown = [hole for hole in found.holes if every or hole.state not in _CLOSED]
    print_table(
        ("hole", "state", "published", "exploited", "closed by"),
        [_row(hole, found.date) for hole in shown],
        widest=100,
    )
    print(f"({len(shown)} holes)")
    undecided = [hole for hole in shown if hole.note]
    if undecided:
        print("\nWhat the sources say beside the numbers:")
        for hole in undecided:
            print(f"  {hole.cve}: {visible(hole.note, 300)}")
    if len(shown) < len(found.holes):
        closed = len(found.holes) - len(shown)
        print(f"\n{closed} more are closed or never concerned it: --all lists them.")
    print(_BLIND)


def _row(hole: Hole, day: str | None) -> tuple[str, str, str, str, str]:
    published = hole.published or "not known"
    if day and hole.is_public is False:
        published += " (later)"
    return hole.cve, STATES[hole.state], published, _exploited(hole.exploited), hole.fixed_in


def _exploited(text: str) -> str:
    """Return a word for what the sources say; they say nothing of most holes."""
    word = text.partition(" ")[0].strip(",;")
    return "yes" if word == "yes" else "perhaps" if text else "not known"
