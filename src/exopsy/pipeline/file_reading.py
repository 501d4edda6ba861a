"""Files that are evidence as a whole -> their facts, and rows of the elements that rules matched.

There is no sieve here: such files are few against the records of logs, their readers look for what
matters, and every rule is asked about every element.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence

from exopsy.core.limits import Limits
from exopsy.detection.matcher import Matcher, RowView
from exopsy.detection.rule import Rule, ValueList
from exopsy.evidence import registry
from exopsy.pipeline.known_good import FIELD, WaitingRows, waits_for_build
from exopsy.pipeline.matches import MatchBatch, MatchTable
from exopsy.pipeline.progress import SharedProgress
from exopsy.schema.artifact import ArtifactFacts
from exopsy.schema.file import FileFacts
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
        self._matchers: dict[str, list[Matcher]] = {}
        for rule in rules:
            if rule.log in registry.FILE_NAMES:
                self._matchers.setdefault(rule.log, []).append(Matcher(rule, lists))

    def match(self, row: Row, batch: MatchBatch) -> None:
        """Ask every rule of its kind about a row; keep it if one matches."""
        view = RowView(row)
        matchers = self._matchers.get(row.log, ())
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
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        lists: Mapping[str, ValueList],
        matches: MatchTable,
        limits: Limits,
        enrich: Mapping[str, Sequence[Enrich]],
        waiting: WaitingRows | None = None,
    ) -> None:
        self._rules = FileRules(rules, lists)
        self._waiting = waiting
        self._matches = matches
        self._limits = limits
        self._enrich = enrich

    def read(
        self, member: Member, stream: io.RawIOBase, spec: FormatSpec, progress: SharedProgress
    ) -> ArtifactFacts:
        """Read one file; ``stream`` is at its beginning."""
        digest = hashlib.sha256()
        held = bytearray()
        size, most = 0, self._limits.file_bytes
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
        )
        found.classes.records = len(held)
        found.classes.unread = size - len(held)
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
            self._look(bytes(held), member, spec, found, digest.hexdigest(), size)
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
            is_whole=found.state == "read",
        )
        batch = self._matches.batch()
        try:
            for item in registry.load_file(spec).read_file(data, file):
                if isinstance(item, Skipped):
                    found.skipped[item.reason] = found.skipped.get(item.reason, 0) + 1
                    continue
                found.lines += 1
                self._match(item, data, file, batch)
                if build := item.fields.get(spec.build_field):
                    day = "" if item.timestamp is None else f"{item.timestamp:%Y-%m-%d}"
                    found.builds[day] = build
                if state := item.fields.get(FIELD):
                    found.known[state] = found.known.get(state, 0) + 1
        finally:
            batch.flush()
        if found.skipped and found.state == "read":
            found.state = "partial"
            what = ", ".join(f"{reason} ({n})" for reason, n in sorted(found.skipped.items()))
            found.why = f"Not all of it could be understood: {what}."

    def _match(self, row: Row, data: bytes, file: FileFacts, batch: MatchBatch) -> None:
        for enrich in self._enrich.get(row.log, ()):
            enrich(row, data, file)
        if self._waiting is not None and waits_for_build(row):
            self._waiting.add(row)
        else:
            self._rules.match(row, batch)
