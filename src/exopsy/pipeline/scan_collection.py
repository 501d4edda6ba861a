"""A collection, read once: archives as they come, plain files by several processes or threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from exopsy.evidence import registry
from exopsy.pipeline import scan_processes
from exopsy.pipeline.event_pool import EventPool
from exopsy.pipeline.event_reading import is_for_pool
from exopsy.pipeline.progress import SharedProgress
from exopsy.pipeline.scan import FIRST_LOOK, by_threads, largest_first, scan_member
from exopsy.pipeline.scan_tools import ScanPlan, ScanResult, ScanTools
from exopsy.pipeline.stage import guarded
from exopsy.schema.artifact import ArtifactFacts
from exopsy.sources.collection import Collection
from exopsy.sources.member import Member


def scan_collection(
    collection: Collection,
    plan: ScanPlan,
    pool: EventPool | None,
    progress: SharedProgress,
    meanwhile: Callable[[], None],
) -> ScanResult:
    """Read everything once; the facts of every artifact are in path order.

    Args:
        collection: all of it.
        plan: of the run.
        pool: for large event logs; None: they are read here.
        progress: told of bytes and members.
        meanwhile: called once while other processes read, if they do.
    """
    workers = plan.settings.workers
    result = ScanResult()
    tools = ScanTools(plan, "main", pool)

    def one(member: Member) -> ArtifactFacts:
        progress.artifact(member.path)
        return guarded(lambda m: scan_member(m, tools.work, progress), member)

    local: list[Member] = []
    facts: list[ArtifactFacts] = []
    with tools:
        for member in collection.members():
            if member.local is None:
                facts.append(one(member))
            else:
                local.append(member)
        here = largest_first(local)
        if workers > 1 and scan_processes.can_fork() and _size(local) >= scan_processes.WORTH:
            # Large event logs are read in ranges, by workers of their own; these have the rules
            # for them ready, so they read the small ones too.
            events = [member for member in here if is_for_pool(member) and _is_event_log(member)]
            if pool is not None and events:
                pool.takes_small = True
                events = [member for member in here if _is_event_log(member)]
            apart = {member.path for member in events}
            scan = scan_processes.ProcessScan(
                [member for member in here if member.path not in apart],
                lambda name: ScanTools(plan, name, None),
                plan.folder,
                progress,
            )
            result, left = scan.run(workers, meanwhile)
            here = [*events, *left]
        facts += by_threads(here, one, workers)
    result.add(tools.result(facts))
    progress.flush()
    result.facts.sort(key=lambda f: f.path)
    result.matches.sort()
    return result


def _size(members: Sequence[Member]) -> int:
    return sum(member.size or 0 for member in members)


def _is_event_log(member: Member) -> bool:
    try:
        with member.open() as stream:
            head = stream.read(FIRST_LOOK) or b""
    except OSError:
        return False
    return registry.recognise_events(head, member.path) is not None
