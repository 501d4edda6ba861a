"""Files that are evidence as a whole -> their facts, and rows of the elements that rules matched.

There is no sieve here: such files are few against the records of logs, their readers look for what
matters, and every rule is asked about every element.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO, cast

import msgspec

from exopsy.core.digests import Digests
from exopsy.core.limits import Limits
from exopsy.detection.matcher import Matcher, RowView
from exopsy.detection.rule import Rule, ValueList
from exopsy.evidence import registry
from exopsy.pipeline.known_good import FIELD, WaitingRows, waits_for_build
from exopsy.pipeline.matches import MatchBatch, MatchTable
from exopsy.pipeline.progress import SharedProgress
from exopsy.schema.artifact import ArtifactFacts
from exopsy.schema.file import FileFacts, Interest
from exopsy.schema.format import FormatSpec
from exopsy.schema.row import Row, Skipped
from exopsy.sources.member import Member

Enrich = Callable[[Row, bytes, FileFacts], None]
"""Adds fields to a row of a file: what comparing, weighing or listing says of it."""

_BLOCK = 1 << 20


class FileRules:
    """The rules about files.

    Args:
        rules: all rules of the run.
        lists: that they name.
    """

    def __init__(self, rules: Sequence[Rule], lists: Mapping[str, ValueList]) -> None:
        self._rules = rules
        self._lists = lists
        self._matchers: dict[str, list[Matcher]] = {}  # made when a file of the kind is met

    def match(self, row: Row, batch: MatchBatch) -> None:
        """Ask every rule of its kind about a row; keep it if one matches."""
        view = RowView(row)
        matchers = self._matchers.get(row.log)
        if matchers is None:
            own = (rule for rule in self._rules if rule.log == row.log)
            matchers = self._matchers[row.log] = [Matcher(rule, self._lists) for rule in own]
        matched = [(m, grade) for m in matchers if (grade := m.match(view)) is not None]
        if matched:
            batch.add_state(row, view, matched)


class FileReading:
    """What is done with the files of a run; shared by all threads.

    Args:
        rules: all of them.
        lists: that they name.
        matches: where matched rows go.
        limits: of the run.
        enrich: kind of file -> what is asked of its rows before the rules are.
        waiting: where rows wait that need what is known at the end; None: none waits.
        interest: which entries of listings are wanted.
        digests: that are computed beside SHA-256.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        lists: Mapping[str, ValueList],
        matches: MatchTable,
        limits: Limits,
        enrich: Mapping[str, Sequence[Enrich]],
        waiting: WaitingRows | None = None,
        interest: Interest | None = None,
        digests: Sequence[str] = (),
    ) -> None:
        self._rules = FileRules(rules, lists)
        self._waiting = waiting
        self._matches = matches
        self._limits = limits
        self._enrich = enrich
        self._digests = digests
        self._interest = msgspec.structs.replace(interest or Interest(), most=limits.table_rows)
        self.late: list[Row] = []
        """Rows of the kinds that are judged when the whole collection is known."""

    def read(
        self, member: Member, stream: io.RawIOBase, spec: FormatSpec, progress: SharedProgress
    ) -> ArtifactFacts:
        """Read one file; ``stream`` is at its beginning."""
        if spec.is_table:
            return self._read_table(member, stream, spec, progress)
        digest = Digests(self._digests)
        held = bytearray()
        size, most = 0, spec.look_bytes or self._limits.file_bytes
        failure = ""
        try:
            while data := stream.read(_BLOCK):
                digest.update(data)
                progress.advance(memoryview(data))
                held += data[: max(0, most - len(held))]
                size += len(data)
        except OSError as error:
            failure = str(error)
        found = ArtifactFacts(
            path=member.path,
            kind=spec.name,
            host="",
            size=size,
            sha256=None if failure else digest.hexdigest(),
            state="read",
            hashes={} if failure else digest.more(),
        )
        found.classes.records = size if spec.look_bytes else len(held)
        found.classes.unread = size - found.classes.records
        if found.classes.unread:
            found.state = "partial"
            found.why = f"Only its first {most} bytes were looked into (limit file_bytes)."
        if failure:
            missing = max(0, (member.size or 0) - size)
            found.size += missing
            found.classes.unread += missing
            found.state = "partial" if size else "failed"
            found.why = f"Its reading stopped after {size} bytes: {failure}."
        if size or not failure:
            self._look(bytes(held), member, spec, found, found.sha256 or "", size)
        return found

    def _look(
        self,
        data: bytes,
        member: Member,
        spec: FormatSpec,
        found: ArtifactFacts,
        sha256: str,
        size: int,
    ) -> None:
        file = FileFacts(
            path=member.path,
            size=size,
            sha256=sha256,
            modified=member.modified,
            created=member.created,
            is_whole=len(data) == size and found.sha256 is not None,
        )
        batch = self._matches.batch()
        try:
            for item in registry.load_file(spec).read_file(data, file):
                if isinstance(item, Skipped):
                    found.skipped[item.reason] = found.skipped.get(item.reason, 0) + 1
                    continue
                found.lines += 1
                if spec.is_late:
                    self.late.append(item)
                    continue
                self._match(item, data, file, batch)
                if build := item.fields.get(spec.build_field):
                    day = "" if item.timestamp is None else f"{item.timestamp:%Y-%m-%d}"
                    found.builds[day] = build
                if state := item.fields.get(FIELD):
                    found.known[state] = found.known.get(state, 0) + 1
        finally:
            batch.flush()
        _tell_skipped(found)

    def _read_table(
        self, member: Member, stream: io.RawIOBase, spec: FormatSpec, progress: SharedProgress
    ) -> ArtifactFacts:
        """Read a listing as it comes, and to its end whatever its reader makes of it."""
        hashing = _Hashing(stream, progress, Digests(self._digests))
        found = ArtifactFacts(
            path=member.path, kind=spec.name, host="", size=0, sha256=None, state="read"
        )
        file = FileFacts(
            path=member.path,
            size=member.size or 0,
            sha256="",
            modified=member.modified,
            created=member.created,
        )
        failure = ""
        try:
            raw = cast("BinaryIO", hashing)
            for item in registry.load_table(spec).read_table(raw, file, self._interest):
                if isinstance(item, Skipped):
                    found.skipped[item.reason] = found.skipped.get(item.reason, 0) + 1
                else:
                    found.lines += 1
                    self.late.append(item)
            while hashing.read(_BLOCK):
                pass
        except OSError as error:
            failure = str(error)
        found.size = found.classes.records = hashing.size
        if failure:
            missing = max(0, (member.size or 0) - hashing.size)
            found.size += missing
            found.classes.unread = missing
            found.state = "partial" if hashing.size else "failed"
            found.why = f"Its reading stopped after {hashing.size} bytes: {failure}."
        else:
            found.sha256, found.hashes = hashing.digest.hexdigest(), hashing.digest.more()
        _tell_skipped(found)
        return found

    def _match(self, row: Row, data: bytes, file: FileFacts, batch: MatchBatch) -> None:
        for enrich in self._enrich.get(row.log, ()):
            enrich(row, data, file)
        if self._waiting is not None and waits_for_build(row):
            self._waiting.add(row)
        else:
            self._rules.match(row, batch)


def _tell_skipped(found: ArtifactFacts) -> None:
    if found.skipped and found.state == "read":
        found.state = "partial"
        what = ", ".join(f"{reason} ({n})" for reason, n in sorted(found.skipped.items()))
        found.why = f"Not all of it could be understood: {what}."


class _Hashing(io.RawIOBase):
    """A raw stream whose bytes are hashed and counted as they are read."""

    def __init__(self, stream: io.RawIOBase, progress: SharedProgress, digest: Digests) -> None:
        self._stream = stream
        self._progress = progress
        self.digest = digest
        self.size = 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read, hash, count."""
        count = self._stream.readinto(buffer) or 0
        view = memoryview(buffer)[:count]
        self.digest.update(view)
        self._progress.advance(view)
        self.size += count
        return count
