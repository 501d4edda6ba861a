"""Make ``content/reference/<log>.txt``: samples of innocent records, by which the sieve chooses.

They come from the lab's quiet scenario and its bulk logs, so they hold no real name. Run once after the lab changed:

    .venv/bin/python tools/make_reference.py
"""

from __future__ import annotations

import random
import tempfile
from collections import defaultdict
from pathlib import Path

from exopsy.core.content import CONTENT
from exopsy.evidence import registry
from exopsy.lab.bulk import make_bulk
from exopsy.lab.make import make_lab

RECORDS = 1_000


def main() -> None:
    """Write the files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_lab(
            folder, scenario="quiet", seed=20210220, days=2, requests_per_day=30_000, events=False
        )
        kept: dict[str, list[str]] = defaultdict(list)
        make_bulk(folder / "bulk", target_bytes=60_000_000, seed=20210220)
        for path in sorted(folder.rglob("*.[lL][oO][gG]")):
            if not path.is_file():
                continue
            data = path.read_bytes()
            spec = registry.recognise(data[: 1 << 16], str(path))
            if spec is None:
                continue
            lines = data.decode("utf-8", "replace").splitlines()
            kept[spec.name] += [line for line in lines if line[:1].isdigit()]
    for log, lines in sorted(kept.items()):
        chosen = random.Random(log).sample(lines, min(RECORDS, len(lines)))
        target = CONTENT / "reference" / f"{log}.txt"
        target.write_text("\n".join(chosen) + "\n", encoding="utf-8")
        print(f"{target.name}: {len(chosen)} of {len(lines)} records")


if __name__ == "__main__":
    main()
