"""Measure what indicators cost: start, memory, and CPU seconds per gigabyte of logs.

    .venv/bin/python tools/bench_indicators.py                  # 1,000, 100,000 and 1,000,000
    .venv/bin/python tools/bench_indicators.py --count 1000000 --logs FOLDER --hits 0.001

The indicators are made from a seed, in the mix of a large feed: addresses of public ranges and names
under reserved top-level domains, as no list of real ones may ship. The logs are those of
``tools/bench.py``. Each size runs in a process of its own; CPU time is that of the sweep alone, and
beside it stands SHA-256 over the same bytes, so that figures of two machines can be compared.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from exopsy.detection.indicators.load import load_indicators
from exopsy.detection.indicators.sieve import IndicatorSieve
from exopsy.lab.bulk import make_bulk

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "bench-data"
BLOCK = 512 << 10
COUNTS = (1_000, 100_000, 1_000_000)
WORDS = (
    "alpha bravo cloud delta update secure login mail web portal cdn static sync data node proxy"
    " relay img api docs files shop news blog auth"
).split()
ENDS = ("example", "test", "invalid", "example.com", "example.net", "example.org")
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def name(rng: random.Random) -> str:
    """Return a host name that can't exist."""
    own = "".join(rng.choices(LETTERS, k=rng.randrange(3, 9)))
    return rng.choice((f"{rng.choice(WORDS)}-{own}", own, f"{own}.{rng.choice(WORDS)}")) + (
        "." + rng.choice(ENDS)
    )


def indicator(rng: random.Random) -> str:
    """Return one value, in the mix of a large feed."""
    kind = rng.random()
    four = ".".join(str(rng.randrange(256)) for _ in range(3))
    if kind < 0.40:
        return f"{rng.choice((11, 45, 91, 185, 203))}.{four}"
    if kind < 0.65:
        return name(rng)
    if kind < 0.83:
        bits = rng.choice((128, 160, 256, 256))
        return f"{rng.getrandbits(bits):0{bits // 4}x}"
    if kind < 0.93:
        return (
            f"http://{name(rng)}/{rng.choice(WORDS)}/{rng.randrange(10**6)}.php?id={rng.random()}"
        )
    if kind < 0.95:
        return f"{rng.choice(WORDS)}{rng.randrange(10**6)}.exe"
    if kind < 0.96:
        return f"C:\\Users\\Public\\{rng.choice(WORDS)}{rng.randrange(10**5)}\\x{rng.randrange(999)}.dll"
    if kind < 0.975:
        return f"{rng.choice(WORDS)}.{rng.randrange(10**5)}@{name(rng)}"
    if kind < 0.98:
        return f"EXAMPLE\\svc{rng.randrange(10**6)}"
    if kind < 0.985:
        return (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            f"Chrome/{rng.randrange(40, 120)}.0.{rng.randrange(3000, 6000)}.{rng.randrange(200)} "
            "Safari/537.36"
        )
    if kind < 0.995:
        return f"2001:db8:{rng.getrandbits(16):x}:{rng.getrandbits(16):x}::{rng.getrandbits(16):x}"
    return f"{rng.choice((11, 45, 91, 185, 203))}.{four[: four.rindex('.')]}.0/24"


def blocks(files: list[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield (file, block of whole lines)."""
    for path in files:
        data = path.read_bytes()
        at = 0
        while at < len(data):
            end = min(len(data), at + BLOCK)
            end = end if end == len(data) else data.rfind(b"\n", at, end) + 1
            yield str(path), data[at:end]
            at = end


def measure(count: int, logs: Path, seed: int, hits: float) -> dict[str, float]:
    """Return the figures of one size."""
    rng = random.Random(seed)
    files = sorted(p for p in logs.rglob("*") if p.is_file())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "indicators.txt"
        with path.open("w", encoding="utf-8") as stream:
            for _ in range(count):
                stream.write(indicator(rng) + "\n")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.process_time()
        cache = Path(folder) / "cache"
        made = load_indicators([path], cache=cache)
        loaded = time.process_time()
        memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        taken = len(made)
        del made
        again = time.process_time()
        made = load_indicators([path], cache=cache)
        kept = time.process_time()
    sieve = IndicatorSieve(made)
    ready = time.process_time()
    swept = hashed = 0.0
    size = found = 0
    scanner, current = sieve.scanner(), ""
    values = [made.value(rng.randrange(taken)).encode() for _ in range(1_000)]
    for name_of_file, block in blocks(files):
        if name_of_file != current:
            scanner, current = sieve.scanner(), name_of_file
        if hits:
            lines = block.split(b"\n")
            for at in range(len(lines)):
                if rng.random() < hits:
                    lines[at] += b" " + rng.choice(values)
            block = b"\n".join(lines)
        a = time.process_time()
        found += len(scanner.scan(block))
        b = time.process_time()
        hashlib.sha256(block).digest()
        swept, hashed = swept + b - a, hashed + time.process_time() - b
        size += len(block)
    return {
        "indicators": taken,
        "load_s": loaded - started,
        "load_kept_s": kept - again,
        "tables_s": ready - kept,
        "memory_mb": memory,
        "sweep_s_per_gb": swept / size * 1e9,
        "sha256_s_per_gb": hashed / size * 1e9,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "hits": found,
    }


def main(argv: list[str] | None = None) -> int:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, action="append")
    parser.add_argument("--logs", type=Path, help="default: made in bench-data, 200 MB")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hits", type=float, default=0.0, help="share of lines given a value")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    logs = arguments.logs
    if logs is None:
        logs = DATA / "indicators"
        if not logs.exists():
            make_bulk(logs, target_bytes=200_000_000, seed=1)
    if arguments.one is not None:
        print(json.dumps(measure(arguments.one, logs, arguments.seed, arguments.hits)))
        return 0
    for number, count in enumerate(arguments.count or COUNTS):
        command = [sys.executable, __file__, "--one", str(count), "--logs", str(logs)]
        command += ["--seed", str(arguments.seed), "--hits", str(arguments.hits)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        figures = json.loads(done.stdout)
        if not number:
            print(" | ".join(figures))
        print(" | ".join(f"{value:,.2f}".removesuffix(".00") for value in figures.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
