"""Small pieces of the case document that several stages contribute to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from exopsy.core.errors import ContentError
from exopsy.schema.artifact import ArtifactFacts
from exopsy.schema.case import CollectionInfo, UnusableRule
from exopsy.schema.story import Story


def collection_info(name: str, artifacts: Sequence[ArtifactFacts]) -> CollectionInfo:
    """Describe the collection; its hash is that of the sorted artifact list."""
    digest = hashlib.sha256()
    for a in sorted(artifacts, key=lambda a: a.path):
        line = f"{a.path}\0{a.size}\0{a.sha256 or ''}\n"
        digest.update(line.encode("utf-8", "backslashreplace"))
    return CollectionInfo(
        name=name,
        sha256=digest.hexdigest(),
        artifacts=len(artifacts),
        bytes=sum(a.size for a in artifacts),
    )


def host_names(hosts: Mapping[str, str]) -> list[str]:
    """Return the names of all hosts in order."""
    return sorted(set(hosts.values()))


def unusable(errors: Iterable[ContentError]) -> list[UnusableRule]:
    """List rules that could not be loaded."""
    return [UnusableRule(id=error.at, why=str(error)) for error in errors]


def number_case_wide(stories: Sequence[Story]) -> None:
    """Give operators and backdoors ids that hold for the whole case.

    An operator with the same key on two hosts is one operator; so are two that share an address.
    """
    known: dict[str, str] = {}
    operators = backdoors = 0
    for story in stories:
        renamed: dict[str, str] = {}
        for operator in story.operators:
            marks = [operator.key, *(f"address {a}" for a in operator.addresses)]
            same = next((known[m] for m in marks if m in known), None)
            if same is None or same in renamed.values():
                operators += 1
                same = f"O{operators}"
            renamed[operator.id] = same
            for mark in marks:
                known.setdefault(mark, same)
        for backdoor in story.backdoors:
            backdoors += 1
            renamed[backdoor.id] = f"B{backdoors}"
        _rename(story, renamed)


def _rename(story: Story, names: Mapping[str, str]) -> None:
    def new(ids: Iterable[str]) -> list[str]:
        return [names.get(i, i) for i in ids]

    for chain in story.chains:
        chain.operator_ids = new(chain.operator_ids)
    for backdoor in story.backdoors:
        backdoor.id = names[backdoor.id]
        backdoor.used_by, backdoor.probed_by = new(backdoor.used_by), new(backdoor.probed_by)
        if backdoor.planted_by is not None:
            backdoor.planted_by = names.get(backdoor.planted_by, backdoor.planted_by)
    for operator in story.operators:
        operator.id = names[operator.id]
        operator.planted, operator.used = new(operator.planted), new(operator.used)
        operator.probed = new(operator.probed)
        if operator.rival is not None:
            operator.rival = names.get(operator.rival, operator.rival)
    for session in story.sessions:
        session.operator_id = names.get(session.operator_id, session.operator_id)
        session.backdoor_ids = new(session.backdoor_ids)
