"""``exopsy demo``: a made-up server that was broken into, examined as any other."""

from __future__ import annotations

import argparse
import shutil
import sys
from datetime import date
from pathlib import Path

from exopsy.cli.errors import WrongCommandError
from exopsy.cli.examine import examine_into, print_summary
from exopsy.core.clock import now_utc
from exopsy.core.exit_code import ExitCode
from exopsy.pipeline.settings import RunSettings
from exopsy.reports.escape import visible
from exopsy.reports.words import exit_code

MARKER = ".exopsy-demo"
SCENARIO, SEED, DAYS, REQUESTS_PER_DAY = "proxylogon", 7, 10, 3_000


def run(arguments: argparse.Namespace) -> int:
    """Make, examine, explain. Succeeds whatever the verdict: it is the demo's own doing."""
    from exopsy.detection.load import default_cache
    from exopsy.lab.make import make_lab

    out: Path = arguments.out
    _claim(out)
    print(f"exopsy: making the logs of a server that was broken into, in {out}", file=sys.stderr)
    truth = make_lab(
        out,
        scenario=SCENARIO,
        seed=SEED,
        days=DAYS,
        requests_per_day=REQUESTS_PER_DAY,
        events=False,  # text logs tell the whole of it, in half the time
    )
    collection, case_dir = out / "collection", out / "case"
    settings = RunSettings(
        collection=collection,
        case=case_dir,
        since=date.fromisoformat(truth.since),
        cache=default_cache(),
        started=now_utc(),
    )
    case = examine_into(settings, quiet=False)
    print_summary(case, case_dir)
    shown = visible(str(out))
    backdoors = sum(len(host.backdoors) for host in truth.hosts)
    operators = sum(len(host.operators) for host in truth.hosts)
    conclusion = ", ".join(host.conclusion for host in truth.hosts)
    print()
    print("This was a demo. What had been put into the evidence:")
    print(f"  {conclusion}, backdoors: {backdoors}, operators: {operators} ({shown}/truth.json)")
    print(f"The same by hand: exopsy examine {visible(str(collection))} --since {truth.since}")
    code = int(exit_code(case.verdict.conclusion))
    print(f"That command would end with exit code {code}; the demo ends with 0.")
    return ExitCode.NO_EVIDENCE_FOUND


def _claim(out: Path) -> None:
    """Make the folder ours, and take away what an earlier demo left there."""
    marker = out / MARKER
    if out.exists() and not marker.is_file() and (not out.is_dir() or any(out.iterdir())):
        raise WrongCommandError(
            f"{out} holds something that is not a demo. Name a new folder with --out."
        )
    out.mkdir(parents=True, exist_ok=True)
    marker.write_text("Made by 'exopsy demo'; written anew each time.\n", encoding="utf-8")
    for name in ("collection", "case"):
        if (out / name).is_dir():
            shutil.rmtree(out / name)
