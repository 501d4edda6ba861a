"""Measure speed, memory and start, print a table, write it into ``docs/performance.md``.

    .venv/bin/python tools/bench.py                          # everything at full size: long
    .venv/bin/python tools/bench.py --part speed --size 60_000_000 --runs 3 --no-write

Exit code 1 when a limit is exceeded (not with ``--no-limits``). The logs are made once and kept in
``bench-data/``; remove that folder to make them anew. Linux and macOS: CPU time is asked of wait4.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil

from exopsy.core.clock import now_utc
from exopsy.core.content import CONTENT
from exopsy.core.limits import Limits
from exopsy.lab.bulk import make_bulk
from exopsy.lab.bulk_events import make_bulk_events
from exopsy.lab.make import make_lab
from exopsy.pipeline.settings import RunSettings

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "bench-data"
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
HEAD = ("| Part | Measured | On | Value | Limit |", "|---|---|---|---:|---:|")
SMALL = "†"
EXOPSY = Path(sys.executable).with_name("exopsy")
BULK_LOGS = ("iis-w3c", "exchange-httpproxy")
"""What ``make_bulk`` writes."""
SCRAP = 1_000_000
SEED = 1
FAILED = 64
"""Exit codes of ``exopsy`` from here on are no verdicts."""

Command = Sequence[str | Path]


@dataclass(frozen=True)
class Sizes:
    """How much is measured; the defaults are the full sizes that the limits are meant for."""

    size: int = 2_000_000_000
    """Bytes of log for speed and hits; memory also takes a tenth and ten times of it."""
    plain_size: int = 50_000_000
    lab_requests: int = 2_000
    """Requests a day of the lab whose pivot is measured."""
    runs: int = 7
    workers: int = 2
    events: int = 2_000_000
    """Distinct records of event logs."""
    sigma: Path | None = None
    """Folder of Sigma rules for them; None: where the public ones lie beside the project."""


@dataclass(frozen=True)
class Cost:
    """One run of a command: seconds."""

    wall: float
    cpu: float
    """User and system, of all its threads and of children it waited for."""


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    part: str
    what: str
    on: str
    """Data and manner: ``2 GB, 2 workers, median of 7``."""
    value: float
    unit: str = ""
    limit: float | None = None

    @property
    def is_over(self) -> bool:
        """Say whether the limit is exceeded."""
        return self.limit is not None and self.value > self.limit

    def line(self, mark: str) -> str:
        """Return the table's line; ``mark`` stands behind the part's name."""
        value = quantity(self.value, self.unit) + (" **over**" if self.is_over else "")
        limit = "" if self.limit is None else quantity(self.limit, self.unit)
        return f"| {self.part}{mark} | {self.what} | {self.on} | {value} | {limit} |"


def quantity(value: float, unit: str) -> str:
    """Return a number as a person reads it: three digits or whole thousands."""
    number = f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value < 1 else f"{value:.2f}"
    return f"{number} {unit}".rstrip()


def in_bytes(count: int) -> str:
    """Return ``2 GB``, ``200 MB``."""
    return f"{count / 1e9:g} GB" if count >= 1e9 else f"{count / 1e6:g} MB"


# --- running commands


def run(command: Command, most: int = 0) -> Cost:
    """Run a command to its end.

    Args:
        command: what to run.
        most: highest exit code that is no failure.

    Raises:
        RuntimeError: it failed; the message holds the end of what it said.
    """
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=_env())
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if not 0 <= process.returncode <= most:
            said.seek(0)
            tail = said.read()[-2_000:].decode("utf-8", "replace")
            raise RuntimeError(f"{command[0]} ended with {process.returncode}: {tail}")
    return Cost(wall, usage.ru_utime + usage.ru_stime)


def peak_unique_bytes(command: Command, every: float = 0.05) -> int:
    """Run a command; return the peak of the unique set sizes of it and its children, summed.

    Raises:
        RuntimeError: it failed.
    """
    peak = 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=_env())
    while process.poll() is None:
        peak = max(peak, _unique_bytes(process.pid))
        time.sleep(every)
    if not 0 <= process.returncode < FAILED:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return peak


def _unique_bytes(pid: int) -> int:
    total = 0
    try:
        tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return 0  # it has just ended
    for process in tree:
        try:
            total += process.memory_full_info().uss
        except psutil.Error:
            continue
    return total


def _env() -> dict[str, str]:
    env = {**os.environ, "XDG_CACHE_HOME": str(DATA / "cache"), "LC_ALL": "C.UTF-8"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation keeps its bytecode
    return env


@contextmanager
def examining(collection: Path, workers: int, *options: str) -> Iterator[Command]:
    """Give the command that examines a collection; its case is thrown away."""
    DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=DATA, prefix="case-") as case:
        fixed = ("--case", Path(case) / "case", "--workers", str(workers), "--quiet")
        yield [EXOPSY, "examine", collection, *fixed, *options]


def examine(collection: Path, workers: int, *options: str) -> Cost:
    """Examine a collection in a process of its own."""
    with examining(collection, workers, *options) as command:
        return run(command, FAILED - 1)


def interleaved(runs: int, works: Sequence[Callable[[], Cost]]) -> list[list[Cost]]:
    """Run several works in turn, once uncounted (caches get warm), then ``runs`` times."""
    for work in works:
        work()
    rounds = [[work() for work in works] for _ in range(runs)]
    return [list(costs) for costs in zip(*rounds, strict=True)]


def wall(costs: Iterable[Cost]) -> float:
    """Return the median wall time."""
    return median(c.wall for c in costs)


def cpu(costs: Iterable[Cost]) -> float:
    """Return the median CPU time."""
    return median(c.cpu for c in costs)


# --- data


def bulk(size: int, hit_share: float = 0.0) -> Path:
    """Return a collection of about ``size`` bytes of IIS and HttpProxy logs, in the page cache."""
    folder = DATA / f"bulk-{size}-{hit_share:g}-{SEED}"
    return _kept(
        folder, lambda: make_bulk(folder, target_bytes=size, seed=SEED, hit_share=hit_share)
    )


def ten_times(size: int) -> Path:
    """Return a collection of ten servers' folders, each the files of ``bulk(size)`` (hard links)."""
    source, folder = bulk(size), DATA / f"ten-times-{size}-{SEED}"

    def link() -> None:
        for number in range(10):
            to = folder / "collection" / f"EX{number:02}"
            shutil.copytree(source, to, copy_function=os.link)

    return _kept(folder, link)


