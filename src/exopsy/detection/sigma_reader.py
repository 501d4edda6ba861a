"""A Sigma rule as parsed by pySigma -> our expression.

The only module that imports pySigma; it is imported only when rules are not in the cache.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
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
from sigma.rule.detection import SigmaDetections
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
    TimePart,
)
from exopsy.detection.rule import ValueList
from exopsy.detection.sigma_modifiers import Differs, prepared

_FLAGS = {"IGNORECASE": "i", "MULTILINE": "m", "DOTALL": "s"}
_NOTHING = ((), ("-",))
_EXPANDED_MOST = 10_000
"""Texts that placeholders inside one value may stand for."""


class MissingListError(ContentError):
    """A placeholder's list is not there."""


def read_rule(document: dict[str, Any], at: str) -> SigmaRule:
    """Parse a rule's YAML document.

    Raises:
        ContentError: pySigma refuses it.
    """
    try:
        return SigmaRule.from_dict(document | {"detection": _detection(document)})
    except SigmaError as error:
        raise ContentError(
            f"not a Sigma rule: {error}", at=at, remedy="See the Sigma specification"
        ) from error


def read_detections(document: dict[str, Any], at: str) -> SigmaDetections:
    """Parse the detections of a rule, and nothing else of it.

    Raises:
        ContentError: pySigma refuses them.
    """
    try:
        return SigmaDetections.from_dict(_detection(document))
    except (SigmaError, TypeError, AttributeError, ValueError) as error:
        raise ContentError(
            f"detection can't be read: {error}", at=at, remedy="See the Sigma specification"
        ) from error


def read_condition(
    rule: SigmaRule | SigmaDetections,
    at: str,
    condition: str | None = None,
    lists: Mapping[str, ValueList] | None = None,
) -> Expression:
    """Turn the rule's condition, or another over its named detections, into an expression.

    Args:
        rule: the rule, or its detections alone.
        at: path of its file.
        condition: another condition than the rule's own.
        lists: what placeholders inside values stand for.

    Raises:
        ContentError: the condition does not parse, or holds something that we can't evaluate.
    """
    detections = rule.detection if isinstance(rule, SigmaRule) else rule
    try:
        if condition is None:
            parsed = [c.parsed for c in detections.parsed_condition]
        else:
            parsed = [SigmaCondition(condition, detections).parsed]
    except (SigmaError, RecursionError, TypeError) as error:
        raise ContentError(
            f"condition can't be parsed: {error}", at=at, remedy="Name detections that exist"
        ) from error
    reader = _Reader(at, lists or {})
    items = tuple(reader.expression(node) for node in parsed)
    return items[0] if len(items) == 1 else Some(items)


def _detection(document: dict[str, Any]) -> Any:  # noqa: ANN401 - YAML can hold anything
    block = document.get("detection")
    if not isinstance(block, dict):
        return block
    # "timeframe" is a leftover of old rules, and no detection that "them" could mean.
    return {
        name: value if name == "condition" else prepared(value)
        for name, value in block.items()
        if name != "timeframe"
    }


