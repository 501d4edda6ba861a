"""A size -> that many bytes of innocent IIS and HttpProxy logs, for benchmarks.

Every line differs. ``hit_share`` mixes in lines that a sieve must stop at: requests of mass
scanners for known chains and shell names, all refused, spread evenly.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from itertools import cycle
from pathlib import Path

from exopsy.lab import scanners
from exopsy.lab.noise import Noise, internet_background
from exopsy.lab.server import Build, Server
from exopsy.lab.stream import MILLISECONDS, SECONDS, emitter
from exopsy.lab.template import Template, compile_request
from exopsy.lab.writer import PROTOCOLS, LogTree

START = date(2021, 8, 23)
PER_MINUTE = 2_000
HIT_KINDS = 400


def make_bulk(folder: Path, *, target_bytes: int, seed: int, hit_share: float = 0.0) -> int:
    """Write logs of about ``target_bytes`` into ``folder/collection``; return the bytes written.

    ``hit_share`` is the share of all lines (0 to 1) that are scanner attempts. The size is
    reached to within a minute's lines (about 2 MB); a small target makes minutes shorter.
    """
    rng = random.Random(f"bulk/{seed}")  # noqa: S311 - reproducible, not secret
    build = Build("15.1.2242.12")
    server = Server("EX01", rng, people=100)
    noise = Noise(server, build, rng, internet_background(server, rng, build))
    tree = LogTree(
        folder / "collection" / server.name, names=frozenset(("front", "back", *PROTOCOLS))
    )
    hits = cycle(_hits(server, build, rng))
    emit = emitter(tree, rng)
    kinds, cumulative, _ = noise.pool(1.0)
    per_minute = max(5, min(PER_MINUTE, target_bytes // 20_000))
    lines = hit_lines = minute = 0
    while tree.bytes < target_bytes:
        day = (START + timedelta(days=minute // 1440)).isoformat()
        clock = f"{minute % 1440 // 60:02}:{minute % 60:02}:"
        times = sorted(int(rng.random() * 60_000) for _ in range(per_minute))
        for ms, templates in zip(
            times, rng.choices(kinds, cum_weights=cumulative, k=per_minute), strict=True
        ):
            template = templates[int(rng.random() * len(templates))]
            emit(template, f"{day} {clock}", f"{day}T{clock}", ms)
            lines += _lines(template)
            while hit_lines < hit_share * lines and hit_share:
                hit = next(hits)
                emit(hit, f"{day} {clock}", f"{day}T{clock}", ms)
                lines += _lines(hit)
                hit_lines += _lines(hit)
        tree.flush(
            f"{day}T{clock}{SECONDS[times[0] // 1000]}{MILLISECONDS[times[0] % 1000]}", build
        )
        minute += 1
    tree.close()
    return tree.bytes


def _hits(server: Server, build: Build, rng: random.Random) -> list[Template]:
    requests = scanners.shell_sweep(rng, server, HIT_KINDS // 2)
    for chain in ("proxylogon", "proxyshell"):
        requests += scanners.chain_probes(rng, server, chain, HIT_KINDS // 4)
    rng.shuffle(requests)
    return [compile_request(r, server, build) for r in requests]


def _lines(template: Template) -> int:
    return bool(template.front) + bool(template.proxy) + bool(template.back)
