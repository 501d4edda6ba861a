"""Sigma's log sources -> our logs: which events, under which field names (``mappings/sigma``).

A rule's log source becomes part of its condition: channel and event numbers. Where several kinds of
events say the same (a process started: Sysmon's, or Windows' own), each is an alternative, with
its own names of the fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from exopsy.core.content import CONTENT, read_yaml
from exopsy.core.errors import ContentError
from exopsy.detection.casefold import fold
from exopsy.detection.expression import (
    ANY,
    FALSE,
    ONE,
    TRUE,
    All,
    Expression,
    Some,
    Text,
    simplified,
)
from exopsy.detection.translation import Renaming, Translator

FOLDER = CONTENT / "mappings" / "sigma"
_KEYS = ("product", "category", "service")

Where = dict[str, list[str | int]]


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of records that a log source can mean."""

    name: str
    where: Where = {}
    """Field -> values, of which one must be there; ``*`` and ``?`` are wildcards."""
    has: tuple[str, ...] | None = None
    """Fields of these records beside the log's own; None: any."""
    rename: dict[str, Renaming] = {}
    """Sigma's name of a field -> how it is asked for here."""


class LogSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of Sigma's log sources: a log of ours, or why there is none."""

    logsource: dict[str, str]
    log: str = ""
    subject: tuple[str, ...] = ("Computer", "Channel")
    """What one finding of a rule from outside is about; absent fields are left out."""
    kinds: tuple[Kind, ...] = msgspec.field(default=(), name="from")
    why: str = ""


class Unmapped(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that can't run, with the reason."""

    id: str
    title: str
    at: str
    """Path of its file, relative to the rules folder."""
    why: str


class UnmappedError(Exception):
    """A rule's log source or field has no counterpart in the logs that are read."""


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """A rule's condition in our terms."""

    log: str
    condition: Expression
    subject: tuple[str, ...]
    reads: tuple[str, ...]
    """Names of the kinds of records in which it is looked for."""
    left_out: tuple[str, ...]
    """Kinds of records that can't answer it, and why."""


class LogSources:
    """All log sources that are known."""

    def __init__(self, sources: Sequence[LogSource], always: frozenset[str]) -> None:
        """Index.

        Args:
            sources: what ``read_log_sources`` read.
            always: fields of every event, whatever its kind.
        """
        self._always = always
        self._by_names = {_names(s.logsource): s for s in sources}

    def find(self, logsource: dict[str, Any]) -> tuple[LogSource, Where]:
        """Return the log source, and what its further names ask for.

        Raises:
            UnmappedError: no log that is read is meant.
        """
        names = _names(logsource)
        if not any(names):
            raise UnmappedError("the rule names no log source")
        found = self._by_names.get(names)
        product, category, service = names
        if found is None and category and service:
            # A category and the service that logs it: both must hold.
            found = self._by_names.get((product, category, ""))
            inner = self._by_names.get((product, "", service))
            if found is not None and inner is not None and inner.log == found.log:
                return found, inner.kinds[0].where
            found = None
        if found is None:
            text = ", ".join(f"{k}: {v}" for k, v in zip(_KEYS, names, strict=True) if v)
            raise UnmappedError(f"no log that is read here is {text}")
        if found.why:
            raise UnmappedError(found.why)
        return found, {}

    def apply(self, logsource: dict[str, Any], condition: Expression) -> Mapped:
        """Translate a rule's condition.

        Raises:
            UnmappedError: no kind of records can answer it.
        """
        source, further = self.find(logsource)
        choices: list[Expression] = []
        reads, left_out = [], []
        for kind in source.kinds:
            translator = Translator(kind.rename, kind.has, self._always)
            made = simplified(translator.translate(condition))
            if translator.spoiled:
                fields = ", ".join(sorted(translator.spoiled))
                left_out.append(f"{kind.name}: a filter asks for {fields}, which it has not")
            elif made == FALSE:
                fields = ", ".join(sorted(translator.lacking)) or "what it can't hold"
                left_out.append(f"{kind.name}: has no {fields}")
            else:
                gate = All((_where(kind.where), _where(further)))
                choices.append(simplified(All((gate, made))))
                reads.append(kind.name)
        if not choices:
            raise UnmappedError("; ".join(left_out))
        return Mapped(
            log=source.log,
            condition=simplified(Some(tuple(choices))),
            subject=source.subject,
            reads=tuple(reads),
            left_out=tuple(left_out),
        )


def read_log_sources(folder: Path = FOLDER) -> list[LogSource]:
    """Read every file of the folder, in path order.

    Raises:
        ContentError: an entry has not the shape it must have, or stands twice.
    """
    sources: list[LogSource] = []
    seen: dict[tuple[str, str, str], str] = {}
    for path in sorted(folder.glob("*.yml")):
        try:
            found = msgspec.convert(read_yaml(path), list[LogSource])
        except msgspec.ValidationError as error:
            raise ContentError(str(error), at=str(path), remedy="See log_sources.py") from error
        for source in found:
            names = _names(source.logsource)
            if names in seen:
                raise ContentError(f"log source {names} stands twice", at=str(path))
            if bool(source.why) == bool(source.kinds):
                raise ContentError(f"log source {names} needs 'from' or 'why'", at=str(path))
            seen[names] = str(path)
        sources += found
    return sources


def _names(logsource: dict[str, Any]) -> tuple[str, str, str]:
    product, category, service = (str(logsource.get(key) or "").lower() for key in _KEYS)
    return product, category, service


def _where(where: Where) -> Expression:
    tests = []
    for field, values in where.items():
        choices = tuple(Text(field, _parts(str(value))) for value in values)
        tests.append(choices[0] if len(choices) == 1 else Some(choices))
    return All(tuple(tests)) if tests else TRUE


def _parts(pattern: str) -> tuple[str | int, ...]:
    parts: list[str | int] = []
    for c in fold(pattern):
        code = {"*": ANY, "?": ONE}.get(c)
        if code is not None:
            parts.append(code)
        elif parts and isinstance(parts[-1], str):
            parts[-1] += c
        else:
            parts.append(c)
    return tuple(parts)
