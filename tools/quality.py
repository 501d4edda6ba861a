"""Examine labs and hold the cases against their truth: the figures of ``docs/detection-quality.md``.

    .venv/bin/python tools/quality.py --seeds 5 --parameters measure

Prints a table of scenarios and, with ``--verbose``, every difference. Exit code 1 if there is any.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path

import msgspec

from exopsy.api import examine
from exopsy.lab.event_logs import file_name
from exopsy.lab.make import EVENTS_BY_DEFAULT, make_lab
from exopsy.lab.scenarios import SCENARIOS
from exopsy.lab.truth import Truth, TruthEventLogs, TruthHost
from exopsy.schema.case import CaseDocument, Host


class Outcome(msgspec.Struct, frozen=True):
    """One lab, examined."""

    scenario: str
    seed: int
    differences: tuple[str, ...]


def main(argv: list[str] | None = None) -> int:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", action="append", choices=[s.name for s in SCENARIOS])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=12)
    parser.add_argument("--requests-per-day", type=int, default=3_000)
    parser.add_argument("--parameters", default="default")
    parser.add_argument(
        "--events", action=argparse.BooleanOptionalAction, default=EVENTS_BY_DEFAULT
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args(argv)
    names = arguments.scenario or [s.name for s in SCENARIOS]
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    jobs = [
        (
            name,
            seed,
            arguments.days,
            arguments.requests_per_day,
            arguments.parameters,
            arguments.events,
        )
        for name in names
        for seed in seeds
    ]
    with ProcessPoolExecutor(arguments.workers) as pool:
        outcomes = list(pool.map(_run, jobs))
    for name in names:
        own = [o for o in outcomes if o.scenario == name]
        right = sum(not o.differences for o in own)
        print(f"{name:24} {right:3} of {len(own)} equal to the truth")
        kinds = Counter(d.partition(":")[0] for o in own for d in o.differences)
        for kind, count in kinds.most_common():
            print(f"{'':26}{kind}: {count}")
        if arguments.verbose:
            for outcome in own:
                for difference in outcome.differences:
                    print(f"    seed {outcome.seed}: {difference}")
    return 1 if any(o.differences for o in outcomes) else 0


def _run(job: tuple[str, int, int, int, str, bool]) -> Outcome:
    name, seed, days, requests, parameters, events = job
    folder = Path(tempfile.mkdtemp(prefix="exopsy-quality-"))
    try:
        truth = make_lab(
            folder,
            scenario=name,
            seed=seed,
            days=days,
            requests_per_day=requests,
            parameters=parameters,
            events=events,
        )
        collection = folder / "collection"
        since = date.fromisoformat(truth.since)
        asked = examine(collection, case=folder / "asked", since=since)
        open_ended = examine(collection, case=folder / "open")
        return Outcome(name, seed, tuple(compare(truth, asked, open_ended)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def compare(truth: Truth, asked: CaseDocument, open_ended: CaseDocument) -> Iterator[str]:
    """Yield every difference between a lab's truth and what was concluded."""
    cases = {host.name: host for host in asked.hosts}
    without = {host.name: host for host in open_ended.hosts}
    if set(cases) != {host.name for host in truth.hosts}:
        yield f"hosts: {sorted(cases)}"
        return
    for host in truth.hosts:
        found, other = cases[host.name], without[host.name]
        if found.verdict.conclusion != host.conclusion:
            yield f"conclusion: {found.verdict.conclusion}, wanted {host.conclusion}"
        if other.verdict.conclusion != host.conclusion_without_since:
            yield (
                f"conclusion without since: {other.verdict.conclusion}, "
                f"wanted {host.conclusion_without_since}"
            )
        if host.conclusion in ("attempted", "no-evidence-found"):
            for finding in asked.findings:
                if finding.grade != "attempt" and finding.level not in ("informational", "low"):
                    yield f"finding above attempt: {finding.title} {finding.subject}"
        yield from _chains(host, found)
        yield from _backdoors(host, found)
        yield from _operators(host, found)
        if told := host.event_logs:
            yield from compare_events(told, found, asked)


def _chains(truth: TruthHost, found: Host) -> Iterator[str]:
    wanted = {(c.chain, c.grade) for c in truth.chains}
    got = {(c.chain, c.grade) for c in found.chains}
    if told := truth.event_logs:
        # what event logs tell of a chain can be more than what is left of it in the text logs
        named = {chain for chain, _ in got}
        for chain in told.chains:
            if not any(c.chain == chain and c.grade != "attempt" for c in found.chains):
                yield f"chain missing: {chain} (event logs)"
        wanted = {pair for pair in wanted if not (pair[0] in told.chains and pair[0] in named)}
        got = {pair for pair in got if pair[0] not in told.chains}
    for chain in sorted(got - wanted):
        yield f"chain too much: {chain}"
    for chain in sorted(wanted - got):
        yield f"chain missing: {chain}"


