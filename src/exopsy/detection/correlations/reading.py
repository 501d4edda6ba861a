"""A Sigma correlation document -> ``Correlation``; pySigma parses, this keeps what is evaluated.

Wider than pySigma where the specification is: a condition may hold several comparisons (``gt: 100``
with ``lte: 200``), and an extended condition may say ``AND`` and name rules by id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

import msgspec
from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionNOT,
    CorrelationConditionOR,
    SigmaCorrelationCondition,
    SigmaCorrelationRule,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)
from sigma.exceptions import SigmaError

from exopsy.core.errors import ContentError
from exopsy.detection.correlations.correlation import (
    MOST_TERMS,
    NUMERIC,
    TEMPORAL,
    AllSeen,
    Bound,
    Correlation,
    NotSeen,
    Operator,
    Seen,
    Sight,
    SomeSeen,
    sight_holds,
    terms_of,
)
from exopsy.detection.correlations.linking import LinkedCorrelations, link_correlations
from exopsy.schema.case import LEVELS

MOST_RULES = 64
_MOST_LETTERS = 2_000
_MOST_DEPTH = 20
_BRUTE_FORCE = 12
_MOST = 1 << 53
_MOST_SECONDS = 100 * 366 * 86_400
_OPERATORS: tuple[Operator, ...] = ("gt", "gte", "lt", "lte", "eq", "neq")
_TOKEN = re.compile(r"[^\s()]+")
_SPECIFICATION = "See the Sigma specification of correlation rules"


def load_correlations(
    documents: Iterable[tuple[Mapping[str, Any], str]], rules: Iterable[tuple[str, str | None]]
) -> LinkedCorrelations:
    """Read documents and resolve what they refer to; all that is wrong is in the result.

    Args:
        documents: with a ``correlation`` block, and where each lies.
        rules: id and name (None: it has none) of every rule that can run.
    """
    made: list[Correlation] = []
    errors: list[ContentError] = []
    for document, at in documents:
        try:
            made.append(read_correlation(document, at))
        except ContentError as error:
            errors.append(error)
    linked = link_correlations(made, rules)
    return msgspec.structs.replace(linked, errors=(*errors, *linked.errors))


def read_correlation(document: Mapping[str, Any], at: str) -> Correlation:
    """Read a document that has a ``correlation`` block.

    Raises:
        ContentError: pySigma refuses it, it asks for what can't be evaluated, or it can never
            match.
    """
    block = document.get("correlation")
    if not isinstance(block, dict):
        raise ContentError("'correlation' is not a mapping", at=at, remedy=_SPECIFICATION)
    _check_shapes(block, at)
    condition = block.get("condition")
    names: list[str] = []
    plain = dict(block)
    plain["condition"] = _for_pysigma(condition, names, at)
    if isinstance(condition, str) and str(block["type"]).lower() in TEMPORAL:
        plain.pop("rules", None)  # pySigma would compare them with the names that stand in
    sigma = _parse({**document, "correlation": plain}, at)
    kind = sigma.type.name.lower()
    bounds, fields, percentile, sight = _condition(sigma, condition, names, at)
    rules = _strings(block.get("rules"))
    if sight is not None:
        _check_named(rules, names, at)
        rules = rules or tuple(dict.fromkeys(names))
    if not rules:
        raise ContentError("no rules are named", at=at, remedy="Name them under 'rules'")
    if condition is None:
        steps = len(rules) if kind == "temporal_ordered" else len(set(rules))
        bounds = (Bound("gte", steps),)
    level = document.get("level", "medium")
    if level not in LEVELS:
        raise ContentError(f"level {level!r} is unknown", at=at, remedy=", ".join(LEVELS))
    title = str(document.get("title") or "")
    name = str(document.get("name") or "")
    made = {
        "id": str(document.get("id") or "").lower() or name or title,
        "name": name,
        "title": title,
        "description": str(document.get("description") or ""),
        "level": level,
        "status": str(document.get("status") or "experimental"),
        "tags": _strings(document.get("tags")),
        "innocent": tuple(str(text) for text in _list(document.get("falsepositives"))),
        "kind": kind,
        "rules": rules,
        "group_by": tuple(dict.fromkeys(sigma.group_by or ())),
        "timespan_seconds": sigma.timespan.seconds,
        "aliases": sigma.aliases.to_dict(),
        "generate": sigma.generate,
        "bounds": bounds,
        "fields": fields,
        "percentile": percentile,
        "sight": sight,
        "at": at,
    }
    try:
        correlation = msgspec.convert(made, Correlation)
    except msgspec.ValidationError as error:
        raise ContentError(str(error), at=at, remedy=_SPECIFICATION) from error
    _check_meaning(correlation)
    return correlation


def _parse(document: dict[str, Any], at: str) -> SigmaCorrelationRule:
    try:
        return SigmaCorrelationRule.from_dict(document)
    except (
        SigmaError,
        AttributeError,
        TypeError,
        ValueError,
        LookupError,
        RecursionError,
    ) as error:
        # foreign documents hold anything; pySigma does not check every type before it uses it
        raise ContentError(
            f"not a Sigma correlation: {error}", at=at, remedy=_SPECIFICATION
        ) from error


def _check_shapes(block: Mapping[str, Any], at: str) -> None:
    """Refuse what pySigma would take, or stumble over."""
    rules = block.get("rules")
    if rules is not None and not (isinstance(rules, str) or _is_texts(rules)):
        raise ContentError("'rules' is no list of ids or names", at=at, remedy=_SPECIFICATION)
    if len(_strings(rules)) > MOST_RULES:
        raise ContentError(f"more than {MOST_RULES} rules", at=at, remedy="Nest correlations")
    group_by = block.get("group-by")
    if group_by is not None and not (isinstance(group_by, str) or _is_texts(group_by)):
        raise ContentError("'group-by' is no list of fields", at=at, remedy=_SPECIFICATION)
    if not isinstance(block.get("type"), str):
        raise ContentError("no type", at=at, remedy="Say 'type: event_count', or another")
    for name, mapping in _mapping(block.get("aliases"), "aliases", at).items():
        if not isinstance(name, str) or not all(
            isinstance(text, str) for pair in _mapping(mapping, name, at).items() for text in pair
        ):
            raise ContentError(
                f"alias {name!r} does not map rules to fields", at=at, remedy=_SPECIFICATION
            )


def _mapping(part: object, name: object, at: str) -> dict[Any, Any]:
    if part is None:
        return {}
    if not isinstance(part, dict):
        raise ContentError(f"{name!r} is not a mapping", at=at, remedy=_SPECIFICATION)
    return part


def _for_pysigma(condition: object, names: list[str], at: str) -> object:
    """Reduce a condition to what pySigma reads: one comparison; plain names in place of ids.

    The names of rules in an extended condition are collected in ``names``, in order of appearance;
    the n-th distinct one is ``rule_n`` in what is returned.
    """
    if isinstance(condition, dict):
        found = [op for op in _OPERATORS if op in condition]
        if not found:
            raise ContentError(
                "the condition compares nothing", at=at, remedy=f"Use {', '.join(_OPERATORS)}"
            )
        return {k: v for k, v in condition.items() if k not in found[1:]}
    if not isinstance(condition, str):
        return condition
    if len(condition) > _MOST_LETTERS:
        raise ContentError(
            f"the condition has more than {_MOST_LETTERS} characters", at=at, remedy="Nest it"
        )

    def placeholder(token: re.Match[str]) -> str:
        word = token.group()
        if word.lower() in ("and", "or", "not"):
            return word.lower()
        if word not in names:
            names.append(word)
        return f"rule_{names.index(word)}"

    return _TOKEN.sub(placeholder, condition)


def _condition(
    sigma: SigmaCorrelationRule, condition: object, names: list[str], at: str
) -> tuple[tuple[Bound, ...], tuple[str, ...], int | None, Sight | None]:
    parsed = sigma.condition
    if isinstance(parsed, SigmaExtendedCorrelationCondition):
        return (), (), None, _sight(parsed.parsed, names, at)
    if not isinstance(condition, dict):
        return (), (), None, None
    bounds = []
    for op in _OPERATORS:
        if op in condition:
            one = _comparison({op: condition[op]}, at)
            bounds.append(Bound(op, one.count))
    fields = parsed.fieldref
    if fields is not None and not (isinstance(fields, str) or _is_texts(fields)):
        raise ContentError("the condition's 'field' is no field", at=at, remedy=_SPECIFICATION)
    percentile = parsed.percentile
    if percentile is not None and percentile != condition["percentile"]:
        raise ContentError("'percentile' is no whole number", at=at, remedy=_SPECIFICATION)
    return tuple(bounds), _strings(fields), percentile, None


def _comparison(condition: dict[str, Any], at: str) -> SigmaCorrelationCondition:
    try:
        return SigmaCorrelationCondition.from_dict(condition)
    except (SigmaError, TypeError, OverflowError) as error:
        raise ContentError(
            f"not a Sigma correlation: {error}", at=at, remedy=_SPECIFICATION
        ) from error


def _sight(node: Any, names: list[str], at: str, depth: int = 0) -> Sight:  # noqa: ANN401 - pySigma's
    if depth > _MOST_DEPTH:
        raise ContentError(
            f"the condition is nested deeper than {_MOST_DEPTH}", at=at, remedy="Simplify it"
        )
    if isinstance(node, SigmaRuleReference):
        return Seen(names[int(node.reference.removeprefix("rule_"))])
    if isinstance(node, CorrelationConditionNOT):
        return NotSeen(_sight(node.args[0], names, at, depth + 1))
    items = tuple(_sight(item, names, at, depth + 1) for item in node.args)
    if isinstance(node, CorrelationConditionAND):
        return AllSeen(items)
    if isinstance(node, CorrelationConditionOR):
        return SomeSeen(items)
    raise ContentError(f"condition holds {type(node).__name__}", at=at)


def _check_named(rules: tuple[str, ...], names: list[str], at: str) -> None:
    """Compare the rules of an extended condition with those under ``rules``, if there are any."""
    odd = sorted(set(rules) ^ set(names)) if rules else []
    if odd:
        raise ContentError(
            f"{', '.join(odd)}: not both under 'rules' and in the condition",
            at=at,
            remedy="Name each rule in both",
        )


def _check_meaning(correlation: Correlation) -> None:
    """Refuse what can't be evaluated, or can never match: it would be silent for ever."""
    at = correlation.at
    if not correlation.id:
        raise ContentError("no id, name or title", at=at, remedy="Give it an id")
    if correlation.timespan_seconds > _MOST_SECONDS:
        raise ContentError(
            "the timespan is longer than a hundred years", at=at, remedy="Shorten it"
        )
    if any(abs(bound.number) > _MOST for bound in correlation.bounds):
        raise ContentError("the condition's number is too large", at=at, remedy="Use a smaller one")
    if correlation.kind in NUMERIC and len(correlation.fields) != 1:
        raise ContentError("not exactly one field to reckon with", at=at, remedy=_SPECIFICATION)
    if correlation.kind == "value_count" and not correlation.fields:
        raise ContentError("no field to count values of", at=at, remedy=_SPECIFICATION)
    percentile = correlation.percentile
    if correlation.kind == "value_percentile" and (
        percentile is None or not 0 <= percentile <= 100
    ):
        raise ContentError(
            "no percentile from 0 to 100", at=at, remedy="Give 'percentile' in the condition"
        )
    strangers = {rule for mapping in correlation.aliases.values() for rule in mapping}
    strangers -= set(correlation.rules)
    if strangers:
        raise ContentError(
            f"aliases name {', '.join(sorted(strangers))}, which are not under 'rules'",
            at=at,
            remedy="Name rules in aliases as under 'rules'",
        )
    try:
        possible = _is_possible(correlation)
    except ValueError as error:
        raise ContentError(str(error), at=at, remedy="Simplify it, or nest correlations") from error
    if not possible:
        raise ContentError(
            "the condition can never hold: only windows with a hit in them are looked at",
            at=at,
            remedy="Ask for something that is there; what is absent can't be correlated",
        )


