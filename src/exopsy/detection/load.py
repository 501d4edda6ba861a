"""Rule folders -> a ``RuleSet``, or every error at once.

A folder of ours holds ``detections/**/*.yml``, ``aggregates/*.yml`` and ``lists/*.txt``;
``*.test.yml`` are the tests beside them. Any other folder is a repository of Sigma rules, in
whatever layout (``foreign``), with ``lists/*.txt`` for its placeholders. Parsing costs far more than
reading, so compiled rules are cached as JSON under the hash of everything that went in.
"""

from __future__ import annotations

import gc
import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from exopsy.core.content import CONTENT, read_yaml
from exopsy.core.errors import ContentError
from exopsy.detection.casefold import fold
from exopsy.detection.correlations.correlation import Correlation
from exopsy.detection.correlations.linking import link_correlations
from exopsy.detection.expression import Expression, fields_of, lists_of
from exopsy.detection.foreign import (
    Handed,
    Problem,
    Read,
    filters_in,
    foreign_files,
    problem_of,
)
from exopsy.detection.log_sources import FOLDER as MAPPINGS
from exopsy.detection.log_sources import Unmapped, UnmappedError
from exopsy.detection.matcher import compile_expression, normalise
from exopsy.detection.repository import known_log_sources, read_repository
from exopsy.detection.rule import Aggregate, Extract, GradeWhen, Rule, RuleSet, ValueList
from exopsy.detection.selection import Selection
from exopsy.detection.techniques import techniques_of
from exopsy.schema.case import GRADES, LEVELS, Grade
from exopsy.schema.columns import COLUMNS
from exopsy.schema.event import EVENT_LOG
from exopsy.schema.format import FormatSpec
from exopsy.schema.rule import RuleInfo

_CACHE_FORMAT = "3"
_CODE = (
    "casefold.py", "correlations/correlation.py", "correlations/filters.py",
    "correlations/reading.py", "expression.py", "foreign.py", "load.py", "log_sources.py", "matcher.py",
    "repository.py", "rule.py", "sigma_modifiers.py", "sigma_reader.py", "translation.py",
)  # fmt: skip


