"""Files of a host that are evidence as a whole -> how much of which kind was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from exopsy.schema.artifact import ArtifactFacts, ByteClasses
from exopsy.schema.case import Coverage


def cover_files(artifacts: Sequence[ArtifactFacts]) -> list[Coverage]:
    """Say of each kind of file what was read; a state has no days.

    Args:
        artifacts: files of one host.

    Returns:
        By kind; ``log`` is the kind's name.
    """
    by_kind: dict[str, list[ArtifactFacts]] = {}
    for facts in artifacts:
        by_kind.setdefault(facts.kind, []).append(facts)
    return [_cover(kind, by_kind[kind]) for kind in sorted(by_kind)]


def _cover(kind: str, artifacts: Sequence[ArtifactFacts]) -> Coverage:
    classes = ByteClasses()
    for facts in artifacts:
        classes.add(facts.classes)
    states = {facts.state for facts in artifacts}
    return Coverage(
        log=kind,
        from_=None,
        to=None,
        bytes=sum(facts.size for facts in artifacts),
        classes=msgspec.structs.asdict(classes),
        lines=sum(facts.lines for facts in artifacts),
        artifacts=len(artifacts),
        days={},
        state="failed" if states == {"failed"} else "read" if states == {"read"} else "partial",
        gaps=[],
        skipped=_sum(facts.skipped for facts in artifacts),
        known=_sum(facts.known for facts in artifacts),
    )


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total = Counter[str]()
    for count in counts:
        total.update(count)
    return dict(sorted(total.items()))