def _kept(folder: Path, make: Callable[[], object]) -> Path:
    """Make a folder's data unless it is there, and read it once."""
    done = folder / "complete"
    if not done.exists():
        tell(f"making {folder.name}")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make()
        done.touch()
    for path in files_of(folder / "collection"):
        with path.open("rb", buffering=0) as stream:
            while stream.read(1 << 20):
                pass
    return folder / "collection"


def files_of(collection: Path) -> list[Path]:
    """Return a collection's files in path order."""
    return sorted(p for p in collection.rglob("*") if p.is_file())


# --- the parts


def speed(sizes: Sizes) -> Iterator[Figure]:
    """Examine innocent logs, against ripgrep with the same patterns and against SHA-256."""
    collection = bulk(sizes.size)
    works = {"exopsy": lambda: examine(collection, sizes.workers)}
    if ripgrep := tool("rg"):
        patterns = DATA / "patterns.txt"
        patterns.write_text("\n".join(ripgrep_patterns(BULK_LOGS)) + "\n", "ascii")
        options = f"-j{sizes.workers} -c -i -a --no-unicode --no-ignore --no-config -f".split()
        works["rg"] = lambda: run([ripgrep, *options, patterns, collection], 1)
    if openssl := tool("openssl"):
        works["openssl"] = lambda: run([openssl, "dgst", "-sha256", *files_of(collection)])
    costs = dict(zip(works, interleaved(sizes.runs, list(works.values())), strict=True))
    own = costs["exopsy"]
    size = sum(path.stat().st_size for path in files_of(collection))
    on = f"{in_bytes(sizes.size)}, {sizes.workers} workers, median of {sizes.runs}"
    yield Figure("speed", "examine, wall", on, wall(own), "s")
    yield Figure("speed", "examine, CPU", on, cpu(own), "s")
    yield Figure("speed", "examine, throughput", on, size / wall(own) / 1e6, "MB/s")
    if "rg" in costs:
        yield Figure("speed", "ripgrep, same patterns, wall", on, wall(costs["rg"]), "s")
        ratio = wall(own) / wall(costs["rg"])
        yield Figure("speed", "examine wall / ripgrep wall", on, ratio, limit=1.0)
    if "openssl" in costs:
        yield Figure("speed", "openssl SHA-256, CPU", on, cpu(costs["openssl"]), "s")
        ratio = cpu(own) / cpu(costs["openssl"])
        yield Figure("speed", "examine CPU / openssl CPU", on, ratio, limit=2.2)


