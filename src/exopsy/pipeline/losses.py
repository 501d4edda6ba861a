"""Facts of the artifacts -> which of them gave nothing, and a sentence on each.

A log that lost its header, its content or its encoding is read without any error; it must not pass
for a log in which nothing happened.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from exopsy.evidence import registry
from exopsy.schema.artifact import ArtifactFacts

_NUL = (
    "holds nothing but NUL bytes, which is what a crash or a full disk leaves; look for it in "
    "backups and shadow copies"
)
_NO_HEADER = (
    "has records, but the header that names their columns is missing and no time could be read; "
    "copy the whole file again"
)
_EMPTY = "is empty; if it is not empty on the server, copy it again"
_OTHER = (
    "is named like a log of the server and is none inside (damaged, or changed when it was copied, "
    "such as to UTF-16); copy it again as it is"
)
_NAMED = 5
"""Artifacts with the same sentence that are named; the rest is counted."""


def note_losses(artifacts: Iterable[ArtifactFacts]) -> None:
    """Give state and reason to artifacts of which nothing could be used."""
    for facts in artifacts:
        if facts.state == "not-evidence" and not facts.why and _is_named_like_a_log(facts.path):
            facts.why = _OTHER if facts.size else _EMPTY
        elif facts.kind in registry.FILE_NAMES:
            continue  # a state has no times
        elif facts.state == "read" and facts.size and not facts.spans:
            if facts.classes.nul == facts.size:
                facts.state, facts.why = "failed", _NUL
            elif facts.classes.records:
                facts.state, facts.why = "failed", _NO_HEADER


def tell_losses(artifacts: Iterable[ArtifactFacts]) -> list[str]:
    """Return the reasons as sentences; one that holds for many artifacts names some of them."""
    paths: dict[str, list[str]] = defaultdict(list)
    for facts in artifacts:
        if facts.why:
            paths[facts.why].append(facts.path)
    told = []
    for why, found in paths.items():
        named = sorted(found)[:_NAMED]
        told += [f"{path}: {why}" for path in named]
        if len(found) > _NAMED:
            told.append(f"{named[-1]}: the same is true of {len(found) - _NAMED} more artifacts.")
    return told


def _is_named_like_a_log(path: str) -> bool:
    # a file of NUL bytes is recognised by its path alone
    return registry.recognise(bytes(16), path) is not None