class LoadedRules(msgspec.Struct, frozen=True, kw_only=True):
    """What could be loaded, and what could not."""

    rules: RuleSet
    errors: tuple[ContentError, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    """Rules from outside that can't run here, with the reason."""
    correlations: tuple[Correlation, ...] = ()
    """From outside, those that can run, in an order in which each follows what it refers to."""
    silent: frozenset[str] = frozenset()
    """Ids of rules and correlations that only correlations ask for: they make no findings."""
    handed: tuple[Handed, ...] = ()
    """Correlations and filters from outside, as they were found."""
    not_selected: dict[str, int] = {}
    """Reason -> how many rules from outside were not wanted."""
    no_rules: tuple[str, ...] = ()
    """YAML files in repositories that hold no rule."""
    key: str = ""
    """``cache_key`` of all that was read."""


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is cached: everything but the selection, which is made anew."""

    rules: RuleSet
    problems: tuple[Problem, ...]
    unmapped: tuple[Unmapped, ...]
    correlations: tuple[Correlation, ...]
    handed: tuple[Handed, ...]
    no_rules: tuple[str, ...]
    has_own_errors: bool = False
    """A folder of ours has errors; its author is at work, and sees them told anew each time."""


def load_rules(
    folders: Sequence[Path] = (CONTENT,),
    *,
    formats: Sequence[FormatSpec],
    cache: Path | None = None,
    selection: Selection | None = None,
    workers: int = 1,
) -> LoadedRules:
    """Load all rules of the folders; a bad file is an error in the result, never a crash.

    Args:
        folders: content folders and repositories of Sigma rules; the first is usually our own.
        formats: the log formats there are, to resolve log sources.
        cache: folder for compiled rules; None: no cache.
        selection: which rules from outside are wanted; None: the usual.
        workers: processes that may read a large repository; the result does not depend on it.
    """
    key = cache_key(folders, formats)
    kept = _read_cache(cache, key)
    if kept is None:
        kept = _load(folders, formats, workers)
        if cache is not None and not kept.has_own_errors:
            _write_cache(cache, key, kept)
    return _selected(kept, selection or Selection(), key)


def _selected(kept: _Kept, selection: Selection, key: str) -> LoadedRules:
    refused: dict[str, int] = {}
    rules = []
    for rule in kept.rules.rules:
        why = selection.refusal(rule)
        if why is None:
            rules.append(rule)
        else:
            refused[why] = refused.get(why, 0) + 1
    linked = link_correlations(kept.correlations, [(r.info.id, r.name or None) for r in rules])
    own = {rule.info.id for rule in rules if not rule.is_foreign}
    return LoadedRules(
        rules=msgspec.structs.replace(kept.rules, rules=tuple(rules)),
        errors=(*(problem.error() for problem in kept.problems), *linked.errors),
        unmapped=kept.unmapped,
        correlations=linked.correlations,
        silent=linked.only_for_correlation() - own,
        handed=kept.handed,
        not_selected=dict(sorted(refused.items())),
        no_rules=kept.no_rules,
        key=key,
    )


def default_cache() -> Path | None:
    """Return the user's cache folder for compiled rules, or None where there is none."""
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "exopsy"
    except RuntimeError:
        return None


def rule_files(folder: Path) -> list[Path]:
    """Return the rule files of a folder in path order, tests left out."""
    found = (*(folder / "detections").rglob("*.yml"), *(folder / "aggregates").rglob("*.yml"))
    return sorted(p for p in found if not p.name.endswith(".test.yml"))


def is_repository(folder: Path) -> bool:
    """Say whether a folder is one of Sigma rules by others, not laid out as ours are."""
    return not any((folder / name).is_dir() for name in ("detections", "aggregates"))


def _load(folders: Sequence[Path], formats: Sequence[FormatSpec], workers: int) -> _Kept:
    errors: list[ContentError] = []
    rules: list[Rule] = []
    aggregates: list[Aggregate] = []
    lists = {
        found.name: found for folder in folders for found in _load_lists(folder / "lists", errors)
    }
    read = Read()
    seen: dict[str, str] = {}
    filters = [f for folder in folders if is_repository(folder) for f in filters_in(folder)]
    for folder in folders:
        if is_repository(folder):
            found = read_repository(folder, lists, tuple(formats), workers, filters)
            twice: list[ContentError] = []
            found.rules = [rule for rule in found.rules if _is_new(rule, seen, twice)]
            found.problems += [problem_of(error) for error in twice]
            read.add(found)
            continue
        for path in rule_files(folder):
            at = str(path.relative_to(folder))
            try:
                made = _make(path, at, formats, lists)
            except ContentError as error:
                errors.append(error)
                continue
            _is_new(made, seen, errors)
            if isinstance(made, Rule):
                rules.append(made)
            else:
                aggregates.append(made)
    correlations = _read_handed(read, filters)
    return _Kept(
        correlations=correlations,
        rules=RuleSet(rules=(*rules, *read.rules), aggregates=tuple(aggregates), lists=lists),
        problems=(
            *(problem_of(error) for error in errors),
            *read.problems,
        ),
        unmapped=tuple(read.unmapped),
        handed=tuple(read.handed),
        no_rules=tuple(read.no_rules),
        has_own_errors=bool(errors),
    )


def _read_handed(read: Read, filters: Sequence[Handed]) -> tuple[Correlation, ...]:
    """Read the correlations; say what is wrong with them and with the filters."""
    if filters:
        from exopsy.detection.correlations.filters import Filters

        checked = Filters([(found.document, found.at) for found in filters])
        wrong = [*checked.errors, *checked.unmet(frozenset(read.names))]
        read.problems += [problem_of(error) for error in wrong]
    made = []
    for found in read.handed:
        if found.kind != "correlation":
            continue
        from exopsy.detection.correlations.reading import read_correlation

        try:
            made.append(read_correlation(found.document, found.at))
        except ContentError as error:
            read.problems.append(problem_of(error))
    return tuple(made)


def _is_new(made: Rule | Aggregate, seen: dict[str, str], errors: list[ContentError]) -> bool:
    """Note a rule's id; say whether it is the first of it, and keep an error if it is not."""
    before = seen.get(made.info.id)
    seen.setdefault(made.info.id, made.at)
    if before is not None:
        errors.append(
            ContentError(
                f"id {made.info.id} is used by {before} too",
                at=made.at,
                remedy="Give it a new UUID",
            )
        )
    return before is None


def _make(
    path: Path, at: str, formats: Sequence[FormatSpec], lists: dict[str, ValueList]
) -> Rule | Aggregate:
    document = read_yaml(path)
    if not isinstance(document, dict):
        raise ContentError("not a mapping", at=at, remedy="Start with 'title:'")
    if "correlation" in document or "filter" in document:
        raise ContentError(
            "a Sigma correlation or filter is no rule, and content folders hold none",
            at=at,
            remedy="Write an aggregate",
        )
    if "aggregate" in document:
        return _aggregate(document, at)
    return _rule(document, at, formats, lists)


def _load_lists(folder: Path, errors: list[ContentError]) -> Iterable[ValueList]:
    for path in sorted(folder.glob("*.txt")):
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            errors.append(ContentError(f"can't be read: {error}", at=str(path)))
            continue
        how = ""
        values = set()
        for line in text.splitlines():
            entry = line.strip()
            if entry.startswith("#"):
                name, _, value = entry.lstrip("# ").partition(":")
                how = value.strip() if name == "normalise" else how
            elif entry:
                values.add(fold(entry))
        yield ValueList(
            name=path.stem,
            values=frozenset(normalise(value, how) for value in values),
            normalise=how,
        )


def _rule(
    document: dict[str, Any],
    at: str,
    formats: Sequence[FormatSpec],
    lists: dict[str, ValueList],
) -> Rule:
    from exopsy.detection.sigma_reader import read_condition, read_rule  # heavy; cached otherwise

    block = _block(document, at)
    source = _mapping(document, "logsource", at)
    is_event = source.get("product") == "windows" and not _fitting(source, formats)
    log = EVENT_LOG if is_event else _log(source, at, formats)
    sigma = read_rule({k: v for k, v in document.items() if k != "exopsy"}, at)
    condition = read_condition(sigma, at, lists=lists)
    if is_event:
        condition = _mapped(source, condition, at, formats)
    grades = []
    for entry in block.get("grade") or [{"grade": "attempt"}]:
        if not isinstance(entry, dict) or entry.get("grade") not in GRADES:
            raise ContentError(
                "grade entry has no grade", at=at, remedy=f"Use one of {', '.join(GRADES)}"
            )
        when = entry.get("when")
        asked = None if when is None else read_condition(sigma, at, str(when), lists)
        if asked is not None and is_event:
            asked = _mapped(source, asked, at, formats)
        grades.append(GradeWhen(when=asked, grade=entry["grade"]))
    extracts = tuple(
        _extract(str(name), e, at) for name, e in _mapping(block, "extract", at).items()
    )
    rule = Rule(
        info=_info(document, block, at, (log,), tuple(g.grade for g in grades)),
        log=log,
        condition=condition,
        grades=tuple(grades),
        extracts=extracts,
        keys=tuple(block.get("keys") or ()),
        at=at,
    )
    _check(rule, lists)
    return rule


def _mapping(document: dict[str, Any], name: str, at: str) -> dict[str, Any]:
    """Return a part of a document that has named parts itself; empty where it is absent.

    Raises:
        ContentError: it is something else.
    """
    part = document.get(name) or {}
    if not isinstance(part, dict):
        raise ContentError(
            f"{name!r} is not a mapping",
            at=at,
            remedy="Compare with the rules in content/detections",
        )
    return part


def _extract(name: str, entry: object, at: str) -> Extract:
    if not isinstance(entry, dict) or not all(
        isinstance(entry.get(k), str) for k in ("field", "re")
    ):
        raise ContentError(
            f"extract {name!r} is no field with a regular expression",
            at=at,
            remedy="Write {field: ..., re: ...}",
        )
    return Extract(name=name, field=entry["field"], pattern=entry["re"])


def _check(rule: Rule, lists: dict[str, ValueList]) -> None:
    """Refuse a rule that names a field or list that does not exist: it would match nothing."""
    columns = COLUMNS[rule.log]
    conditions = [rule.condition, *(g.when for g in rule.grades if g.when is not None)]
    used = set().union(*(fields_of(c) for c in conditions))
    used |= {*rule.keys, *(e.field for e in rule.extracts)}
    used |= set(rule.info.subject) - {e.name for e in rule.extracts}
    for field in sorted(used):
        if not columns.knows(field):
            raise ContentError(
                f"{field!r} is no field of {rule.log}",
                at=rule.at,
                remedy="See schema/columns.py for the fields of each log",
            )
    for name in sorted(set().union(*(lists_of(c) for c in conditions))):
        if name not in lists:
            raise ContentError(
                f"list {name!r} does not exist", at=rule.at, remedy="Add it to content/lists"
            )
    for condition in conditions:
        try:
            compile_expression(condition, lists)
        except (re.error, ValueError) as error:
            raise ContentError(f"condition can't be evaluated: {error}", at=rule.at) from error
    backdoor = rule.info.backdoor_field
    if backdoor is not None and backdoor not in rule.info.subject:
        raise ContentError(
            f"backdoor field {backdoor!r} is not in the subject",
            at=rule.at,
            remedy="Name it in 'subject'",
        )
    for extract in rule.extracts:
        try:
            groups = re.compile(extract.pattern).groups
        except re.error as error:
            raise ContentError(f"extract {extract.name!r}: {error}", at=rule.at) from error
        if groups != 1:
            raise ContentError(
                f"extract {extract.name!r} has {groups} groups", at=rule.at, remedy="Use one group"
            )


def _aggregate(document: dict[str, Any], at: str) -> Aggregate:
    block = _block(document, at)
    query = document["aggregate"]
    if not isinstance(query, dict) or not {"table", "sql"} <= query.keys():
        raise ContentError("aggregate needs 'table' and 'sql'", at=at)
    log = query.get("log")
    if log is not None and log not in COLUMNS:
        raise ContentError(f"{log!r} is no log format", at=at, remedy="See evidence/registry.py")
    columns = tuple(query.get("columns") or ())
    for column in columns:
        if log is None or not COLUMNS[log].knows(column):
            raise ContentError(f"{column!r} is no field of {log}", at=at)
    return Aggregate(
        info=_info(document, block, at, () if log is None else (log,), GRADES),
        log=log,
        table=str(query["table"]),
        columns=columns,
        sql=str(query["sql"]),
        at=at,
    )


def _block(document: dict[str, Any], at: str) -> dict[str, Any]:
    return _mapping(document, "exopsy", at)


def _mapped(
    source: dict[str, Any], condition: Expression, at: str, formats: Sequence[FormatSpec]
) -> Expression:
    """Return the condition of one of our rules for event logs with that of its log source."""
    try:
        mapped = known_log_sources(tuple(formats)).apply(source, condition)
    except UnmappedError as error:
        raise ContentError(
            f"log source can't be mapped: {error}", at=at, remedy="See content/mappings/sigma"
        ) from error
    return mapped.condition


def _fitting(source: dict[str, Any], formats: Sequence[FormatSpec]) -> list[str]:
    """Return the formats that a log source can mean."""
    wanted = {k: source[k] for k in _SOURCE if source.get(k)}
    return [
        f.name for f in formats if wanted and all(getattr(f, k) == v for k, v in wanted.items())
    ]


_SOURCE = ("category", "product", "service")


def _log(source: dict[str, Any], at: str, formats: Sequence[FormatSpec]) -> str:
    """Resolve a Sigma log source to one format."""
    fits = _fitting(source, formats)
    if len(fits) != 1:
        text = ", ".join(f"{k}: {source[k]}" for k in _SOURCE if source.get(k)) or "empty"
        raise ContentError(
            f"log source ({text}) fits {len(fits)} log formats",
            at=at,
            remedy="Name one service of product exchange, or category webserver",
        )
    return fits[0]


def _info(
    document: dict[str, Any],
    block: dict[str, Any],
    at: str,
    logs: tuple[str, ...],
    grades: tuple[Grade, ...],
) -> RuleInfo:
    level = document.get("level", "medium")
    if level not in LEVELS:
        raise ContentError(f"level {level!r} is unknown", at=at, remedy=", ".join(LEVELS))
    backdoor = _mapping(block, "backdoor", at)
    techniques = techniques_of(document.get("tags") or ())
    fields = {
        "id": str(document.get("id", "")),
        "title": document.get("title", ""),
        "description": document.get("description", "") or "",
        "level": level,
        "status": document.get("status", "experimental"),
        "chain": block.get("chain"),
        "step": block.get("step"),
        "behaviour": block.get("behaviour"),
        "grades": tuple(dict.fromkeys(grades)),
        "techniques": techniques,
        "logs": logs,
        "subject": tuple(block.get("subject") or ()),
        "innocent": tuple(block.get("innocent") or ()),
        "next": block.get("next", "") or "",
        "backdoor_kind": backdoor.get("kind"),
        "backdoor_field": backdoor.get("field"),
        "impact": block.get("impact"),
        "building_block": bool(block.get("building_block", False)),
    }
    try:
        return msgspec.convert(fields, RuleInfo)
    except msgspec.ValidationError as error:
        raise ContentError(
            str(error), at=at, remedy="Compare with the rules in content/detections"
        ) from error


def cache_key(folders: Sequence[Path], formats: Sequence[FormatSpec]) -> str:
    """Hash every file that can change what is loaded, and the code that loads it."""
    digest = hashlib.sha256(_CACHE_FORMAT.encode() + msgspec.json.encode(formats))
    here = Path(__file__).parent
    files = [(here / name, name) for name in _CODE]
    files += [(path, path.name) for path in sorted(MAPPINGS.glob("*.yml"))]
    files += [(here.parent / "schema" / name, name) for name in ("rule.py", "columns.py")]
    for folder in folders:
        rules = foreign_files(folder) if is_repository(folder) else rule_files(folder)
        content = (*rules, *sorted((folder / "lists").glob("*.txt")))
        start = 0 if str(folder) == "." else len(str(folder)) + 1
        files += [(path, str(path)[start:].replace("\\", "/")) for path in content]
    for path, name in files:
        data = path.read_bytes()
        digest.update(f"{name} {len(data)}\0".encode("utf-8", "surrogateescape") + data)
    return digest.hexdigest()


def _read_cache(cache: Path | None, key: str) -> _Kept | None:
    if cache is None:
        return None
    collects = gc.isenabled()
    gc.disable()  # a hundred thousand objects, none of them garbage
    try:
        return msgspec.json.decode((cache / f"rules-{key}.json").read_bytes(), type=_Kept)
    except (OSError, msgspec.MsgspecError):
        return None
    finally:
        if collects:
            gc.enable()


def _write_cache(cache: Path, key: str, rules: _Kept) -> None:
    """Write atomically; a cache that can't be written is no cache, and no error."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        part = cache / f"rules-{key}.{os.getpid()}.part"
        part.write_bytes(msgspec.json.encode(rules))
        part.replace(cache / f"rules-{key}.json")
    except OSError:
        return
