"""The command line's grammar: every command, its options, its help. Imports nothing heavy."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date
from pathlib import Path
from typing import NoReturn

from exopsy import __version__
from exopsy.core.exit_code import ExitCode
from exopsy.reports.escape import visible

_Commands = argparse._SubParsersAction

_MAIN = """\
Reads the logs of a Microsoft Exchange server and says whether it was broken into,
how, by which backdoors, and what can't be known. Works offline; changes nothing.
"""
_MAIN_EXAMPLES = """\
examples:
  exopsy demo                          see it work on a made-up server
  exopsy examine D:\\evidence           a folder, or a .zip, .7z or .tar of one
  exopsy examine evidence.zip --since 2021-01-01
  exopsy sql evidence-case "SELECT * FROM backdoor"

exit codes of 'examine': 0 no evidence found (and the logs were there to show it),
10 inconclusive, 20 attempted, 25 suspicious, 30 exploited, 40 compromised.
Of every command: 64 wrong command, 65 unusable rules, 66 collection unreadable,
70 a defect of exopsy.
"""
_EXAMINE_EXAMPLES = """\
what to collect: the folders C:\\inetpub\\logs\\LogFiles, C:\\Windows\\System32\\LogFiles\\HTTPERR
and <Exchange>\\V15\\Logging, as they are. More is better than less; nothing is written to them.

examples:
  exopsy examine D:\\evidence
  exopsy examine server1.zip --case D:\\cases\\server1 --since 2021-01-01 --until 2021-06-30
  exopsy examine kape.7z --password-file passwords.txt --json > case.json
"""
_SQL_EXAMPLES = """\
tables: activity, exchange_cmdlet, process, finding, coverage, coverage_day, artifact, operator,
backdoor

examples:
  exopsy sql evidence-case "SHOW TABLES"
  exopsy sql evidence-case "DESCRIBE activity"
  exopsy sql evidence-case "SELECT client, count(*) FROM activity GROUP BY ALL ORDER BY 2 DESC"
  exopsy sql evidence-case "SELECT * FROM finding" --csv > findings.csv
"""
_EXPOSURE_EXAMPLES = """\
The file version of bin\\ExSetup.exe is the build; what Exchange shows elsewhere is often only the
cumulative update. Three numbers (15.1.2106) are an update of which the security updates are not
known. A hole that needs a configuration is told as such: no build number decides it.

examples:
  exopsy exposure --build 15.1.2106.2 --date 2021-03-03
  exopsy exposure --build "Exchange 2016 CU19 Mar21SU" --all
  exopsy exposure --build 15.2.1118.7 --json > holes.json
"""
_BASELINE_EXAMPLES = """\
what is recorded: path, size and SHA-256 of every file below FrontEnd\\HttpProxy, ClientAccess and
inetpub\\wwwroot. Exopsy itself knows the files of builds up to March 2021.

examples:
  exopsy baseline make "C:\\Program Files\\Microsoft\\Exchange Server\\V15"
  exopsy baseline make clean-server.zip -o cu23.txt --build 15.1.2507.37
  exopsy examine D:\\evidence --baseline cu23.txt
"""


class Parser(argparse.ArgumentParser):
    """An argument parser that says 64, not 2, to a wrong command."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and where the help is."""
        print(f"{self.prog}: {visible(message)}\nTry '{self.prog} --help'.", file=sys.stderr)
        raise SystemExit(ExitCode.WRONG_COMMAND)