def memory(sizes: Sizes) -> Iterator[Figure]:
    """Peak memory by size: it must not grow with the evidence."""
    collections = {
        in_bytes(sizes.size // 10): bulk(sizes.size // 10),
        in_bytes(sizes.size): bulk(sizes.size),
        f"{in_bytes(sizes.size * 10)} (ten times the same files)": ten_times(sizes.size),
        f"{in_bytes(sizes.size)}, 1% hits": bulk(sizes.size, 0.01),
    }
    for on, collection in collections.items():
        tell(f"memory: {on}")
        with examining(collection, sizes.workers) as command:
            peak = peak_unique_bytes(command)
        on = f"{on}, {sizes.workers} workers"
        yield Figure("memory", "examine, peak unique set size", on, peak / 1e6, "MB", 400)


def hits(sizes: Sizes) -> Iterator[Figure]:
    """What evidence full of scanners' attempts costs over innocent evidence."""
    innocent, hit = bulk(sizes.size), bulk(sizes.size, 0.01)
    costs = interleaved(
        sizes.runs,
        [lambda: examine(innocent, sizes.workers), lambda: examine(hit, sizes.workers)],
    )
    on = f"{in_bytes(sizes.size)}, 1% hits, {sizes.workers} workers, median of {sizes.runs}"
    yield Figure("hits", "examine, wall", on, wall(costs[1]), "s")
    yield Figure("hits", "wall / wall without hits", on, wall(costs[1]) / wall(costs[0]), limit=5)


def start(sizes: Sizes) -> Iterator[Figure]:
    """What ``exopsy --help`` costs, and examining next to nothing: what every run pays."""
    collection = bulk(SCRAP)
    help_, scrap = interleaved(
        sizes.runs,
        [lambda: run([EXOPSY, "--help"]), lambda: examine(collection, sizes.workers)],
    )
    on = f"median of {sizes.runs}"
    yield Figure("start", "`exopsy --help`, CPU", on, cpu(help_) * 1e3, "ms", 150)
    yield Figure("start", "examine, CPU", f"{in_bytes(SCRAP)}, {on}", cpu(scrap), "s")


def plain(sizes: Sizes) -> Iterator[Figure]:
    """For the record: the path without the sieve, and reading again for what was found."""
    collection = bulk(sizes.plain_size)
    lines = sum(path.read_bytes().count(b"\n") for path in files_of(collection))
    (costs,) = interleaved(min(sizes.runs, 3), [lambda: examine(collection, 1, "--plain")])
    on = f"{in_bytes(sizes.plain_size)}, 1 worker, median of {min(sizes.runs, 3)}"
    yield Figure("plain", "examine --plain, whole process", on, lines / wall(costs), "rows/s")
    lab = DATA / f"lab-proxylogon-{sizes.lab_requests}-{SEED}"
    evidence = _kept(
        lab,
        lambda: make_lab(
            lab,
            scenario="proxylogon",
            seed=SEED,
            days=14,
            requests_per_day=sizes.lab_requests,
            events=False,
        ),
    )
    size = sum(path.stat().st_size for path in files_of(evidence))
    on = f"proxylogon lab, {size / 1e6:.0f} MB, {sizes.workers} workers, median of {sizes.runs}"
    once, again = interleaved(
        sizes.runs,
        [partial(_examine_here, evidence, sizes.workers, n) for n in (0, Limits().pivot_rounds)],
    )
    yield Figure("plain", "examine without pivot, within one process", on, wall(once), "s")
    yield Figure("plain", "examine with pivot / without", on, wall(again) / wall(once))


def _examine_here(collection: Path, workers: int, pivot_rounds: int) -> Cost:
    """Examine in this process, where limits can be set."""
    from exopsy.pipeline.examine import examine as examine_here
    from exopsy.pipeline.progress import SilentProgress

    with tempfile.TemporaryDirectory(dir=DATA, prefix="case-") as case:
        settings = RunSettings(
            collection=collection,
            case=Path(case),
            workers=workers,
            cache=DATA / "cache" / "exopsy",
            started=now_utc(),
            limits=Limits(pivot_rounds=pivot_rounds),
        )
        wall_at, cpu_at = time.perf_counter(), time.process_time()
        examine_here(settings, SilentProgress())
        return Cost(time.perf_counter() - wall_at, time.process_time() - cpu_at)


class EventSet(NamedTuple):
    """Event logs of one kind of server."""

    name: str
    attacks: float
    """Share of the records that are made for rules for attacks to look at."""
    least: int | None
    """Records a second; None: for the record."""
    without: tuple[int, ...] = ()
    """Numbers of innocent events that are left out."""


EVENT_SETS = (
    # Kinds of which a rule of the repository looks at every record, or at most: process starts,
    # logons, connections. What is left are the half per cent of attacks, and few others.
    EventSet("sparse", 0.005, 60_000, (1, 3, 10, 23, 400, 1316, 4624, 4625, 4634, 4688)),
    EventSet("server", 0.005, None),
    EventSet("dense", 0.5, 25_000),
)


def events(sizes: Sizes) -> Iterator[Figure]:
    """Event logs with a whole repository of Sigma rules, against reading them to JSON alone."""
    rules = sizes.sigma or ROOT.parent / "shared" / "samples" / "sigma" / "rules" / "windows"
    if not rules.is_dir():
        tell("no Sigma rules (--sigma DIR): event logs are not measured")
        return
    for made in EVENT_SETS:
        collection = bulk_events(sizes.events, made)
        examining_ = partial(examine, collection, sizes.workers, "--rules", str(rules))
        reading = [sys.executable, "-c", _READ_EVENTS, *map(str, files_of(collection))]
        own, alone = interleaved(sizes.runs, [examining_, partial(run, reading)])
        on = f"{sizes.events:,} records, {made.name}, {sizes.workers} workers, median of {sizes.runs}"
        rate = sizes.events / wall(own)
        yield Figure("events", "examine with Sigma's Windows rules", on, rate, "records/s")
        if made.least is not None:
            share = made.least / rate
            yield Figure("events", f"limit ({made.least:,} records/s) / that", on, share, limit=1.0)
        ratio = cpu(own) / cpu(alone)
        limit = 3.0 if made.name == "sparse" else None
        yield Figure("events", "CPU / reading to JSON alone", on, ratio, limit=limit)
        with examining(collection, sizes.workers, "--rules", str(rules)) as command:
            peak = peak_unique_bytes(command)
        yield Figure("events", "peak unique set size", on, peak / 1e6, "MB", 800)


_READ_EVENTS = """
import sys, evtx
for path in sys.argv[1:]:
    for record in evtx.PyEvtxParser(path, number_of_threads=1).records_json():
        pass
"""


def bulk_events(records: int, made: EventSet) -> Path:
    """Return a collection of event logs with that many records, in the page cache."""
    folder = DATA / f"events-{records}-{made.name}-{SEED}"
    return _kept(
        folder,
        lambda: make_bulk_events(
            folder, records=records, dense=made.attacks, seed=SEED, without=made.without
        ),
    )


PARTS: dict[str, Callable[[Sizes], Iterator[Figure]]] = {
    "speed": speed,
    "memory": memory,
    "hits": hits,
    "start": start,
    "plain": plain,
    "events": events,
}


# --- the same patterns for ripgrep


def ripgrep_patterns(logs: Iterable[str]) -> list[str]:
    """Return the first-stage patterns of all rules of some logs as ripgrep takes them, sorted."""
    from exopsy.evidence import registry
    from exopsy.pipeline.bundle import load_bundle
    from exopsy.pipeline.sieving import LogSieve

    bundle = load_bundle((CONTENT,), None)
    found = set()
    for log in logs:
        rules = [rule for rule in bundle.loaded.rules.rules if rule.log == log]
        sieve = LogSieve(
            registry.spec_of(log),
            rules,
            bundle.loaded.rules.lists,
            hot=bundle.hot,
            reference=bundle.innocent.get(log),
        ).sieve
        found |= {for_ripgrep(p.regex, is_header=p.kind == "header") for p in sieve.patterns}
    return sorted(found)


def for_ripgrep(regex: str, *, is_header: bool = False) -> str:
    r"""Return a pattern that finds in single lines what ``regex`` finds in whole blocks.

    ripgrep gives the pattern one line without its end. So ``\z`` is ``$``; a header line's mark,
    the line end before it (``[\n\x00\xbf]#``), is ``^``. Elsewhere line ends stand in classes beside
    ``^`` or ``\z``, and ripgrep takes them out itself.
    """
    if is_header:
        mark, _, rest = regex.partition("]")
        regex = f"(?:^|{mark.replace(chr(92) + 'n', '')}]){rest}"
    return regex.replace(r"\z", "$")


# --- the page


def tool(name: str) -> str | None:
    """Return where a tool is; say so if it is not installed."""
    found = shutil.which(name)
    if found is None:
        tell(f"{name} is not installed: what is measured against it is left out")
    return found


def machine() -> str:
    """Say on what it was measured, in one paragraph."""
    cores = psutil.cpu_count(logical=False) or 0
    parts = [
        cpu_model(),
        f"{cores} cores ({psutil.cpu_count()} threads)",
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB of memory",
        f"{platform.system()} {platform.release().split('-')[0]}",
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in ("hyperscan", "pyarrow", "duckdb")),
    ]
    for name, word in (("rg", "--version"), ("openssl", "version")):
        path = shutil.which(name)
        if path is None:
            parts.append(f"no {name}")
            continue
        done = subprocess.run([path, word], capture_output=True, text=True, check=True)
        parts.append(" ".join(done.stdout.split()[:2]))
    return "Machine: " + ", ".join(parts) + "."


