"""Rows of web files -> fields that say whether a build ships such a file.

The server's build decides some of them, and is known when everything has been read: such rows wait
(``WaitingRows``), and are given to the rules afterwards.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import msgspec

from exopsy.core.content import CONTENT
from exopsy.detection.known_good.baseline import read_baseline
from exopsy.detection.known_good.known_files import KnownFiles, State
from exopsy.detection.known_good.places import load_roots
from exopsy.schema.artifact import ArtifactFacts
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Row
from exopsy.sources.layout import plain_path

if TYPE_CHECKING:
    from exopsy.pipeline.file_reading import FileRules
    from exopsy.pipeline.matches import MatchBatch

SHIPPED_FILES = CONTENT / "facts" / "shipped_files.txt"
FIELD = "KnownGood"
_WAITING = ("changed-since", "unknown")


class KnownGood:
    """What is known of shipped files in one run; read when the first file is compared.

    Args:
        baselines: the analyst's own.

    Raises:
        ContentError: one of them is no baseline.
    """

    def __init__(self, baselines: Sequence[Path] = ()) -> None:
        self._own = [read_baseline(path) for path in baselines]
        self.sha256 = [hashlib.sha256(path.read_bytes()).hexdigest() for path in baselines]
        self._files: KnownFiles | None = None
        self._lock = threading.Lock()

    @property
    def files(self) -> KnownFiles:
        """Everything that is known, ours and the analyst's."""
        with self._lock:
            if self._files is None:
                self._files = KnownFiles([read_baseline(SHIPPED_FILES), *self._own], load_roots())
            return self._files

    def known_good_fields(self, row: Row, data: bytes, file: FileFacts) -> None:
        """Add the outcome of the comparison to a file's row (``pipeline.file_reading.Enrich``).

        ``KnownGood`` is the state (``detection.known_good.known_files``); ``KnownPlace`` where it
        lies below the folders that every server has; ``KnownBuilds`` which builds ship it, or one
        there; ``KnownAt`` where the same content or name is shipped, ``KnownBy`` which of these.
        """
        del data
        found = self.files.compare(plain_path(file.path), file.size, file.sha256)
        row.fields[FIELD] = found.state
        for name, value in (
            ("KnownPlace", _shown(found.place)),
            ("KnownBuilds", found.builds),
            ("KnownAt", _shown(found.at)),
            ("KnownBy", found.likeness),
        ):
            if value:
                row.fields[name] = value

    def settle(self, row: Row, build: str | None) -> None:
        """Complete the fields by the server's build: ``KnownGood``, and ``KnownRange`` beside it."""
        state = cast("State", row.fields[FIELD])
        row.fields[FIELD], row.fields["KnownRange"] = self.files.settle(state, build)


def waits_for_build(row: Row) -> bool:
    """Say whether the server's build can change what a row says."""
    return row.fields.get(FIELD) in _WAITING


class WaitingRows:
    """Rows that rules can be asked about only when everything has been read; a file of a run.

    Args:
        folder: of the run.
        name: tells the files of processes apart.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"waiting-{name}.jsonl"
        self.rows = 0
        self._stream: BinaryIO | None = None
        self._lock = threading.Lock()

    def add(self, row: Row) -> None:
        """Keep a row; from any thread."""
        text = msgspec.json.encode(row) + b"\n"
        with self._lock:
            if self._stream is None:
                self._stream = self.path.open("wb")
            self._stream.write(text)
            self.rows += 1

    def close(self) -> None:
        """Finish the file, if there is one."""
        if self._stream is not None:
            self._stream.close()


def settle_waiting(
    paths: Sequence[Path],
    builds: Mapping[str, str | None],
    known: KnownGood,
    rules: FileRules,
    batch: MatchBatch,
    facts: Mapping[str, ArtifactFacts],
) -> None:
    """Complete the rows that waited, ask the rules about them and count them anew.

    Args:
        paths: files of ``WaitingRows``.
        builds: artifact -> the build of its server, where it is known.
        known: completes them.
        rules: about files.
        batch: takes what a rule matched.
        facts: artifact -> where its outcomes are counted.
    """
    try:
        for row in read_waiting(paths):
            artifact = row.origin.artifact
            before = row.fields[FIELD]
            known.settle(row, builds.get(artifact))
            _count_anew(facts[artifact].known, before, row.fields[FIELD])
            rules.match(row, batch)
    finally:
        batch.flush()


def _count_anew(counts: dict[str, int], before: str, after: str) -> None:
    counts[before] -= 1
    if not counts[before]:
        del counts[before]
    counts[after] = counts.get(after, 0) + 1


def read_waiting(paths: Sequence[Path]) -> Iterator[Row]:
    """Yield the rows that waited, one after the other: there can be as many as files."""
    for path in sorted(paths):
        with path.open("rb") as stream:
            for line in stream:
                yield msgspec.json.decode(line, type=Row)


def _shown(place: str) -> str:
    return place.replace("/", "\\")
