"""A folder of facts -> ``content/lists/shipped_stems.txt`` and ``content/facts/shipped_files.txt``.

Usage: ``python tools/make_lists.py FACTS``. The folder holds ``exchange_legit_webpaths.csv`` (every
file that some build ships below its install folder), ``exchange_webfile_baseline.csv`` (the same
with hashes and builds) and ``exchange_iis_vdirs.csv`` (which folder a default server serves under
which path).
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from exopsy.detection.known_good.baseline import Baseline, Content, render_baseline
from exopsy.detection.known_good.build_number import Number, build_number
from exopsy.detection.known_good.places import VERSION, parts_of

HERE = Path(__file__).resolve().parent
CONTENT = HERE.parent / "src" / "exopsy" / "content"
LISTS = CONTENT / "lists"

EXECUTABLE = (
    ".ascx .asax .ashx .asmx .asp .aspx .axd .cshtml .master .rem .soap .svc .vbhtml".split()
)
"""Extensions that IIS with ASP.NET compiles or runs."""

HEAD = """\
# normalise: version-folders
# origin: web files of Exchange builds up to March 2021 (CSS-Exchange baselines, MIT), mapped to URLs
# by the default virtual directories; endpoints without a file: tools/endpoints_without_file.txt.
# Made by tools/make_lists.py; do not edit by hand.
"""

FILES_COMMENT = """\
Web files of Exchange 2013, 2016 and 2019 builds up to March 2021, below the install folder.
Source: baselines of CSS-Exchange (MIT licence); format: detection/known_good/baseline.py.
Made by tools/make_lists.py; do not edit by hand.
"""
_INSTALL_FOLDERS = ("clientaccess", "frontend")
"""What a path begins with that is relative to the install folder; others are below the first."""


def served_folders(path: Path) -> dict[str, set[str]]:
    """Return install-relative folder -> URL paths it is served under (both lower-case, ``/``)."""
    served: dict[str, set[str]] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            folder = row["physicalPath"].lower().replace("\\", "/")
            url = (row["application"].rstrip("/") + row["virtualDirectory"]).rstrip("/").lower()
            for root in ("frontend/httpproxy/", "clientaccess/"):
                if root in folder and url:
                    served.setdefault(root + folder.split(root)[1].rstrip("/"), set()).add(url)
    return served


def stems_of(path: str, served: dict[str, set[str]]) -> set[str]:
    """Return the URL stems under which an install-relative file can be asked for."""
    parts = path.lower().replace("\\", "/").strip("/")
    for root in ("frontend/httpproxy/", "clientaccess/"):
        parts = parts.removeprefix(root)
    parts = parts.replace("exchweb/ews/", "ews/", 1)
    found = {"/" + parts}
    for folder, urls in served.items():
        short = folder.split("/", 1 if folder.startswith("clientaccess") else 2)[-1]
        if parts.startswith(short + "/"):
            found |= {url + parts[len(short) :] for url in urls}
    return found


def shipped_stems(facts: Path) -> list[str]:
    """Return every stem of an executable page that some build ships, sorted."""
    served = served_folders(facts / "exchange_iis_vdirs.csv")
    stems: set[str] = set()
    with (facts / "exchange_legit_webpaths.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            path = row["path_lower_version_collapsed"]
            if path.lower().endswith(tuple(EXECUTABLE)):
                stems |= stems_of(path, served)
    extra = (HERE / "endpoints_without_file.txt").read_text("utf-8").splitlines()
    return sorted(stems | {line for line in extra if line.startswith("/")})


def shipped_files(facts: Path) -> Baseline:
    """Return every web file that some build ships, with its hashes."""
    found: dict[str, dict[str, set[Number]]] = {}
    with (facts / "exchange_webfile_baseline.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            # the source writes folders that are named like a version as "Version"
            parts = [
                VERSION if part == "version" else part for part in parts_of(row["relative_path"])
            ]
            if parts[0] not in _INSTALL_FOLDERS:
                parts.insert(0, _INSTALL_FOLDERS[0])
            builds = found.setdefault("/".join(parts), {}).setdefault(row["sha256"].lower(), set())
            builds |= {number for word in row["builds"].split() if (number := build_number(word))}
    numbers = sorted({n for hashes in found.values() for builds in hashes.values() for n in builds})
    index = {number: at for at, number in enumerate(numbers)}
    return Baseline(
        origin="CSS-Exchange baselines (MIT), gathered 2026-11",
        covers=frozenset(place.rpartition(".")[2] for place in found),
        builds=tuple(numbers),
        files={
            place: {
                sha256: Content(None, tuple(sorted(index[n] for n in builds)))
                for sha256, builds in hashes.items()
            }
            for place, hashes in found.items()
        },
    )


def main() -> int:
    """Write the lists; say how much they hold."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    stems = shipped_stems(Path(sys.argv[1]))
    LISTS.mkdir(parents=True, exist_ok=True)
    (LISTS / "shipped_stems.txt").write_text(HEAD + "\n".join(stems) + "\n", "utf-8")
    print(f"{len(stems)} stems")
    files = shipped_files(Path(sys.argv[1]))
    text = render_baseline(files, FILES_COMMENT)
    (CONTENT / "facts" / "shipped_files.txt").write_text(text, "utf-8")
    print(f"{len(files.files)} files, {sum(map(len, files.files.values()))} contents")
    return 0


if __name__ == "__main__":
    sys.exit(main())