def cpu_model(text: str | None = None) -> str:
    """Return the processor's name as ``/proc/cpuinfo`` (or ``text``) has it."""
    path = Path("/proc/cpuinfo")
    if text is None:
        text = path.read_text("utf-8") if path.exists() else ""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return " ".join(value.split())
    return platform.processor() or platform.machine()


def kept_lines(page: str, on: str, measured: Iterable[str]) -> list[str]:
    """Return a page's table lines of parts that were not measured now, if made on this machine."""
    old = page.partition(BEGIN)[2].partition(END)[0]
    if on not in old:
        return []
    again = set(measured)
    return [
        line
        for line in old.splitlines()
        if line.startswith("| ")
        and line != HEAD[0]
        and line.split("|")[1].strip().removesuffix(SMALL) not in again
    ]


def table(lines: Iterable[str], on: str) -> str:
    """Return what stands between the markers: the machine, the table in the parts' order."""
    order = list(PARTS)
    name = {line: line.split("|")[1].strip().removesuffix(SMALL) for line in lines}
    rows = sorted(name, key=lambda line: order.index(name[line]))
    note = f"{SMALL} measured at a smaller size or with fewer runs than the limits are meant for."
    notes = ["", note] if any(f"{SMALL} |" in row for row in rows) else []
    return "\n".join([on, "", *HEAD, *rows, *notes])


