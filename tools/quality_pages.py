"""Weigh innocent web pages, or an archive of samples: figures of ``docs/detection-quality.md``.

    .venv/bin/python tools/quality_pages.py
    .venv/bin/python tools/quality_pages.py --pages FOLDER
    .venv/bin/python tools/quality_pages.py --archive FILE --password-file FILE
    .venv/bin/python tools/quality_pages.py --speed

Without options: the packages of ``innocent_pages.txt``, fetched once by their registries' clients into
``bench-data/pages`` and held against their SHA-256. They are read in memory; nothing of them is unpacked,
installed or run, but that pip asks the one from PyPI for its name, after its hash was compared.

An archive is read in memory too: counts and names are printed, nothing else of it goes anywhere.
Exit code 1: an innocent page weighs high or critical, or nothing could be read.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from exopsy.core.content import CONTENT
from exopsy.core.limits import Limits
from exopsy.detection.pages.page_report import LEVELS, Reason
from exopsy.detection.pages.page_rows import page_fields
from exopsy.detection.pages.surface import RUN_SUFFIXES
from exopsy.detection.pages.weigh import weigh
from exopsy.detection.pages.yara_rules import YaraRules
from exopsy.sources import Member, ReadError, open_collection
from exopsy.sources.names import safe_path

HERE = Path(__file__).resolve().parent
PACKAGES = HERE / "innocent_pages.txt"
KEPT = HERE.parent / "bench-data" / "pages"

PAGES = RUN_SUFFIXES | {".config", ".inc", ".htm", ".html", ".js", ".dll", ".cs", ".vb"}
"""What is weighed of a package: what a server runs, serves, is set up by, or compiles."""
MISSED = LEVELS.index("medium")
_MOST = 32 << 20
_READ = 64 << 20
_NESTED = 1 << 30
_MEMORY = Path("/dev/shm")
_REASONS = 6


class Package(NamedTuple):
    """One line of ``innocent_pages.txt``."""

    registry: str
    name: str
    version: str
    file: str
    sha256: str


class Weighed(msgspec.Struct, frozen=True):
    """One file and what it weighs."""

    path: str
    size: int
    level: str
    reasons: tuple[str, ...]

    @property
    def suffix(self) -> str:
        """Return the extension in lower case, ``-`` where there is none."""
        return suffix_of(self.path) or "-"

    @property
    def rank(self) -> int:
        """Return the level's place, from 0."""
        return LEVELS.index(self.level)

    @property
    def is_missed(self) -> bool:
        """Whether it weighs too little to be looked at, were it a web shell."""
        return self.rank < MISSED


def read_packages(text: str) -> list[Package]:
    """Read the list; lines that begin with ``#`` are comments.

    Raises:
        ValueError: a line has not five words.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split()
        if len(words) != len(Package._fields):
            raise ValueError(f"line {number} of the list has {len(words)} words, not five")
        found.append(Package(*words))
    return found


def suffix_of(path: str) -> str:
    """Return a file's extension as ``.aspx``, or an empty text."""
    name = path.replace("\\", "/").rpartition("/")[2].lower()
    return f".{name.rpartition('.')[2]}" if "." in name else ""


def client_command(package: Package, folder: Path) -> list[str]:
    """Return the command of the registry's own client that puts the package into ``folder``."""
    exact = f"{package.name}={package.version}"
    match package.registry:
        case "debian-binary":
            return ["apt-get", "download", exact]
        case "debian-source":
            own = [f"Dir::Etc::sourcelist={folder}/sources.list", "Dir::Etc::sourceparts=-"]
            own += [f"Dir::State::lists={folder}/lists"]
            options = [word for option in own for word in ("-o", option)]
            return ["apt-get", *options, "source", "--download-only", "--tar-only", exact]
        case "npm":
            return ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
        case "pypi":
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            return [*pip, "--require-hashes", "--requirement", str(folder / "pypi.txt")]
    raise ValueError(f"{package.registry!r} is no registry that is known here")


def fetch(package: Package, folder: Path) -> Path:
    """Fetch a package unless it lies there; the file is what the list says, or it is refused.

    Raises:
        ValueError: its hash is another.
        OSError: the client is missing.
        subprocess.CalledProcessError: the client can't get it.
    """
    path = folder / package.file
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        if package.registry == "debian-source":
            _source_lists(folder)
        if package.registry == "pypi":
            pinned = f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n"
            (folder / "pypi.txt").write_text(pinned, "utf-8")
        _run(client_command(package, folder), folder)
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != package.sha256:
        raise ValueError(f"{package.file} has the SHA-256 {found}, not the one of the list")
    return path