def _backdoors(truth: TruthHost, found: Host) -> Iterator[str]:
    wanted = {b.path.lower(): b for b in truth.backdoors}
    got = {b.path.lower(): b for b in found.backdoors}
    addresses = {o.id: frozenset(o.addresses) for o in found.operators}
    meant = {o.id: frozenset(o.addresses) for o in truth.operators}
    told = truth.event_logs.left if truth.event_logs else []
    known = {(left.kind, name.lower()) for left in told for name in left.names}
    for path in sorted(got.keys() - wanted.keys()):
        if (got[path].kind, path) not in known:
            yield f"backdoor too much: {got[path].kind} {path}"
    for left in told:
        if not any(
            b.kind == left.kind and b.path.lower() in map(str.lower, left.names)
            for b in found.backdoors
        ):
            yield f"backdoor missing: {left.kind} {left.names} (event logs)"
    for path in sorted(wanted.keys() - got.keys()):
        yield f"backdoor missing: {wanted[path].kind} {path}"
    for path in sorted(wanted.keys() & got.keys()):
        w, g = wanted[path], got[path]
        if g.kind != w.kind:
            yield f"backdoor kind: {g.kind}, wanted {w.kind}"
        # What was done with a granted role is told as actions; its uses are not counted.
        for role in ("used_by", "probed_by") if w.kind == "web-shell" else ():
            theirs = {meant[i] for i in getattr(w, role)}
            ours = {addresses[i] for i in getattr(g, role)}
            if ours != theirs:
                yield f"{role}: {_sets(ours)}, wanted {_sets(theirs)}"
        ours_by = None if g.planted_by is None else addresses[g.planted_by]
        theirs_by = None if w.planted_by is None else meant[w.planted_by]
        if theirs_by is None and told and not ours_by:
            ours_by = None  # event logs tell of the planting, but not from where
        if ours_by != theirs_by:
            yield f"planted_by: {ours_by}, wanted {theirs_by}"
        if g.requests != w.uses and w.kind == "web-shell":
            yield f"uses: {g.requests}, wanted {w.uses}"
        for name in ("first_use", "last_use") if w.kind == "web-shell" else ():
            if (getattr(g, name) or "")[:19] != (getattr(w, name) or "")[:19]:
                yield f"{name}: {getattr(g, name)}, wanted {getattr(w, name)}"


def _operators(truth: TruthHost, found: Host) -> Iterator[str]:
    wanted = {frozenset(o.addresses) for o in truth.operators}
    got = {frozenset(o.addresses) for o in found.operators}
    if truth.event_logs and truth.event_logs.observables:
        got.discard(frozenset())  # event logs tell of deeds of which nobody knows from where
    for addresses in sorted(got - wanted, key=sorted):
        yield f"operator too much: {sorted(addresses)}"
    for addresses in sorted(wanted - got, key=sorted):
        yield f"operator missing: {sorted(addresses)}"


def compare_events(told: TruthEventLogs, found: Host, case: CaseDocument) -> Iterator[str]:
    """Yield every difference between what event logs tell and findings, actions and joins."""
    what = {(file_name(event.channel), event.record): event.what for event in told.events}
    words: dict[str, set[str]] = {}
    for finding in case.findings:
        places = ((e.artifact.rpartition("/")[2], e.record) for e in finding.evidence)
        words[finding.id] = {what[place] for place in places if place in what}
    noticed = set[str]().union(*words.values())
    for word in sorted(set(told.observables) - noticed):
        yield f"observable missing: {word}"
    acted = {action.finding_id for one in found.operators for action in one.actions}
    for finding in case.findings:
        strong = finding.grade != "attempt" and finding.level in ("medium", "high", "critical")
        if words[finding.id] and strong and finding.id not in acted:
            yield f"action missing: {finding.title} ({', '.join(sorted(words[finding.id]))})"
    tied = [words[j.a] & words[j.b] for j in found.joins if j.by == "process-tree"]
    for word in told.trees:
        if not any(word in both for both in tied):
            yield f"process tree missing: {word}"
    for both, join in zip(tied, (j for j in found.joins if j.by == "process-tree"), strict=True):
        if not both:
            yield f"process tree too much: {sorted(words[join.a])} and {sorted(words[join.b])}"


def _sets(sets: set[frozenset[str]]) -> str:
    return " | ".join(sorted(",".join(sorted(s)) for s in sets)) or "nobody"


if __name__ == "__main__":
    sys.exit(main())
