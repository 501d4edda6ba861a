"""A condition, and what is known of channel and event number -> what is left to ask of a record.

Both ways to use it are sound whatever the condition: ``settle`` evaluates with the matcher itself
what it can, ``reach`` only says which channels and numbers a condition can hold for at most.
"""

from __future__ import annotations

from collections.abc import Mapping

from exopsy.detection.casefold import fold
from exopsy.detection.events.gate import Gate
from exopsy.detection.expression import (
    FALSE,
    TRUE,
    All,
    Expression,
    No,
    SameAs,
    Some,
    Text,
    TimePart,
    simplified,
)
from exopsy.detection.matcher import compile_expression
from exopsy.detection.row_view import RowView
from exopsy.detection.rule import ValueList
from exopsy.schema.event import EVENT_LOG
from exopsy.schema.row import Origin, Row

CHANNEL, EVENT = "Channel", "EventID"
_ORIGIN = Origin(artifact="", offset=0, line=0)


def settle(expression: Expression, gate: Gate, lists: Mapping[str, ValueList]) -> Expression:
    """Return what is left of a condition for records from there; ``TRUE`` or ``FALSE`` if nothing."""
    known = ((CHANNEL, gate.channel), (EVENT, gate.event))
    view = RowView(
        Row(
            log=EVENT_LOG,
            host="",
            timestamp=None,
            fields={name: value for name, value in known if value is not None},
            origin=_ORIGIN,
            raw=b"",
        )
    )
    return simplified(_settled(expression, view, lists))


def _settled(node: Expression, view: RowView, lists: Mapping[str, ValueList]) -> Expression:
    match node:
        case All(items) | Some(items):
            decided = FALSE if isinstance(node, All) else TRUE
            left = []
            for item in items:
                made = _settled(item, view, lists)
                if made is decided:
                    return decided
                left.append(made)
            return type(node)(tuple(left))
        case No(item):
            return No(_settled(item, view, lists))
        case SameAs() | TimePart():
            return node
    if node.field not in (CHANNEL, EVENT):
        return node
    return TRUE if compile_expression(node, lists)(view) else FALSE


Reach = tuple[frozenset[str] | None, frozenset[str] | None]
"""Case-folded channels and numbers for which a condition can hold; None: any."""

_ANYWHERE: Reach = (None, None)


def reach(node: Expression) -> Reach:
    """Return channels and numbers outside of which a condition never holds."""
    match node:
        case All(items):
            channels, events = _ANYWHERE
            for item in items:
                inner = reach(item)
                channels = _both(channels, inner[0])
                events = _both(events, inner[1])
            return channels, events
        case Some(items) if items:
            found = [reach(item) for item in items]
            return _any([f[0] for f in found]), _any([f[1] for f in found])
        case Text(field, (str() as whole,), False) if field == CHANNEL:
            return frozenset((fold(whole),)), None
        case Text(field, (str() as whole,), False) if field == EVENT:
            return None, frozenset((fold(whole),))
    return _ANYWHERE


def _both(a: frozenset[str] | None, b: frozenset[str] | None) -> frozenset[str] | None:
    if a is None or b is None:
        return b if a is None else a
    return a & b


def _any(sets: list[frozenset[str] | None]) -> frozenset[str] | None:
    united: set[str] = set()
    for found in sets:
        if found is None:
            return None
        united |= found
    return frozenset(united)
