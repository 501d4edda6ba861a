"""Regression cases of a Sigma repository -> which rules fire on their own logs, and which on others'.

    python tools/sigma_control.py RULES [RULES ...] --cases FOLDER

A case is a folder with ``info.yml`` (which rule must fire) and an event log. A rule that fires on
the log of another case is not wrong for that, but it deserves a look: ``--where`` names the cases.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from evtx import PyEvtxParser

from exopsy.core.content import read_yaml
from exopsy.detection.events.event_rules import EventRules
from exopsy.detection.events.innocent import read_innocent
from exopsy.detection.load import load_rules
from exopsy.evidence.events.flatten import flatten
from exopsy.evidence.registry import FORMATS
from exopsy.schema.event import EventBatch


class Case(NamedTuple):
    """One log and the rules that must fire on it."""

    log: Path
    expected: frozenset[str]


def find_cases(folder: Path) -> Iterator[Case]:
    """Yield the cases with an event log, in path order."""
    for path in sorted(folder.rglob("info.yml")):
        info = read_yaml(path)
        expected = frozenset(str(rule["id"]) for rule in info.get("rule_metadata") or ())
        for log in sorted(path.parent.glob("*.evtx")):
            yield Case(log, expected)


def is_case(info: Path) -> bool:
    """Say whether an event log lies beside."""
    return any(info.parent.glob("*.evtx"))


def read_batch(log: Path) -> EventBatch:
    """Read a whole event log; records that the library can't read are left out."""
    texts = []
    records = iter(PyEvtxParser(str(log)).records_json())
    while True:
        try:
            texts.append(next(records)["data"])
        except StopIteration:
            break
        except RuntimeError:
            continue
    return EventBatch(texts=texts, numbers=list(range(len(texts))), offsets=[0] * len(texts))


def fired(ready: EventRules, log: Path, *, plainly: bool = False) -> Counter[str]:
    """Return how often each rule fires on a log, by id."""
    scan = ready.scan_plain if plainly else ready.scan
    bound = functools.partial(flatten, artifact=log.name, host="host")
    return Counter(hit.rule.info.id for hit in scan(read_batch(log), bound).hits)


def main(arguments: Sequence[str]) -> int:
    """Print the tables; exit 1 when a rule that is loaded does not fire on its own log."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rules", nargs="+", type=Path)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--where", action="store_true", help="name the cases that others fire on")
    options = parser.parse_args(arguments)
    loaded = load_rules(options.rules, formats=FORMATS)
    ready = EventRules(loaded.rules.rules, loaded.rules.lists, innocent=read_innocent())
    titles = {rule.info.id: rule.info.title for rule in ready.rules}
    silent, absent, count = [], [], 0
    elsewhere: dict[str, list[str]] = {}
    for case in find_cases(options.cases):
        count += 1
        found = fired(ready, case.log)
        silent += [(case.log, rule) for rule in case.expected & titles.keys() - found.keys()]
        absent += [(case.log, rule) for rule in case.expected - titles.keys()]
        for rule in found.keys() - case.expected:
            elsewhere.setdefault(rule, []).append(case.log.parent.name)
    others = [path for path in sorted(options.cases.rglob("info.yml")) if not is_case(path)]
    print(f"{count} cases, {len(titles)} rules for event logs")
    for path in others:
        print(f"has no event log: {path.parent.name}")
    for log, rule in silent:
        print(f"does not fire: {titles[rule]} ({rule}) on {log.name}")
    for log, rule in absent:
        print(f"is not among the rules: {rule}, for {log.name}")
    print(f"{len(elsewhere)} rules fire on logs of other cases:")
    for rule, logs in sorted(elsewhere.items(), key=lambda item: (-len(item[1]), item[0])):
        print(f"{len(logs):5} logs  {titles[rule]} ({rule})")
        if options.where:
            print("".join(f"            {name}\n" for name in sorted(logs)), end="")
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