def _is_possible(correlation: Correlation) -> bool:
    """Say whether some window with at least one hit could satisfy the condition.

    Raises:
        ValueError: the extended condition has too many alternatives.
    """
    rules = sorted(set(correlation.rules))
    if correlation.sight is not None:
        terms = terms_of(correlation.sight, most=MOST_TERMS)
        if len(rules) > _BRUTE_FORCE:
            return bool(terms)
        return any(
            sight_holds(correlation.sight, seen)
            for size in range(1, len(rules) + 1)
            for seen in combinations(rules, size)
        )
    if correlation.kind in NUMERIC:
        return True
    most = None
    if correlation.kind in TEMPORAL:
        ordered = correlation.kind == "temporal_ordered"
        most = len(correlation.rules) if ordered else len(rules)
    numbers = {1} | {
        max(1, int(b.number) + more) for b in correlation.bounds for more in (-1, 0, 1)
    }
    return any(
        all(bound.holds(number) for bound in correlation.bounds)
        for number in numbers
        if most is None or number <= most
    )


def _is_texts(part: object) -> bool:
    return isinstance(part, list) and all(isinstance(item, str) for item in part)


def _list(part: object) -> list[Any]:
    return part if isinstance(part, list) else [] if part is None else [part]


def _strings(part: object) -> tuple[str, ...]:
    return tuple(item for item in _list(part) if isinstance(item, str))