def with_table(page: str, text: str) -> str:
    """Return the page with ``text`` between its markers.

    Raises:
        ValueError: the markers are not there.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} with {END} behind it")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def tell(text: str) -> None:
    """Say on stderr what is going on."""
    print(text, file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Run."""
    full = Sizes()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", action="append", choices=list(PARTS), help="default: all")
    parser.add_argument("--size", type=int, default=full.size, help="bytes: speed, memory, hits")
    parser.add_argument("--plain-size", type=int, default=full.plain_size)
    parser.add_argument("--lab-requests", type=int, default=full.lab_requests)
    parser.add_argument("--runs", type=int, default=full.runs)
    parser.add_argument("--workers", type=int, default=full.workers)
    parser.add_argument("--events", type=int, default=full.events, help="records of event logs")
    parser.add_argument("--sigma", type=Path, metavar="DIR", help="Sigma rules for event logs")
    parser.add_argument("--no-limits", action="store_true", help="exit code 0 whatever comes out")
    parser.add_argument("--no-write", action="store_true", help="leave the page as it is")
    a = parser.parse_args(argv)
    sizes = Sizes(
        a.size, a.plain_size, a.lab_requests, a.runs, a.workers, a.events, a.sigma or full.sigma
    )
    parts = a.part or list(PARTS)
    mark = "" if sizes == full else SMALL
    figures: list[Figure] = []
    for part in parts:
        tell(f"measuring {part}")
        for figure in PARTS[part](sizes):
            tell("  " + figure.line(mark))
            figures.append(figure)
    on = machine()
    lines = [figure.line(mark) for figure in figures]
    print(table(lines, on))
    if not a.no_write:
        page = PAGE.read_text("utf-8")
        PAGE.write_text(
            with_table(page, table([*lines, *kept_lines(page, on, parts)], on)), "utf-8"
        )
    return 1 if any(f.is_over for f in figures) and not a.no_limits else 0


if __name__ == "__main__":
    sys.exit(main())
