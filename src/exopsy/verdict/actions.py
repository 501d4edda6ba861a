"""Verdict and story of a host + ``content/actions/*.yml`` -> what to do now, in order.

An action says for which conclusions it is meant and which values it needs; it is listed when all
of them are there. ``{name}`` in its sentences is replaced by the value, bounded and stripped of
what could steer a terminal: the values come from evidence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from exopsy.core.content import read_yaml
from exopsy.core.errors import ContentError
from exopsy.schema.case import ActionItem, BackdoorKind, Conclusion, Exposure, Finding, Verdict
from exopsy.schema.chain import ChainSpec
from exopsy.schema.story import Story
from exopsy.verdict.facts_of_host import VALUES, Value, values_of

_PLACE = re.compile(r"\{([a-z_]+)\}")


class ActionSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One action of the content."""

    id: str
    order: int
    """Lower comes first; 10 preserve, 20 isolate, 30 close, 40 remove, 50 credentials, 60 look
    further, 70 tell, 80 watch."""
    conclusions: tuple[Conclusion, ...]
    needs: tuple[str, ...] = ()
    """Values without which the action is not listed."""
    each_backdoor: tuple[BackdoorKind, ...] = ()
    """One action for each backdoor of these kinds; ``{path}``, ``{kind}`` and ``{state}`` are its."""
    do: str
    why: str
    verify: str


def load_actions(folder: Path) -> list[ActionSpec]:
    """Read every ``*.yml`` of a folder; each holds a list of actions.

    Raises:
        ContentError: not YAML, a field that is unknown or missing, a value that does not exist, or
            two actions of one id; says which file.
    """
    specs: dict[str, ActionSpec] = {}
    for path in sorted(folder.glob("*.yml")):
        try:
            found = msgspec.convert(read_yaml(path), list[ActionSpec])
        except msgspec.ValidationError as error:
            raise ContentError(
                f"not a list of actions: {error}",
                at=str(path),
                remedy="Fields: id, order, conclusions, needs, each_backdoor, do, why, verify",
            ) from error
        for spec in found:
            _check(spec, specs, path)
            specs[spec.id] = spec
    return sorted(specs.values(), key=lambda spec: (spec.order, spec.id))


def recommend(
    *,
    host: str,
    verdict: Verdict,
    story: Story,
    findings: Sequence[Finding],
    exposure: Sequence[Exposure],
    chains: Sequence[ChainSpec],
    actions: Sequence[ActionSpec],
) -> list[ActionItem]:
    """List what to do about one host, in order."""
    known = values_of(
        host=host,
        verdict=verdict,
        story=story,
        findings=findings,
        exposure=exposure,
        chains=chains,
    )
    items: list[ActionItem] = []
    for spec in sorted(actions, key=lambda spec: (spec.order, spec.id)):
        if verdict.conclusion not in spec.conclusions or not all(n in known for n in spec.needs):
            continue
        for values in _rounds(spec, known, story):
            items.append(_item(len(items) + 1, spec, values))
    return items


def _rounds(
    spec: ActionSpec, known: Mapping[str, Value], story: Story
) -> list[Mapping[str, Value]]:
    if not spec.each_backdoor:
        return [known]
    return [
        {**known, **Value.of_backdoor(backdoor)}
        for backdoor in story.backdoors
        if backdoor.kind in spec.each_backdoor
    ]


def _item(order: int, spec: ActionSpec, values: Mapping[str, Value]) -> ActionItem:
    # What an action rests on is what its own sentences speak of, or else what it needs.
    names = [n for n in (*_PLACE.findall(spec.do + spec.why), *spec.needs) if n in values]
    ids = dict.fromkeys(key for name in names for key in values[name].finding_ids)
    return ActionItem(
        order=order,
        do=_fill(spec.do, values),
        why=_fill(spec.why, values),
        finding_ids=list(ids)[:50],
        verify=_fill(spec.verify, values),
    )


def _fill(text: str, values: Mapping[str, Value]) -> str:
    """Put values in; a value is never itself read as a template."""
    return _PLACE.sub(lambda m: values[m[1]].text if m[1] in values else "", text).strip()


def _check(spec: ActionSpec, specs: Mapping[str, ActionSpec], path: Path) -> None:
    if spec.id in specs:
        raise ContentError(f"two actions have the id {spec.id}", at=str(path), remedy="Rename one")
    allowed = VALUES | ({"path", "kind", "state"} if spec.each_backdoor else frozenset())
    used = set(_PLACE.findall(spec.do + spec.why + spec.verify))
    if unknown := sorted((used | set(spec.needs)) - allowed):
        raise ContentError(
            f"action {spec.id} uses values that don't exist: {', '.join(unknown)}",
            at=str(path),
            remedy=f"There are: {', '.join(sorted(allowed))}",
        )
    if missing := sorted(used - set(spec.needs) - {"host", "path", "kind", "state"}):
        raise ContentError(
            f"action {spec.id} speaks of {', '.join(missing)} without needing it",
            at=str(path),
            remedy="Add it to needs",
        )
