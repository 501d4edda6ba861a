"""Sigma filter documents, written into the rules that they are for: rule AND filter.

The result is rule documents again, so that whatever reads rules reads filtered ones: the filter's
detections join the rule's under names that neither the rule's own names nor its patterns (``1 of
selection*``, ``them``) can mean. pySigma checks a filter and compares log sources; its own joining
picks names at random and stumbles over some, so it is not used.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sigma.exceptions import SigmaError
from sigma.filters import SigmaFilter
from sigma.rule import SigmaLogSource

from exopsy.core.errors import ContentError

Document = tuple[dict[str, Any], str]
"""A YAML document, and where it lies."""

_TOKEN = re.compile(r"[^\s()]+")
_WORDS = frozenset({"and", "or", "not", "of", "1", "any", "all", "them"})
_SPECIFICATION = "See the Sigma specification of filters"


class FilteredRules(msgspec.Struct, frozen=True, kw_only=True):
    """All rules, in the order given, those with a filter rewritten; and what was wrong."""

    documents: tuple[tuple[dict[str, Any], str], ...]
    applied: dict[str, tuple[str, ...]]
    """Place of a rule's document -> places of the filters in it: what a filter silences has to be
    said."""
    errors: tuple[ContentError, ...] = ()


class _Filter(msgspec.Struct, kw_only=True):
    at: str
    source: SigmaLogSource
    rules: tuple[str, ...] | None
    """None: any."""
    detections: dict[str, Any]
    condition: str


class Filters:
    """Filters as read; what was wrong with them is in ``errors``, and the rest goes on."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.errors: list[ContentError] = []
        self._usable: list[_Filter] = []
        for document, at in documents:
            try:
                self._usable.append(_read(document, at))
            except ContentError as error:
                self.errors.append(error)

    def apply(
        self, document: dict[str, Any], at: str
    ) -> tuple[dict[str, Any], tuple[str, ...], list[ContentError]]:
        """Add to a rule the filters that name it, or any, and whose log source it fits.

        Returns:
            The rule's document (another one, where a filter was added), the places of the filters
            in it, and what kept others out.
        """
        names = names_of(document)
        places: list[str] = []
        errors: list[ContentError] = []
        result = document
        for number, found in enumerate(self._usable):
            named = found.rules is None or bool(names.intersection(found.rules))
            if not named:
                continue
            if not _fits(document, found.source):
                if found.rules is not None:
                    errors.append(
                        ContentError(
                            f"the filter is for another log source than {at}",
                            at=found.at,
                            remedy="Compare both log sources",
                        )
                    )
                continue
            try:
                _check_patterns(document, at)
                result = _joined(result, found, number, at)
            except ContentError as error:
                errors.append(error)
                continue
            places.append(found.at)
        return result, tuple(places), errors

    def unmet(self, names: Collection[str]) -> list[ContentError]:
        """Return an error for every rule that is named and not there.

        Args:
            names: of all rules, from ``names_of``.
        """
        return [
            ContentError(
                f"filters rule {name!r}, which is not there",
                at=found.at,
                remedy="Name rules that are loaded, by id or name, or 'any'",
            )
            for found in self._usable
            for name in found.rules or ()
            if name not in names
        ]


def names_of(document: Mapping[str, Any]) -> frozenset[str]:
    """Return what filters may call a rule: its id and its name, in lower case."""
    return frozenset(str(document[k]).lower() for k in ("id", "name") if document.get(k))


def apply_filters(rules: Sequence[Document], filters: Sequence[Document]) -> FilteredRules:
    """Add filters to all rules that they are for.

    A filter that can't be used, or names a rule that is not there or has another log source, is an
    error; the rest goes on without it. Rules are not checked here, and not changed in place.
    """
    usable = Filters(filters)
    errors = usable.errors
    made: list[Document] = []
    applied: dict[str, tuple[str, ...]] = {}
    names: set[str] = set()
    for document, at in rules:
        names |= names_of(document)
        result, places, wrong = usable.apply(document, at)
        errors += wrong
        made.append((result, at))
        if places:
            applied[at] = places
    errors += usable.unmet(names)
    return FilteredRules(documents=tuple(made), applied=applied, errors=tuple(errors))


