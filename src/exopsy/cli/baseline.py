"""``exopsy baseline``: what a clean server of some build holds, to compare others with."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from exopsy.cli.errors import WrongCommandError
from exopsy.core.errors import CollectionError
from exopsy.core.exit_code import ExitCode
from exopsy.reports.escape import visible

_NAMED = 5
_COMMENT = """\
Files of the web folders of a clean server, made by 'exopsy baseline make'.
Use it: exopsy examine COLLECTION --baseline THIS-FILE
"""


def run_make(arguments: argparse.Namespace) -> int:
    """Record a clean server."""
    from exopsy.detection.known_good.baseline import HEAD, render_baseline
    from exopsy.pipeline.baseline_making import make_baseline

    if not arguments.folder.exists():
        raise CollectionError(f"There is no {arguments.folder}. Give a folder or an archive.")
    made = make_baseline(arguments.folder, arguments.build)
    build = ".".join(map(str, made.baseline.builds[0]))
    out: Path = arguments.output or Path(f"baseline-{build}.txt")
    if out.exists() and not (out.is_file() and _begins_with(out, HEAD)):
        raise WrongCommandError(f"{out} exists and is no baseline. Name another file with -o.")
    try:
        out.write_text(render_baseline(made.baseline, _COMMENT), "utf-8", newline="\n")
    except OSError as error:
        raise WrongCommandError(f"{out} can't be written: {error.strerror or error}.") from error
    for path in made.unread[:_NAMED]:
        print(f"exopsy: {visible(path)} could not be read, and is left out", file=sys.stderr)
    if len(made.unread) > _NAMED:
        print(f"exopsy: the same is true of {len(made.unread) - _NAMED} more", file=sys.stderr)
    source = f" ({made.build_from})" if made.build_from else ""
    print(f"Build: {build}{source}\nFiles: {len(made.baseline.files)}\nMade: {visible(str(out))}")
    print(f"Use it: exopsy examine COLLECTION --baseline {visible(str(out))}")
    return ExitCode.NO_EVIDENCE_FOUND


def _begins_with(path: Path, head: str) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(head)) == head.encode()
    except OSError:
        return False
