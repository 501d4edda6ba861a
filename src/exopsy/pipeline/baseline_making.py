"""A clean server's files -> a baseline to compare others with."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from pathlib import Path

import msgspec

from exopsy.core.content import CONTENT, read_yaml
from exopsy.core.errors import CollectionError
from exopsy.core.limits import Limits
from exopsy.detection.known_good.baseline import EVERYTHING, Baseline, Content
from exopsy.detection.known_good.build_number import build_number
from exopsy.detection.known_good.places import Roots, cut, load_roots, parts_of
from exopsy.evidence.files import exchange_binary
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Row
from exopsy.sources.collection import open_collection
from exopsy.sources.layout import plain_path
from exopsy.sources.member import Member

MOST_FILES = 1_000_000
_BLOCK = 1 << 20
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A baseline, and what did not become part of it."""

    baseline: Baseline
    build_from: str
    """Where the build was found, for people; ``""``: it was given."""
    unread: tuple[str, ...] = ()
    """Files that could not be read: they will look unknown on other servers."""


def make_baseline(path: Path, build: str | None, limits: Limits | None = None) -> Made:
    """Record every file of the web folders of a clean server.

    Args:
        path: folder or archive: the server's drive, its install folder, or a collection of it.
        build: of the server; None: the version of its setup program says.
        limits: bounds on work.

    Raises:
        CollectionError: it can't be opened, holds no such folder, or its build can't be told.
    """
    maker = _Maker(load_roots())
    with open_collection(path, limits=limits or Limits()) as collection:
        for member in collection.members():
            maker.take(member)
    if not maker.files:
        raise CollectionError(
            f"{path} holds no web folder of Exchange (FrontEnd\\HttpProxy, ClientAccess, "
            "inetpub\\wwwroot). Name the drive of a clean server, its install folder, or a copy"
        )
    build_from = ""
    if build is None:
        build, build_from = maker.build(path)
    number = build_number(build)
    if number is None or len(number) != 4:
        raise CollectionError(f"'{build[:40]}' is no build. It has four numbers, like 15.1.2106.2")
    return Made(
        baseline=Baseline(
            origin="clean server",
            covers=frozenset((EVERYTHING,)),
            builds=(number,),
            files=maker.files,
        ),
        build_from=build_from,
        unread=tuple(sorted(maker.unread)),
    )


class _Maker:
    """Takes files one after the other."""

    def __init__(self, roots: Roots) -> None:
        self._roots = roots
        reading = read_yaml(CONTENT / "mappings" / "reading.yml")
        self._folders = re.compile(reading["build_folders"], re.IGNORECASE | re.ASCII)
        self.files: dict[str, dict[str, Content]] = {}
        self.unread: list[str] = []
        self._programs: Counter[str] = Counter()
        self._named: set[tuple[int, ...]] = set()
        self._count = 0

    def take(self, member: Member) -> None:
        """Record a file if it lies in a web folder; learn the build where it states one."""
        path = plain_path(member.path)
        if found := self._folders.search(path.replace("!/", "/")):
            self._named.add(build_number(found[1]) or ())
        placed = cut(parts_of(path), self._roots)
        if placed is None:
            self._ask_program(member)
            return
        place = "/".join(placed.place)
        read = None if _CONTROL.search(place) else _read(member)
        if read is None:
            self.unread.append(member.path)
            return
        self._count += 1
        if self._count > MOST_FILES:
            raise CollectionError(
                f"There are more than {MOST_FILES} files in the web folders. Name the install folder"
            )
        sha256, size = read
        self.files.setdefault(place, {})[sha256] = Content(size, (0,))

    def _ask_program(self, member: Member) -> None:
        if not exchange_binary.recognise(b"MZ", member.path):
            return
        try:
            with member.open() as stream:
                data = stream.read(exchange_binary.MOST_BYTES) or b""
        except OSError:
            return
        file = FileFacts(path=member.path, size=len(data), sha256="")
        for item in exchange_binary.read_file(data, file):
            if isinstance(item, Row) and "Build" in item.fields:
                self._programs[item.fields["Build"]] += 1

    def build(self, path: Path) -> tuple[str, str]:
        """Return the build and where it was found."""
        if len(self._programs) > 1:
            names = ", ".join(sorted(self._programs)[:5])
            raise CollectionError(
                f"{path} holds setup programs of several builds ({names}). Name one server's folder, "
                "or say which build with --build"
            )
        if self._programs:
            return next(iter(self._programs)), "the version of ExSetup.exe"
        full = sorted(number for number in self._named if len(number) == 4)
        if full and full[-1][:3] == max(self._named)[:3]:
            return ".".join(map(str, full[-1])), "the newest version folder"
        raise CollectionError(
            f"{path} does not say which build it is (no bin\\ExSetup.exe). Say it: --build 15.1.2507.37"
        )


def _read(member: Member) -> tuple[str, int] | None:
    """Return hash and size of a file; None where it can't be read to its end."""
    digest, size = hashlib.sha256(), 0
    try:
        with member.open() as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
                size += len(block)
    except OSError:
        return None
    return digest.hexdigest(), size
