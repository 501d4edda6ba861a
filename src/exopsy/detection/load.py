"""Rule folders -> a ``RuleSet``, or every error at once.

A folder holds ``detections/**/*.yml``, ``aggregates/*.yml`` and ``lists/*.txt``; ``*.test.yml`` are
the tests beside them. Parsing costs far more than reading, so compiled rules are cached as JSON
under the hash of everything that went in.
"""

from __future__ import annotations

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
from exopsy.detection.expression import fields_of, lists_of
from exopsy.detection.matcher import compile_expression, normalise
from exopsy.detection.rule import Aggregate, Extract, GradeWhen, Rule, RuleSet, ValueList
from exopsy.schema.case import GRADES, LEVELS, Grade
from exopsy.schema.columns import COLUMNS
from exopsy.schema.format import FormatSpec
from exopsy.schema.rule import RuleInfo

_CACHE_FORMAT = "1"


class LoadedRules(msgspec.Struct, frozen=True, kw_only=True):
    """What could be loaded, and what could not."""

    rules: RuleSet
    errors: tuple[ContentError, ...] = ()


def load_rules(
    folders: Sequence[Path] = (CONTENT,),
    *,
    formats: Sequence[FormatSpec],
    cache: Path | None = None,
) -> LoadedRules:
    """Load all rules of the folders; a bad file is an error in the result, never a crash.

    Args:
        folders: content folders; the first is usually our own.
        formats: the log formats there are, to resolve log sources.
        cache: folder for compiled rules; None: no cache.
    """
    key = cache_key(folders, formats)
    kept = _read_cache(cache, key)
    if kept is not None:
        return LoadedRules(rules=kept)
    loaded = _load(folders, formats)
    if cache is not None and not loaded.errors:
        _write_cache(cache, key, loaded.rules)
    return loaded


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


def _load(folders: Sequence[Path], formats: Sequence[FormatSpec]) -> LoadedRules:
    errors: list[ContentError] = []
    rules: list[Rule] = []
    aggregates: list[Aggregate] = []
    lists = {
        found.name: found for folder in folders for found in _load_lists(folder / "lists", errors)
    }
    seen: dict[str, str] = {}
    for folder in folders:
        for path in rule_files(folder):
            at = str(path.relative_to(folder))
            try:
                made = _make(path, at, formats, lists)
            except ContentError as error:
                errors.append(error)
                continue
            if made.info.id in seen:
                errors.append(
                    ContentError(
                        f"id {made.info.id} is used by {seen[made.info.id]} too",
                        at=at,
                        remedy="Give it a new UUID",
                    )
                )
            seen[made.info.id] = at
            if isinstance(made, Rule):
                rules.append(made)
            else:
                aggregates.append(made)
    ruleset = RuleSet(rules=tuple(rules), aggregates=tuple(aggregates), lists=lists)
    return LoadedRules(rules=ruleset, errors=tuple(errors))


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
    log = _log(_mapping(document, "logsource", at), at, formats)
    sigma = read_rule({k: v for k, v in document.items() if k != "exopsy"}, at)
    condition = read_condition(sigma, at)
    grades = []
    for entry in block.get("grade") or [{"grade": "attempt"}]:
        if not isinstance(entry, dict) or entry.get("grade") not in GRADES:
            raise ContentError(
                "grade entry has no grade", at=at, remedy=f"Use one of {', '.join(GRADES)}"
            )
        when = entry.get("when")
        grades.append(
            GradeWhen(
                when=None if when is None else read_condition(sigma, at, str(when)),
                grade=entry["grade"],
            )
        )
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


def _log(source: dict[str, Any], at: str, formats: Sequence[FormatSpec]) -> str:
    """Resolve a Sigma log source to one format."""
    wanted = {k: source[k] for k in ("category", "product", "service") if source.get(k)}
    fits = [
        f.name for f in formats if wanted and all(getattr(f, k) == v for k, v in wanted.items())
    ]
    if len(fits) != 1:
        text = ", ".join(f"{k}: {v}" for k, v in wanted.items()) or "empty"
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
    techniques = tuple(
        tag.removeprefix("attack.").upper()
        for tag in document.get("tags") or ()
        if isinstance(tag, str) and re.fullmatch(r"attack\.t\d{4}(\.\d{3})?", tag)
    )
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
    names = ("load.py", "sigma_reader.py", "expression.py", "rule.py", "matcher.py", "casefold.py")
    files = [(here / name, name) for name in names]
    files += [(here.parent / "schema" / name, name) for name in ("rule.py", "columns.py")]
    for folder in folders:
        content = (*rule_files(folder), *sorted((folder / "lists").glob("*.txt")))
        files += [(path, path.relative_to(folder).as_posix()) for path in content]
    for path, name in files:
        data = path.read_bytes()
        digest.update(f"{name} {len(data)}\0".encode("utf-8", "surrogateescape") + data)
    return digest.hexdigest()


def _read_cache(cache: Path | None, key: str) -> RuleSet | None:
    if cache is None:
        return None
    try:
        return msgspec.json.decode((cache / f"rules-{key}.json").read_bytes(), type=RuleSet)
    except (OSError, msgspec.MsgspecError):
        return None


def _write_cache(cache: Path, key: str, rules: RuleSet) -> None:
    """Write atomically; a cache that can't be written is no cache, and no error."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        part = cache / f"rules-{key}.{os.getpid()}.part"
        part.write_bytes(msgspec.json.encode(rules))
        part.replace(cache / f"rules-{key}.json")
    except OSError:
        return
