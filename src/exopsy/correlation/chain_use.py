"""A chain that worked, and what its operators did afterwards -> the chain's grade ``use``.

What a chain gives (a page on the disk, somebody's session) is used under rules that know nothing of
the chain: a request to the page, a cmdlet. When an operator who came through a chain acts so after
the chain's first success, the chain itself was used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exopsy.core.clock import format_utc
from exopsy.correlation.findings import moment
from exopsy.correlation.operators import Group
from exopsy.schema.case import Chain, Finding
from exopsy.schema.chain import ChainSpec


def mark_used(
    chains: Sequence[Chain],
    groups: Sequence[Group],
    findings: Sequence[Finding],
    specs: Sequence[ChainSpec],
) -> None:
    """Raise every chain of grade ``success`` whose operator went on to use what it gave.

    The finding that shows the use joins the chain, and the last step of its specification that
    proves a use counts as seen.
    """
    known: Mapping[str, ChainSpec] = {spec.chain: spec for spec in specs}
    for chain in chains:
        if chain.grade != "success":
            continue
        begun = moment(chain.first_seen)
        uses = sorted(
            (event.time, at)
            for one in groups
            if one.id in chain.operator_ids
            for event in one.events
            if event.time >= begun
            for at in event.findings
            if findings[at].grade == "use"
        )
        if not uses:
            continue
        first, at = uses[0]
        chain.grade = "use"
        chain.last_seen = max(chain.last_seen, format_utc(uses[-1][0]), key=moment)
        chain.finding_ids += [i for i in [findings[at].id] if i not in chain.finding_ids]
        _see_last_step(chain, known.get(chain.chain), format_utc(first), findings[at].id)


def _see_last_step(chain: Chain, spec: ChainSpec | None, at: str, finding_id: str) -> None:
    proving = [step.step for step in spec.steps if step.proves == "use"] if spec else []
    for step in chain.steps:
        if proving and step.step == proving[-1] and step.state != "seen":
            step.state, step.at = "seen", at
            step.finding_ids = [finding_id]