def build_parser() -> Parser:
    """Build the parser; each command's ``run`` is ``module:function``, imported when it is called."""
    parser = Parser(
        prog="exopsy",
        description=_MAIN,
        epilog=_MAIN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"exopsy {__version__}")
    parser.add_argument(
        "--traceback", action="store_true", help="on a defect, show where in the code it happened"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _examine(commands)
    _report(commands)
    _sql(commands)
    _rules(commands)
    _exposure(commands)
    _baseline(commands)
    _lab(commands)
    _demo(commands)
    return parser


def _command(
    commands: _Commands[Parser], name: str, run: str, help_: str, examples: str = ""
) -> Parser:
    parser = commands.add_parser(
        name,
        help=help_,
        description=help_[0].upper() + help_[1:] + ".",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    # Also after the command, where people look for it; SUPPRESS keeps one given before it.
    parser.add_argument(
        "--traceback", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
    )
    return parser


def _examine(commands: _Commands[Parser]) -> None:
    parser = _command(
        commands,
        "examine",
        "exopsy.cli.examine:run",
        "read a collection of evidence and give a verdict",
        _EXAMINE_EXAMPLES,
    )
    parser.add_argument(
        "collection", type=Path, metavar="COLLECTION", help="folder, archive or single log"
    )
    parser.add_argument(
        "--case",
        type=Path,
        metavar="DIR",
        help="where the case is written (default: COLLECTION's name with -case, in this folder)",
    )
    parser.add_argument(
        "--since", type=_day, metavar="DATE", help="ask only about the time from this day (UTC) on"
    )
    parser.add_argument(
        "--until", type=_day, metavar="DATE", help="ask only about the time up to this day (UTC)"
    )
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help="passwords of archives, one a line"
    )
    parser.add_argument(
        "--trusted",
        type=Path,
        metavar="FILE",
        help="addresses and networks of your own scanners and administrators, one a line",
    )
    parser.add_argument(
        "--rules",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="folder of Sigma rules to apply as well, in any layout (repeatable)",
    )
    parser.add_argument(
        "--min-level",
        choices=("informational", "low", "medium", "high", "critical"),
        default="informational",
        metavar="LEVEL",
        help="of the rules in --rules, only those of this level or above (default: all)",
    )
    parser.add_argument(
        "--status",
        action="append",
        default=[],
        metavar="STATUS",
        help="of the rules in --rules, only those of this status (repeatable; default: stable,"
        " test and experimental)",
    )
    parser.add_argument(
        "--include",
        action="append",
        default=[],
        metavar="ID",
        help="of the rules in --rules, only those with this id or tag (repeatable)",
    )
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="ID",
        help="of the rules in --rules, not those with this id or tag (repeatable)",
    )
    parser.add_argument(
        "--indicators",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="look for addresses, names and hashes of a list: STIX, MISP, CSV or one a line"
        " (repeatable)",
    )
    parser.add_argument(
        "--hashes",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="compare the SHA-256, SHA-1 or MD5 of a list with every file: one a line, or CSV"
        " (repeatable)",
    )
    parser.add_argument(
        "--baseline",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="what a clean server of your build holds, from 'exopsy baseline make' (repeatable)",
    )
    parser.add_argument(
        "--yara",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="YARA rules of your own to ask about pages and handlers: a folder or a file"
        " (repeatable)",
    )
    parser.add_argument(
        "--workers",
        type=_positive,
        default=min(os.cpu_count() or 1, 8),
        metavar="N",
        help="artifacts read at the same time; the result is the same (default: %(default)s)",
    )
    parser.add_argument(
        "--plain", action="store_true", help="read every line without the sieve: slow, the same"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the case document, not the summary"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress")


def _report(commands: _Commands[Parser]) -> None:
    parser = _command(
        commands, "report", "exopsy.cli.report:run", "write the report of a case once more"
    )
    parser.add_argument("case", type=Path, metavar="CASE", help="case folder or case.json")
    parser.add_argument(
        "--format",
        choices=("html", "text"),
        default="html",
        help="html: report.html in the case folder; text: print the summary (default: html)",
    )


def _sql(commands: _Commands[Parser]) -> None:
    parser = _command(
        commands, "sql", "exopsy.cli.sql:run", "ask the tables of a case", _SQL_EXAMPLES
    )
    parser.add_argument("case", type=Path, metavar="CASE", help="case folder")
    parser.add_argument("query", metavar="QUERY", help="one SQL statement (DuckDB)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="safe to open in a spreadsheet")
    form.add_argument("--json", action="store_true", help="one JSON object a row")


def _rules(commands: _Commands[Parser]) -> None:
    actions = _command(commands, "rules", "", "list, check or test the detection rules")
    inner = actions.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, help_ in (
        ("list", "list the rules, with what each means"),
        ("lint", "check rules for mistakes"),
        ("test", "run the tests that lie beside the rules"),
        ("coverage", "say which rules can run on which records, and why others can't"),
    ):
        parser = _command(inner, name, f"exopsy.cli.rules:run_{name}", help_)
        parser.add_argument(
            "folders",
            type=Path,
            nargs="*",
            metavar="DIR",
            help="folder of rules (default: exopsy's own)",
        )


def _exposure(commands: _Commands[Parser]) -> None:
    parser = _command(
        commands,
        "exposure",
        "exopsy.cli.exposure:run",
        "say which holes a build of Exchange had open",
        _EXPOSURE_EXAMPLES,
    )
    parser.add_argument(
        "--build",
        required=True,
        metavar="BUILD",
        help='as in 15.1.2106.2, 15.01.2106.002, or "Exchange 2016 CU19 Mar21SU"',
    )
    parser.add_argument("--date", type=_day, metavar="DATE", help="on this day (default: any day)")
    parser.add_argument("--all", action="store_true", help="also the holes that are closed")
    parser.add_argument("--json", action="store_true", help="everything, as JSON")


def _baseline(commands: _Commands[Parser]) -> None:
    baseline = _command(commands, "baseline", "", "record what a clean server holds")
    inner = baseline.add_subparsers(title="actions", metavar="ACTION", required=True)
    make = _command(
        inner,
        "make",
        "exopsy.cli.baseline:run_make",
        "record the web files of a clean server, to compare others of its build with",
        _BASELINE_EXAMPLES,
    )
    make.add_argument(
        "folder",
        type=Path,
        metavar="DIR",
        help="folder or archive: a drive, the install folder, or a collection of it",
    )
    make.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="where it is written (default: baseline-BUILD.txt, in this folder)",
    )
    make.add_argument(
        "--build",
        type=_build,
        metavar="BUILD",
        help="of the server, as in 15.1.2507.37 (default: the version of its ExSetup.exe)",
    )


