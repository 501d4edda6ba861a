"""A folder of facts -> ``content/lists/shipped_stems.txt``.

Usage: ``python tools/make_lists.py FACTS``. The folder holds ``exchange_legit_webpaths.csv`` (every
file that some build ships below its install folder) and ``exchange_iis_vdirs.csv`` (which folder a
default server serves under which path).
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LISTS = HERE.parent / "src" / "exopsy" / "content" / "lists"

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


def main() -> int:
    """Write the list; say how many stems it holds."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    stems = shipped_stems(Path(sys.argv[1]))
    LISTS.mkdir(parents=True, exist_ok=True)
    (LISTS / "shipped_stems.txt").write_text(HEAD + "\n".join(stems) + "\n", "utf-8")
    print(f"{len(stems)} stems")
    return 0


if __name__ == "__main__":
    sys.exit(main())
