"""A Sigma rule as parsed by pySigma -> our expression.

The only module that imports pySigma; it is imported only when rules are not in the cache.
"""

from __future__ import annotations

from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
    SigmaCondition,
)
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule
from sigma.types import (
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
)

from exopsy.core.errors import ContentError
from exopsy.detection.casefold import fold
from exopsy.detection.expression import (
    ANY,
    ONE,
    All,
    Compare,
    Expression,
    InList,
    Missing,
    Network,
    No,
    Present,
    Regex,
    SameAs,
    Some,
    Text,
)

_FLAGS = {"IGNORECASE": "i", "MULTILINE": "m", "DOTALL": "s"}


def read_rule(document: dict[str, Any], at: str) -> SigmaRule:
    """Parse a rule's YAML document.

    Raises:
        ContentError: pySigma refuses it.
    """
    try:
        return SigmaRule.from_dict(document)
    except SigmaError as error:
        raise ContentError(
            f"not a Sigma rule: {error}", at=at, remedy="See the Sigma specification"
        ) from error


def read_condition(rule: SigmaRule, at: str, condition: str | None = None) -> Expression:
    """Turn the rule's condition, or another over its named detections, into an expression.

    Raises:
        ContentError: the condition does not parse, or holds something that we can't evaluate.
    """
    try:
        if condition is None:
            parsed = [c.parsed for c in rule.detection.parsed_condition]
        else:
            parsed = [SigmaCondition(condition, rule.detection).parsed]
    except SigmaError as error:
        raise ContentError(
            f"condition can't be parsed: {error}", at=at, remedy="Name detections that exist"
        ) from error
    items = tuple(_expression(node, at) for node in parsed)
    return items[0] if len(items) == 1 else Some(items)


def _expression(node: Any, at: str) -> Expression:  # noqa: ANN401 - pySigma's nodes
    if isinstance(node, ConditionAND):
        return All(tuple(_expression(item, at) for item in node.args))
    if isinstance(node, ConditionOR):
        return Some(tuple(_expression(item, at) for item in node.args))
    if isinstance(node, ConditionNOT):
        return No(_expression(node.args[0], at))
    if isinstance(node, ConditionFieldEqualsValueExpression):
        return _test(node.field, node.value, at)
    if isinstance(node, ConditionValueExpression):
        return _keyword(node.value, at)
    raise ContentError(f"condition holds {type(node).__name__}", at=at)


def _test(field: str, value: Any, at: str) -> Expression:  # noqa: ANN401 - a table of types
    if isinstance(value, SigmaString):
        return _text(field, value, at)
    if isinstance(value, SigmaNumber) and not isinstance(value, SigmaTimestampPart):
        return Text(field, (str(value.number),))
    if isinstance(value, SigmaBool):
        return Text(field, (str(value.boolean).lower(),))
    if isinstance(value, SigmaNull):
        return Missing(field)
    if isinstance(value, SigmaExists):
        return Present(field) if value.exists else Missing(field)
    if isinstance(value, SigmaRegularExpression):
        return _regex(field, value)
    if isinstance(value, SigmaCIDRExpression):
        return Network(field, value.cidr)
    if isinstance(value, SigmaCompareExpression) and isinstance(value.number, SigmaNumber):
        return Compare(field, value.op.name.lower(), float(value.number.number))
    if isinstance(value, SigmaFieldReference):
        how = (
            "startswith"
            if getattr(value, "starts_with", False)
            else "endswith"
            if getattr(value, "ends_with", False)
            else "equals"
        )
        return SameAs(field, value.field, how)
    if isinstance(value, SigmaExpansion):
        return Some(tuple(_test(field, item, at) for item in value.values))
    raise ContentError(f"value of {field!r} is a {type(value).__name__}", at=at)


def _keyword(value: Any, at: str) -> Expression:  # noqa: ANN401
    if isinstance(value, SigmaRegularExpression):
        return _regex(None, value)
    if isinstance(value, SigmaNumber):
        return Text(None, (ANY, str(value.number), ANY))
    if isinstance(value, SigmaString):
        parts = _text(None, value, at)
        if isinstance(parts, Text):
            return Text(None, (ANY, *parts.parts, ANY), parts.cased)
    raise ContentError(f"keyword is a {type(value).__name__}", at=at)


def _regex(field: str | None, value: SigmaRegularExpression) -> Regex:
    return Regex(field, value.to_plain(), "".join(sorted(_FLAGS[f.name] for f in value.flags)))


def _text(field: str | None, value: SigmaString, at: str) -> Expression:
    cased = isinstance(value, SigmaCasedString)
    parts: list[str | int] = []
    for part in value.s:
        if isinstance(part, Placeholder):
            if len(value.s) != 1 or field is None:
                raise ContentError(
                    f"placeholder %{part.name}% is mixed with text",
                    at=at,
                    remedy="Let the placeholder be the whole value",
                )
            return InList(field, part.name)
        if isinstance(part, SpecialChars):
            code = ANY if part == SpecialChars.WILDCARD_MULTI else ONE
            if not (parts and code == ANY and parts[-1] == ANY):
                parts.append(code)
        else:
            parts.append(part if cased else fold(part))
    return Text(field, tuple(parts), cased)