def _source_lists(folder: Path) -> None:
    """Make apt know source packages, in lists of its own beside the machine's."""
    wanted = "deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)"
    named = ["Created-By: Packages", "Origin: Debian"]
    lines = _run(["apt-get", "indextargets", "--format", wanted, *named], folder)
    (folder / "sources.list").write_text("\n".join(sorted(set(lines.splitlines()))) + "\n", "utf-8")
    (folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    own = Package("debian-source", "", "", "", "")
    options = client_command(own, folder)
    _run([*options[: options.index("source")], "update"], folder)


def _run(command: Sequence[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


class Scales:
    """Weighs files as an examination does: by our weighing and our YARA rules."""

    def __init__(self) -> None:
        self._yara = YaraRules.load([CONTENT / "yara"])
        self.seconds = 0.0
        """Of the processor, spent on weighing."""

    def weigh(self, path: str, data: bytes) -> Weighed:
        """Weigh a file; its level is the higher of the two."""
        began = time.process_time()
        report = weigh(data, path, most=_MOST)
        matches = self._yara.scan(data)
        self.seconds += time.process_time() - began
        fields = page_fields(report, matches)
        level = max(fields["Level"], fields.get("YaraLevel", LEVELS[0]), key=LEVELS.index)
        reasons = [said(reason) for reason in report.reasons[:_REASONS]]
        reasons += [f"YARA {match.rule} ({match.meta.get('level', 'medium')})" for match in matches]
        return Weighed(safe_path(path), len(data), level, tuple(reasons))


def said(reason: Reason) -> str:
    """Return a reason as one line, without a text of the page."""
    sources = f" from {', '.join(reason.sources)}" if reason.sources else ""
    return f"line {reason.line}: {reason.name} {reason.weight}{sources}: {reason.text}"


def read_whole(member: Member) -> bytes:
    """Read a member up to a bound; of a damaged one what can be had."""
    held = bytearray()
    try:
        with member.open() as stream:
            while len(held) < _READ and (piece := stream.read(1 << 20)):
                held += piece
    except ReadError:
        pass
    return bytes(held[:_READ])


def weigh_archive(
    path: Path, scales: Scales, passwords: Sequence[bytes] = (), suffixes: Iterable[str] = ()
) -> tuple[list[Weighed], list[str]]:
    """Weigh what is in an archive or folder.

    What lies in archives inside it goes through a file system in memory; where there is none, those
    archives are named as not read.

    Args:
        path: of the archive.
        scales: that weigh.
        passwords: tried in order.
        suffixes: only files with these; none: all.

    Returns:
        The files by path, and a line for each thing that could not be read.
    """
    wanted = frozenset(suffixes)
    found: list[Weighed] = []
    inner = _MEMORY if _MEMORY.is_dir() else None
    limits = Limits(spool_bytes=_NESTED if inner else 0)
    with (
        tempfile.TemporaryDirectory(prefix="exopsy-", dir=inner) as spool,
        open_collection(path, passwords=passwords, limits=limits, spool=Path(spool)) as collection,
    ):
        for member in collection.members():
            if wanted and suffix_of(member.path) not in wanted:
                continue
            found.append(scales.weigh(member.path, read_whole(member)))
        problems = [f"{safe_path(p.path)}: {p.text}" for p in collection.problems]
    return sorted(found, key=lambda w: w.path), problems


def weigh_package(path: Path, scales: Scales) -> tuple[list[Weighed], list[str]]:
    """Weigh the pages of a package; return as ``weigh_archive`` does."""
    if path.suffix != ".deb":
        return weigh_archive(path, scales, suffixes=PAGES)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        tar = Path(folder) / f"{path.stem}.tar"
        with tar.open("wb") as stream:
            subprocess.run(["dpkg-deb", "--fsys-tarfile", path], check=True, stdout=stream)
        return weigh_archive(tar, scales, suffixes=PAGES)


def table(weighed: Sequence[Weighed]) -> Iterator[str]:
    """Yield the lines of a table: extension, files, bytes, and files a level."""
    yield f"{'':10}{'files':>8}{'bytes':>13}" + "".join(f"{level:>15}" for level in LEVELS)
    by_suffix: dict[str, list[Weighed]] = {}
    for one in weighed:
        by_suffix.setdefault(one.suffix, []).append(one)
    rows = sorted(by_suffix.items(), key=lambda item: (-len(item[1]), item[0]))
    for name, own in [*rows, ("all", list(weighed))]:
        levels = Counter(w.level for w in own)
        counts = "".join(f"{levels[level]:>15}" for level in LEVELS)
        yield f"{name[:10]:10}{len(own):>8}{sum(w.size for w in own):>13}{counts}"


def described(weighed: Iterable[Weighed]) -> Iterator[str]:
    """Yield the lines for files that weigh something: the heaviest first."""
    for one in sorted(weighed, key=lambda w: (-w.rank, w.path)):
        yield f"{one.level:14}{one.path}"
        for reason in one.reasons:
            yield f"{'':14}    {reason}"


def measure_innocent(folders: Sequence[Path]) -> int:
    """Weigh the packages, or folders of pages; print figures and what weighs medium or more."""
    scales = Scales()
    found: list[Weighed] = []
    problems: list[str] = []
    began = time.perf_counter()
    for folder in folders:
        own, unread = weigh_archive(folder, scales, suffixes=PAGES)
        found += own
        problems += unread
    for package in [] if folders else read_packages(PACKAGES.read_text("utf-8")):
        try:
            path = fetch(package, KEPT)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"{package.name} could not be fetched: {error}")
            continue
        own, unread = weigh_package(path, scales)
        print(f"{package.name} {package.version}: {len(own)} files", flush=True)
        found += own
        problems += unread
    _print(found, scales, time.perf_counter() - began)
    for line in described(w for w in found if not w.is_missed):
        print(line)
    for problem in problems:
        print(f"not read: {problem}")
    return 1 if not found or any(w.rank > MISSED for w in found) else 0


def measure_archive(path: Path, passwords: Sequence[bytes]) -> int:
    """Weigh all files of an archive of samples; print figures and the names below medium."""
    scales = Scales()
    began = time.perf_counter()
    found, problems = weigh_archive(path, scales, passwords)
    _print(found, scales, time.perf_counter() - began)
    missed = [w for w in found if w.is_missed]
    print(f"{len(found) - len(missed)} of {len(found)} weigh medium or more; below that:")
    for one in missed:
        print(f"{one.level:14}{one.path}")
    for problem in problems:
        print(f"not read: {problem}")
    return 0 if found else 1


def _print(found: Sequence[Weighed], scales: Scales, wall: float) -> None:
    for line in table(found):
        print(line)
    print(f"{wall:.1f} s in all; {scales.seconds:.1f} s of the processor for weighing")


# -- speed ---------------------------------------------------------------------------------------

_PAGE = """<%@ Page Language="C#" AutoEventWireup="true" %>
<script runat="server">
protected void Page_Load(object sender, EventArgs e)
{{
    int shown = {number};
    string name = Request.QueryString["item{number}"];
    Title.Text = Server.HtmlEncode(name) + " " + shown.ToString();
}}
</script>
<html><body><form runat="server"><asp:Label id="Title" runat="server" />
<p>{words}</p></form></body></html>
"""
_START = b'<%@ Page Language="C#" %>\n<script runat="server">\nvoid F() { var a = Request["a"];\n'
WORST = {
    "markup": b"<p>hello</p>\n",
    "blocks": b"<% x %>",
    "openings": b"<%",
    "parentheses": b"(",
    "joined texts": b'"a"+',
    "escapes": rb"\u0041",
    "comments": b"a/**/.",
    "quotes": b'"',
    "NUL bytes": b"\0",
    "blanks": b" ",
    "script tags": b"<script runat=server ",
}
"""What a page that is slow to weigh might repeat."""


def repeated(piece: bytes, size: int) -> bytes:
    """Return a page of ``size`` bytes that begins as one and repeats a piece."""
    return (_START + piece * (size // len(piece) + 1))[:size]


def small_page(number: int) -> str:
    """Return an innocent page; no two numbers give the same."""
    return _PAGE.format(number=number, words="text " * (number % 40))


def measure_speed(files: int) -> int:
    """Time examinations of many small pages and of one large file, and the weighing of bad ones."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT, prefix="speed-") as made:
        web = Path(made) / "many" / "inetpub" / "wwwroot"
        for number in range(files):
            folder = web / f"part{number // 500}"
            if number % 500 == 0:
                folder.mkdir(parents=True)
            (folder / f"page{number}.aspx").write_text(small_page(number), "utf-8")
        _time_examination(f"{files} small pages", Path(made) / "many", Path(made))
        shutil.rmtree(Path(made) / "many")
        web = Path(made) / "large" / "inetpub" / "wwwroot"
        web.mkdir(parents=True)
        with (web / "large.aspx").open("wb") as stream:
            stream.write(_START)
            for _ in range(1 << 10):
                stream.write((b"<p>hello</p>\n" * (1 << 17))[: 1 << 20])
        _time_examination("one page of 1 GB", Path(made) / "large", Path(made))
    scales = Scales()
    for name, piece in WORST.items():
        data = repeated(piece, _MOST)
        began, before = time.perf_counter(), scales.seconds
        level = scales.weigh("page.aspx", data).level
        wall = time.perf_counter() - began
        print(
            f"32 MB of {name:14}{wall:8.1f} s, processor {scales.seconds - before:6.1f} s, {level}"
        )
    return 0


def _time_examination(what: str, folder: Path, beside: Path) -> None:
    program = Path(sys.executable).with_name("exopsy")
    case = beside / f"case-{folder.name}"
    command = [program, "examine", folder, "--case", case, "--workers", "2"]
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = time.perf_counter() - began
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    load = os.getloadavg()[0]
    print(
        f"{what}: {wall:.1f} s, processor {cpu:.1f} s, exit code {done.returncode}, load {load:.1f}",
        flush=True,
    )


def main(argv: list[str] | None = None) -> int:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pages", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--archive", type=Path, metavar="FILE")
    parser.add_argument("--password-file", type=Path, metavar="FILE")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--files", type=int, default=50_000, help="small pages for --speed")
    arguments = parser.parse_args(argv)
    if arguments.archive is not None:
        lines = arguments.password_file.read_bytes() if arguments.password_file else b""
        return measure_archive(arguments.archive, lines.splitlines())
    if arguments.speed:
        return measure_speed(arguments.files)
    return measure_innocent(arguments.pages)


if __name__ == "__main__":
    sys.exit(main())