def _read(document: Mapping[str, Any], at: str) -> _Filter:
    block = document.get("filter")
    if not isinstance(block, dict):
        raise ContentError("'filter' is not a mapping", at=at, remedy=_SPECIFICATION)
    if not isinstance(document.get("logsource"), dict):
        raise ContentError("the filter has no log source", at=at, remedy=_SPECIFICATION)
    named = block.get("rules")
    listed = [named] if isinstance(named, str) else named
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise ContentError(
            "'rules' is neither 'any' nor a list of ids or names", at=at, remedy=_SPECIFICATION
        )
    try:
        sigma = SigmaFilter.from_dict(copy.deepcopy(dict(document)))
        for condition in sigma.filter.parsed_condition:
            _ = condition.parsed
    except (
        SigmaError,
        AttributeError,
        TypeError,
        ValueError,
        LookupError,
        RecursionError,
    ) as error:
        # foreign documents hold anything; pySigma does not check every type before it uses it
        raise ContentError(f"not a Sigma filter: {error}", at=at, remedy=_SPECIFICATION) from error
    detections = {str(k): v for k, v in block.items() if k not in ("rules", "condition")}
    odd = sorted(_WORDS & {name.lower() for name in detections})
    if odd:
        raise ContentError(
            f"a detection is named {odd[0]!r}, a word of conditions", at=at, remedy="Rename it"
        )
    whole = not listed or (isinstance(named, str) and named.lower() == "any")
    return _Filter(
        at=at,
        source=sigma.logsource,
        rules=None if whole else tuple(dict.fromkeys(name.lower() for name in listed)),
        detections=detections,
        condition=block["condition"],
    )


def _fits(document: Mapping[str, Any], source: SigmaLogSource) -> bool:
    """Say whether a rule's log source is the filter's, or a part of it."""
    own = document.get("logsource")
    if not isinstance(own, dict) or not isinstance(document.get("detection"), dict):
        return False
    wanted = (source.category, source.product, source.service)
    found = (own.get("category"), own.get("product"), own.get("service"))
    return all(w is None or w == f for w, f in zip(wanted, found, strict=True))


def _check_patterns(document: dict[str, Any], at: str) -> None:
    """Refuse a rule whose own patterns could mean detections that are added.

    Names that begin with an underscore are meant only by patterns that begin so.
    """
    for condition in _conditions(document, at):
        for token in _TOKEN.findall(condition):
            if token.startswith("_") and "*" in token:
                raise ContentError(
                    f"no filter can be added: the rule's {token!r} could mean its detections",
                    at=at,
                    remedy="Name the rule's detections without a leading underscore",
                )


def _conditions(document: dict[str, Any], at: str) -> list[str]:
    found = document["detection"].get("condition")
    listed = found if isinstance(found, list) else [found]
    if not listed or not all(isinstance(condition, str) for condition in listed):
        raise ContentError("the rule has no condition to add a filter to", at=at)
    return listed


def _joined(document: dict[str, Any], found: _Filter, number: int, at: str) -> dict[str, Any]:
    own = document["detection"]
    listed = _conditions(document, at)
    prefix = f"_filter{number}_"
    added = {_renamed(name, prefix): copy.deepcopy(v) for name, v in found.detections.items()}
    taken = sorted(added.keys() & own.keys())
    if taken:
        raise ContentError(f"the name {taken[0]!r} is ours", at=at, remedy="Rename the detection")
    extra = _TOKEN.sub(lambda token: _token(token.group(), prefix), found.condition)
    joined = [f"({condition}) and ({extra})" for condition in listed]
    detection = {**own, **added, "condition": joined if len(joined) > 1 else joined[0]}
    return {**document, "detection": detection}


def _renamed(name: str, prefix: str) -> str:
    """Names that begin with ``_`` are not among ``them``: keep them apart."""
    return f"_hidden{prefix}{name}" if name.startswith("_") else prefix + name


def _token(token: str, prefix: str) -> str:
    if token == "them":  # noqa: S105 - a word of a condition
        return f"{prefix}*"
    return token if token.lower() in _WORDS else _renamed(token, prefix)
