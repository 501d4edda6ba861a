"""A folder of Sigma rules by others -> our rules, and what can't be one, with the reason.

Any layout: every ``*.yml`` below the folder, several documents in a file, ``action: global`` of
old files. Correlations and filters are handed on as documents.
"""

from __future__ import annotations

import copy
import os
import re
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from exopsy.core.content import read_yaml_documents
from exopsy.core.errors import ContentError
from exopsy.detection.expression import fields_of, lists_of
from exopsy.detection.log_sources import LogSources, Unmapped, UnmappedError
from exopsy.detection.matcher import compile_expression
from exopsy.detection.rule import GradeWhen, Rule, ValueList
from exopsy.detection.techniques import techniques_of
from exopsy.schema.case import LEVELS, Grade
from exopsy.schema.columns import COLUMNS
from exopsy.schema.event import EVENT_LOG
from exopsy.schema.rule import RuleInfo

if TYPE_CHECKING:
    from exopsy.detection.correlations.filters import Filters

_MOST_BYTES = 4 << 20
_NAMESPACE = uuid.UUID("6f1f0a52-8f4c-4d5e-9f0a-3f6f3f2f6b11")


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """A document that is no rule by itself, for those who know what to do with it."""

    kind: Literal["correlation", "filter"]
    at: str
    document: dict[str, Any]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A ``ContentError`` that can be kept."""

    problem: str
    at: str
    remedy: str = ""

    def error(self) -> ContentError:
        """Return the error itself."""
        return ContentError(self.problem, at=self.at, remedy=self.remedy)


def problem_of(error: ContentError, at: str | None = None) -> Problem:
    """Return an error as it can be kept."""
    return Problem(problem=error.problem, at=at or error.at, remedy=error.remedy)


class Read(msgspec.Struct, kw_only=True):
    """What files gave."""

    rules: list[Rule] = []
    unmapped: list[Unmapped] = []
    handed: list[Handed] = []
    no_rules: list[str] = []
    """Files of YAML that are something else."""
    problems: list[Problem] = []
    names: list[str] = []
    """What filters may call the rules, those that can't run among them."""

    def add(self, other: Read) -> None:
        """Append what further files gave."""
        for name in self.__struct_fields__:
            getattr(self, name).extend(getattr(other, name))


def foreign_files(folder: Path) -> list[Path]:
    """Return the files of a folder that may hold rules, in a fixed order."""
    found: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(parent, name)
            for name in sorted(names)
            if name.endswith((".yml", ".yaml"))
            and not name.endswith(".test.yml")
            and not name.startswith(".")
        ]
    return found


class ForeignReader:
    """Reads files of one folder."""

    def __init__(
        self,
        folder: Path,
        sources: LogSources,
        lists: dict[str, ValueList],
        filters: Sequence[Handed] = (),
    ) -> None:
        self._folder = folder
        self._sources = sources
        self._lists = lists
        self._filters: Filters | None = None
        if filters:
            from exopsy.detection.correlations.filters import Filters

            self._filters = Filters([(found.document, found.at) for found in filters])

    def read(self, paths: Iterable[Path]) -> Read:
        """Read files; what is wrong with one does not stop the others."""
        result = Read()
        for path in paths:
            at = path.relative_to(self._folder).as_posix()
            try:
                documents = _merged(_documents(path), at)
            except ContentError as error:
                # the reader names the whole path
                result.problems.append(problem_of(error, error.at.replace(str(path), at)))
                continue
            lines = _lines_of_detections(path) if documents else []
            for number, document in enumerate(documents):
                place = at if len(documents) == 1 else f"{at}#{number + 1}"
                line = lines[number] if number < len(lines) else None
                self._document(document, place, at if line is None else f"{at}:{line}", result)
        return result

    def _document(self, document: dict[str, Any], place: str, at: str, result: Read) -> None:
        kind: Literal["correlation", "filter"]
        if isinstance(document.get("correlation"), dict):
            kind = "correlation"
        elif isinstance(document.get("filter"), dict):
            kind = "filter"
        elif "detection" in document and "logsource" in document:
            self._rule(document, place, at, result)
            return
        else:
            result.no_rules.append(place)
            return
        try:
            plain = msgspec.json.decode(msgspec.json.encode(document))
        except (TypeError, ValueError, msgspec.MsgspecError) as error:
            result.problems.append(Problem(problem=f"can't be kept: {error}", at=at))
            return
        result.handed.append(Handed(kind=kind, at=place, document=plain))

    def _rule(self, document: dict[str, Any], place: str, at: str, result: Read) -> None:
        from exopsy.detection.sigma_reader import MissingListError  # heavy; cached otherwise

        why = None
        places: tuple[str, ...] = ()
        if self._filters is not None:
            from exopsy.detection.correlations.filters import names_of

            result.names += sorted(names_of(document))
            document, places, errors = self._filters.apply(document, place)
            result.problems += [problem_of(error) for error in errors]
        try:
            made = self._made(document, place, at)
            result.rules.append(msgspec.structs.replace(made, filtered_by=places))
        except UnmappedError as error:
            why = str(error)
        except MissingListError as error:
            why = f"{error.problem}. {error.remedy}"
        except ContentError as error:
            result.problems.append(Problem(problem=error.problem, at=error.at, remedy=error.remedy))
        if why is not None:
            result.unmapped.append(
                Unmapped(
                    id=_identity(document),
                    title=str(document.get("title") or ""),
                    at=place,
                    why=why,
                )
            )

    def _made(self, document: dict[str, Any], place: str, at: str) -> Rule:
        from exopsy.detection.sigma_reader import (
            MissingListError,
            read_condition,
            read_detections,
        )

        logsource = document["logsource"]
        if not isinstance(logsource, dict):
            raise ContentError("'logsource' is not a mapping", at=at, remedy="See Sigma's taxonomy")
        self._sources.find(logsource)  # before all else: most that can't run fail here
        detections = read_detections(document, at)
        condition = read_condition(detections, at, lists=self._lists)
        for name in sorted(lists_of(condition)):
            if name not in self._lists:
                raise MissingListError(
                    f"list {name!r} does not exist",
                    at=at,
                    remedy=f"Write the values of %{name}% into lists/{name}.txt",
                )
        mapped = self._sources.apply(logsource, condition)
        known = COLUMNS[mapped.log]
        strange = sorted(f for f in fields_of(mapped.condition) if not known.knows(f))
        if strange:
            raise UnmappedError(f"{mapped.log} has no {', '.join(strange)}")
        try:
            compile_expression(mapped.condition, self._lists)
        except (re.error, ValueError, OverflowError, RecursionError) as error:
            raise ContentError(f"condition can't be evaluated: {error}", at=at) from error
        info = _info(document, mapped.log, mapped.subject, at)
        return Rule(
            info=info,
            log=mapped.log,
            condition=mapped.condition,
            grades=(GradeWhen(when=None, grade=_grade(info, mapped.log)),),
            at=place,
            is_foreign=True,
            name=str(document.get("name") or ""),
            tags=_tags(document),
            reads=mapped.reads,
            left_out=mapped.left_out,
        )


