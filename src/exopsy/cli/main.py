"""Arguments in, exit code out. What a command needs is imported when it is called."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import cast

from exopsy.cli.arguments import build_parser
from exopsy.cli.errors import WrongCommandError
from exopsy.core.errors import CollectionError
from exopsy.core.exit_code import ExitCode
from exopsy.reports.escape import visible

_INTERRUPTED = 130
"""What shells expect of a command that Ctrl-C stopped."""

Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        An ``ExitCode``; 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A console of another encoding shows what it lacks as \N instead of failing.
            stream.reconfigure(errors="backslashreplace")
    try:
        arguments = build_parser().parse_args(argv)
    except SystemExit as done:  # --help, --version, a wrong command
        return int(done.code or 0)
    # numpy's algebra is not used, and its threads wait actively for work that never comes.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        _say("stopped; the case is not complete")
        return _INTERRUPTED
    except BrokenPipeError:
        # "exopsy sql ... | head": the reader has gone, which is no error of anybody's.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.NO_EVIDENCE_FOUND


def _run(arguments: argparse.Namespace) -> int:
    module, function = arguments.run.split(":")
    try:
        command = cast("Command", getattr(importlib.import_module(module), function))
        code = command(arguments)
        sys.stdout.flush()
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except WrongCommandError as error:
        _say(str(error))
        return ExitCode.WRONG_COMMAND
    except CollectionError as error:
        _say(str(error))
        return ExitCode.COLLECTION_UNREADABLE
    except Exception as error:  # noqa: BLE001 - the last floor: nothing above it could say more
        return _unexpected(error, traceback=arguments.traceback)
    return code


def _unexpected(error: Exception, *, traceback: bool) -> int:
    from exopsy.core.errors import ContentError

    group = error if isinstance(error, ExceptionGroup) else ExceptionGroup("", [error])
    unusable, rest = group.split(ContentError)
    if unusable is not None and rest is None:
        for problem in _leaves(unusable):
            _say(str(problem))
        return ExitCode.UNUSABLE_CONTENT
    if traceback:
        import traceback as tracebacks

        print(visible_lines("".join(tracebacks.format_exception(error))), file=sys.stderr)
    _say(
        f"a defect of exopsy, or of this computer: {type(error).__name__}: {error}. "
        "Add --traceback for details."
    )
    return ExitCode.DEFECT


def visible_lines(text: str) -> str:
    """Show a text of several lines; each of them harmless."""
    return "\n".join(visible(line, 2_000) for line in text.splitlines())


def _leaves(group: BaseExceptionGroup[Exception]) -> list[Exception]:
    leaves: list[Exception] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves


def _say(text: str) -> None:
    print(f"exopsy: {visible(text, 2_000)}", file=sys.stderr)
