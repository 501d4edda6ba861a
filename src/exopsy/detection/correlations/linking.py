"""Correlations and the rules that are there -> correlations that can run, and why others can't.

Names become ids. A correlation that refers to what is not there, to an ambiguous name, to itself,
or to a correlation that can't run, is an error with its reason; the others are not touched by it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

import msgspec

from exopsy.core.errors import ContentError
from exopsy.detection.correlations.correlation import (
    AllSeen,
    Correlation,
    NotSeen,
    Seen,
    Sight,
    SomeSeen,
)


class LinkedCorrelations(msgspec.Struct, frozen=True, kw_only=True):
    """What can run, in an order in which every correlation follows those that it refers to."""

    correlations: tuple[Correlation, ...] = ()
    errors: tuple[ContentError, ...] = ()

    def rules(self) -> frozenset[str]:
        """Return the ids of all rules and correlations that are referred to."""
        return frozenset(rule for c in self.correlations for rule in c.rules)

    def only_for_correlation(self) -> frozenset[str]:
        """Return the ids of rules and correlations that make no findings of their own.

        They are referred to, and by no correlation with ``generate: true``. A correlation that
        can't run silences nothing. Whoever has another reason to report such a rule may do so.
        """
        loud = frozenset(rule for c in self.correlations if c.generate for rule in c.rules)
        return self.rules() - loud


def link_correlations(
    correlations: Sequence[Correlation], rules: Iterable[tuple[str, str | None]]
) -> LinkedCorrelations:
    """Resolve what the correlations refer to.

    Args:
        correlations: as read; order does not matter for what they mean.
        rules: id and name (None: it has none) of every rule that can run.
    """
    errors: list[ContentError] = []
    ids: dict[str, str] = {}
    names: dict[str, set[str]] = {}
    for rule, name in rules:
        ids[rule.lower()] = rule
        if name:
            names.setdefault(name, set()).add(rule)
    own: dict[str, Correlation] = {}
    for correlation in correlations:
        taken = own[correlation.id].at if correlation.id in own else None
        if correlation.id.lower() in ids and taken is None:
            taken = "a rule"
        if taken is not None:
            errors.append(
                ContentError(
                    f"id {correlation.id} is used by {taken} too",
                    at=correlation.at,
                    remedy="Give it a new UUID",
                )
            )
            continue
        own[correlation.id] = correlation
    for correlation in own.values():
        ids[correlation.id.lower()] = correlation.id
        if correlation.name:
            names.setdefault(correlation.name, set()).add(correlation.id)
    resolved: dict[str, Correlation] = {}
    for correlation in own.values():
        try:
            resolved[correlation.id] = _resolve(correlation, ids, names)
        except ContentError as error:
            errors.append(error)
    ordered, unusable = _order(resolved, frozenset(own))
    return LinkedCorrelations(correlations=ordered, errors=(*errors, *unusable))


def _resolve(
    correlation: Correlation, ids: dict[str, str], names: dict[str, set[str]]
) -> Correlation:
    meant: dict[str, str] = {}
    for reference in dict.fromkeys(correlation.rules):
        found = (
            {ids[reference.lower()]} if reference.lower() in ids else names.get(reference, set())
        )
        if len(found) != 1:
            problem = "is not there" if not found else f"names {len(found)} rules"
            raise ContentError(
                f"refers to rule {reference!r}, which {problem}",
                at=correlation.at,
                remedy="Name rules that are loaded, by id or by a name of one rule",
            )
        (meant[reference],) = found
    return msgspec.structs.replace(
        correlation,
        rules=tuple(meant[rule] for rule in correlation.rules),
        aliases={
            alias: {meant[rule]: field for rule, field in mapping.items()}
            for alias, mapping in correlation.aliases.items()
        },
        sight=None if correlation.sight is None else _renamed(correlation.sight, meant),
    )


def _renamed(sight: Sight, meant: dict[str, str]) -> Sight:
    match sight:
        case Seen(rule):
            return Seen(meant[rule])
        case NotSeen(item):
            return NotSeen(_renamed(item, meant))
        case AllSeen(items):
            return AllSeen(tuple(_renamed(item, meant) for item in items))
        case SomeSeen(items):
            return SomeSeen(tuple(_renamed(item, meant) for item in items))


def _order(
    resolved: dict[str, Correlation], known: frozenset[str]
) -> tuple[tuple[Correlation, ...], list[ContentError]]:
    """Put referred correlations first; whatever can't be placed is in a circle or leans on one."""
    placed: dict[str, Correlation] = {}
    needs = {c.id: {rule for rule in c.rules if rule in known} for c in resolved.values()}
    users: dict[str, list[str]] = {}
    for name, wanted in needs.items():
        for rule in wanted:
            users.setdefault(rule, []).append(name)
    ready = deque(name for name, wanted in needs.items() if not wanted)
    while ready:
        name = ready.popleft()
        placed[name] = resolved[name]
        for user in users.get(name, ()):
            needs[user].discard(name)
            if not needs[user]:
                ready.append(user)
    errors = []
    for name, correlation in resolved.items():
        if name in placed:
            continue
        circle = _reaches(name, name, needs)
        errors.append(
            ContentError(
                "refers to itself, through other correlations or directly"
                if circle
                else f"refers to {', '.join(sorted(needs[name]))}, which can't be used",
                at=correlation.at,
                remedy="Break the circle" if circle else "See what is said of it",
            )
        )
    return tuple(placed.values()), errors


def _reaches(start: str, goal: str, needs: dict[str, set[str]]) -> bool:
    seen: set[str] = set()
    todo = [start]
    while todo:
        for name in needs.get(todo.pop(), ()):
            if name == goal:
                return True
            if name not in seen:
                seen.add(name)
                todo.append(name)
    return False