def filters_in(folder: Path) -> list[Handed]:
    """Return the filter documents of a folder; what is wrong with their files is told later."""
    found: list[Handed] = []
    for path in foreign_files(folder):
        try:
            if _FILTER.search(path.read_bytes()) is None:
                continue
            documents = _merged(_documents(path), "")
        except (OSError, ContentError):
            continue
        at = path.relative_to(folder).as_posix()
        for number, document in enumerate(documents):
            if isinstance(document.get("filter"), dict):
                place = at if len(documents) == 1 else f"{at}#{number + 1}"
                found.append(Handed(kind="filter", at=place, document=document))
    return found


_FILTER = re.compile(rb"^filter[ \t]*:", re.MULTILINE)


def _documents(path: Path) -> list[Any]:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ContentError(f"can't be read: {error}", at=str(path)) from error
    if size > _MOST_BYTES:
        raise ContentError(f"longer than {_MOST_BYTES} bytes", at=str(path))
    return read_yaml_documents(path)


def _merged(found: Sequence[Any], at: str) -> list[dict[str, Any]]:
    """Apply the collection actions of old files; documents that are no mappings are refused."""
    shared: dict[str, Any] = {}
    last: dict[str, Any] = {}
    made = []
    for document in found:
        if not isinstance(document, dict):
            raise ContentError("not a mapping", at=at, remedy="Start with 'title:'")
        action = document.get("action")
        rest = {key: value for key, value in document.items() if key != "action"}
        if action == "global":
            shared = _over(shared, rest)
        elif action == "reset":
            shared = {}
        else:
            last = _over(last, rest) if action == "repeat" else _over(shared, rest)
            made.append(last)
    return made


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Lay one document over another, mapping by mapping."""
    made = copy.deepcopy(below)
    for key, value in above.items():
        inner = made.get(key)
        both = isinstance(inner, dict) and isinstance(value, dict)
        made[key] = _over(inner, value) if both else value  # type: ignore[arg-type]
    return made


def _lines_of_detections(path: Path) -> list[int]:
    """Return the line of each document's detections, where there is one a document."""
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        return [n for n, line in enumerate(stream, 1) if line.startswith("detection:")]


def _tags(document: dict[str, Any]) -> tuple[str, ...]:
    tags = document.get("tags")
    return tuple(str(tag) for tag in tags) if isinstance(tags, list) else ()


def _identity(document: dict[str, Any]) -> str:
    """Return the rule's id; of a rule without one an id that follows from what it says."""
    given = document.get("id")
    if given:
        return str(given)
    text = repr((document.get("title"), document.get("logsource"), document.get("detection")))
    return str(uuid.uuid5(_NAMESPACE, text))


def _info(document: dict[str, Any], log: str, subject: tuple[str, ...], at: str) -> RuleInfo:
    level = str(document.get("level") or "medium").lower()
    for candidate in LEVELS:
        if level == candidate:
            return RuleInfo(
                id=_identity(document),
                title=str(document.get("title") or at),
                description=str(document.get("description") or ""),
                level=candidate,
                status=str(document.get("status") or "experimental"),
                techniques=techniques_of(_tags(document)),
                logs=(log,),
                subject=subject,
                innocent=_innocent(document.get("falsepositives")),
                author=str(document.get("author") or ""),
            )
    raise ContentError(f"level {level!r} is unknown", at=at, remedy=", ".join(LEVELS))


def _grade(info: RuleInfo, log: str) -> Grade:
    """Say what a match means, which these rules don't.

    An event is something that happened on the server, so what its author holds to be serious there
    is a sign that a person should look at; a request may have been refused.
    """
    return "success" if log == EVENT_LOG and info.level in ("high", "critical") else "attempt"


def _innocent(found: object) -> tuple[str, ...]:
    """Return innocent explanations; "Unknown" explains nothing."""
    entries = found if isinstance(found, list) else [found]
    texts = (str(entry).strip() for entry in entries if entry)
    return tuple(t for t in texts if t and t.lower() not in ("unknown", "none", "unlikely"))
