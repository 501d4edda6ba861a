"""A rule of the URL Rewrite module -> what it asks, what it does, and why it does nothing.

The module reads a collection from top to bottom. What a later ``remove`` or ``clear`` takes away,
what is disabled, what doubles a name (the module refuses the whole collection), what only changes
the request, and what stands after a rule that lets every request through stops nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from exopsy.evidence.files.markup import Element

_BLOCKS = frozenset({"abortrequest", "customresponse"})
_EVERYTHING = frozenset({"", ".*", "(.*)", "^.*$", "^(.*)$", "*"})
_MOST = 20


def rewrite_fields(rule: Element, removed: bool) -> dict[str, str]:
    """Return the fields of one inbound rule.

    Args:
        rule: ``rules/rule``.
        removed: a later element of its collection takes it away.
    """
    action = rule.child("action")
    match = rule.child("match")
    asked = [c for c in _conditions(rule) if c.name == "add"]
    fields = {
        "Name": rule.get("name"),
        "Enabled": rule.get("enabled") or "true",
        "StopProcessing": rule.get("stopProcessing") or "false",
        "MatchUrl": "" if match is None else match.get("url"),
        "MatchNegated": "" if match is None else match.get("negate"),
        "Inputs": "\n".join(c.get("input") for c in asked[:_MOST]),
        "Patterns": "\n".join(c.get("pattern") for c in asked[:_MOST]),
        "ActionType": "" if action is None else action.get("type"),
        "ActionUrl": "" if action is None else action.get("url"),
        "StatusCode": "" if action is None else action.get("statusCode"),
    }
    fields["Ineffective"] = _why_ineffective(rule, fields, removed)
    return fields


def let_through_before(collection: Element) -> Mapping[int, str]:
    """Return, for the rules of a collection that can't stop anything, why: by ``id`` of the element.

    A doubled name stops the whole collection; a rule that matches everything, does nothing and ends
    the processing stops the rules after it.
    """
    rules = [c for c in collection.children if c.name == "rule"]
    names = [rule.get("name").lower() for rule in rules if rule.get("name")]
    if len(names) != len(set(names)):
        return dict.fromkeys(map(id, rules), "a name is there twice")
    found: dict[int, str] = {}
    is_open = False
    for rule in rules:
        if is_open:
            found[id(rule)] = "after a rule that lets everything through"
        is_open = is_open or _lets_everything_through(rule)
    return found


def _conditions(rule: Element) -> list[Element]:
    conditions = rule.child("conditions")
    return [] if conditions is None else conditions.children


def _lets_everything_through(rule: Element) -> bool:
    action, match = rule.child("action"), rule.child("match")
    return (
        rule.get("enabled").lower() != "false"
        and rule.get("stopProcessing").lower() == "true"
        and (action is None or action.get("type").lower() in {"", "none"})
        and match is not None
        and match.get("url") in _EVERYTHING
        and match.get("negate").lower() != "true"
        and not _conditions(rule)
    )


def _why_ineffective(rule: Element, fields: Mapping[str, str], removed: bool) -> str:
    if removed:
        return "removed"
    if fields["Enabled"].lower() == "false":
        return "disabled"
    above = next((a for a in rule.ancestors() if a.name == "rewrite"), None)
    if above is not None and above.get("enabled").lower() == "false":
        return "disabled"
    if fields["ActionType"].lower() not in _BLOCKS:
        return "blocks nothing"
    return ""