class _Reader:
    """pySigma's nodes -> our expression."""

    def __init__(self, at: str, lists: Mapping[str, ValueList]) -> None:
        self._at = at
        self._lists = lists

    def expression(self, node: Any) -> Expression:  # noqa: ANN401 - pySigma's nodes
        """Turn one node of a condition and all below it into an expression."""
        if isinstance(node, ConditionAND):
            return All(tuple(self.expression(item) for item in node.args))
        if isinstance(node, ConditionOR):
            return Some(tuple(self.expression(item) for item in node.args))
        if isinstance(node, ConditionNOT):
            return No(self.expression(node.args[0]))
        if isinstance(node, ConditionFieldEqualsValueExpression):
            return self._test(node.field, node.value)
        if isinstance(node, ConditionValueExpression):
            return self._keyword(node.value)
        raise ContentError(f"condition holds {type(node).__name__}", at=self._at)

    def _test(self, field: str, value: Any) -> Expression:  # noqa: ANN401 - a table of types
        match value:
            case SigmaString():
                return self._text(field, value)
            case SigmaTimestampPart():
                return _time_part(value, "eq")
            case SigmaNumber():
                return Text(field, (str(value.number),))
            case SigmaBool():
                return Text(field, (str(value.boolean).lower(),))
            case SigmaNull():
                return Missing(field)
            case SigmaExists():
                return Present(field) if value.exists else Missing(field)
            case SigmaRegularExpression():
                return self._regex(field, value)
            case SigmaCIDRExpression():
                return Network(field, value.cidr)
            case SigmaCompareExpression():
                op = value.op.name.lower()
                if isinstance(value.number, SigmaTimestampPart):
                    return _time_part(value.number, op)
                return Compare(field, op, float(value.number.number))
            case SigmaFieldReference():
                return SameAs(field, value.field, _how(value))
            case SigmaExpansion():
                return Some(tuple(self._test(field, item) for item in value.values))
            case Differs():
                tests = tuple(self._test(field, item) for item in value.values)
                return All((Present(field), No((All if value.from_all else Some)(tests))))
        raise ContentError(f"value of {field!r} is a {type(value).__name__}", at=self._at)

    def _keyword(self, value: Any) -> Expression:  # noqa: ANN401
        match value:
            case SigmaRegularExpression():
                return self._regex(None, value)
            case SigmaTimestampPart():
                return _time_part(value, "eq")
            case SigmaNumber():
                return Text(None, (ANY, str(value.number), ANY))
            case SigmaBool():
                return Text(None, (ANY, str(value.boolean).lower(), ANY))
            case SigmaString():
                return _anywhere(self._text(None, value))
            case SigmaExpansion():
                return Some(tuple(self._keyword(item) for item in value.values))
            case Differs():
                tests = tuple(self._keyword(item) for item in value.values)
                return No((All if value.from_all else Some)(tests))
        raise ContentError(f"keyword is a {type(value).__name__}", at=self._at)

    def _regex(self, field: str | None, value: SigmaRegularExpression) -> Expression:
        flags = "".join(sorted(_FLAGS[f.name] for f in value.flags))
        if not value.contains_placeholder():
            return Regex(field, value.to_plain(), flags)
        pieces = []
        for part in value.regexp.s:
            if isinstance(part, Placeholder):
                known = sorted(self._values(part.name))
                pieces.append(f"(?:{'|'.join(re.escape(text) for text in known)})")
            else:
                pieces.append(str(_literal_of(part)))
        # The lists' values are case-folded, and so must be what is compared with them.
        return Regex(field, "".join(pieces), "".join(sorted({*flags, "i"})))

    def _text(self, field: str | None, value: SigmaString) -> Expression:
        if field is not None and len(value.s) == 1 and isinstance(value.s[0], Placeholder):
            return InList(field, value.s[0].name)
        cased = isinstance(value, SigmaCasedString)
        names = [part.name for part in value.s if isinstance(part, Placeholder)]
        if not names:
            plain = self._plain(field, value.s, cased=cased)
            # Logs write "not recorded" as nothing or as a dash; rows leave both out.
            return Missing(field) if field is not None and plain.parts in _NOTHING else plain
        choices = [sorted(self._values(name)) for name in names]
        count = 1
        for choice in choices:
            count *= len(choice)
        if count > _EXPANDED_MOST:
            raise ContentError(
                f"placeholders {', '.join(names)} stand for {count} texts",
                at=self._at,
                remedy="Let the placeholder be the whole value, or shorten the list",
            )
        texts = []
        for chosen in itertools.product(*choices):
            left = iter(chosen)
            parts = [next(left) if isinstance(part, Placeholder) else part for part in value.s]
            texts.append(self._plain(field, parts, cased=False))
        return Some(tuple(texts))

    def _plain(self, field: str | None, found: list[Any], *, cased: bool) -> Text:
        parts: list[str | int] = []
        for part in found:
            if isinstance(part, SpecialChars):
                code = ANY if part == SpecialChars.WILDCARD_MULTI else ONE
                if not (parts and code == ANY and parts[-1] == ANY):
                    parts.append(code)
                continue
            text = str(part) if cased else fold(str(part))
            if not _is_writable(text):
                raise ContentError(
                    f"value of {field!r} is no text once it is encoded",
                    at=self._at,
                    remedy="Encode it as base64 behind utf16 or wide",
                )
            if parts and isinstance(parts[-1], str):
                parts[-1] += text
            elif text:
                parts.append(text)
        return Text(field, tuple(parts), cased)

    def _values(self, name: str) -> frozenset[str]:
        known = self._lists.get(name)
        if known is None:
            raise MissingListError(
                f"list {name!r} does not exist",
                at=self._at,
                remedy=f"Write the values of %{name}% into lists/{name}.txt",
            )
        return known.values


def _anywhere(text: Expression) -> Expression:
    """Return keywords as texts that may stand anywhere."""
    if isinstance(text, Some):
        return Some(tuple(_anywhere(item) for item in text.items))
    if not isinstance(text, Text):
        return text
    return Text(None, (ANY, *text.parts, ANY), text.cased)


def _time_part(value: SigmaTimestampPart, op: str) -> TimePart:
    return TimePart(value.timestamp_part.name.lower(), op, int(value.number))


def _how(value: SigmaFieldReference) -> str:
    starts, ends = getattr(value, "starts_with", False), getattr(value, "ends_with", False)
    if starts and ends:
        return "contains"
    return "startswith" if starts else "endswith" if ends else "equals"


def _literal_of(part: Any) -> str:  # noqa: ANN401
    """Undo the reading of wildcards in a regular expression."""
    if isinstance(part, SpecialChars):
        return "*" if part == SpecialChars.WILDCARD_MULTI else "?"
    return str(part)


def _is_writable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