def _lab(commands: _Commands[Parser]) -> None:
    lab = _command(commands, "lab", "", "make realistic evidence whose truth is known")
    inner = lab.add_subparsers(title="actions", metavar="ACTION", required=True)
    make = _command(
        inner,
        "make",
        "exopsy.cli.lab:run_make",
        "make the logs of a server",
        "example:\n  exopsy lab make ./evidence --scenario proxylogon --seed 7\n",
    )
    make.add_argument("folder", type=Path, metavar="DIR", help="new or empty folder")
    make.add_argument("--scenario", required=True, metavar="S", help="see 'exopsy lab scenarios'")
    make.add_argument("--seed", type=int, default=1, metavar="N", help="default: %(default)s")
    make.add_argument("--days", type=_positive, default=14, metavar="D", help="default: 14")
    make.add_argument(
        "--requests-per-day", type=_positive, default=2_000, metavar="R", help="default: 2000"
    )
    make.add_argument(
        "--parameters",
        choices=("default", "measure"),
        default="default",
        help="measure: parameters kept apart from those that rules were developed on",
    )
    make.add_argument(
        "--events",
        action=argparse.BooleanOptionalAction,
        help="Windows event logs as well (default: yes)",
    )
    make.add_argument(
        "--sysmon",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="with event logs: Sysmon is installed (default: yes)",
    )
    bulk = _command(
        inner, "bulk", "exopsy.cli.lab:run_bulk", "make a large amount of log for timing"
    )
    bulk.add_argument("folder", type=Path, metavar="DIR", help="new or empty folder")
    bulk.add_argument("--bytes", type=_positive, required=True, metavar="N", help="how much")
    bulk.add_argument(
        "--hit-share", type=_share, default=0.0, metavar="X", help="share of hits (default: 0)"
    )
    bulk.add_argument("--seed", type=int, default=1, metavar="N", help="default: %(default)s")
    events = _command(
        inner,
        "bulk-events",
        "exopsy.cli.lab:run_bulk_events",
        "make many records of event logs for timing",
        "example:\n  exopsy lab bulk-events ./events --records 2000000 --dense 0.005\n",
    )
    events.add_argument("folder", type=Path, metavar="DIR", help="new or empty folder")
    events.add_argument("--records", type=_positive, required=True, metavar="N", help="how many")
    events.add_argument(
        "--dense", type=_share, default=0.005, metavar="X",
        help="share of records that rules for attacks look at (default: 0.005)",
    )  # fmt: skip
    events.add_argument(
        "--without", type=_positive, action="append", default=[], metavar="N",
        help="leave out innocent events of this number (4634: logoffs); may be repeated",
    )  # fmt: skip
    events.add_argument("--seed", type=int, default=1, metavar="N", help="default: %(default)s")
    _command(inner, "scenarios", "exopsy.cli.lab:run_scenarios", "list the scenarios")


def _demo(commands: _Commands[Parser]) -> None:
    parser = _command(
        commands,
        "demo",
        "exopsy.cli.demo:run",
        "make up a server that was broken into and examine it",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("exopsy-demo"),
        metavar="DIR",
        help="where evidence and case are written (default: %(default)s)",
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a day; write it as 2021-03-03"
        ) from error


def _build(text: str) -> str:
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a build of Exchange; write it as 15.1.2106.2"
        )
    return text


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share; write it as 0.01")
    return share
