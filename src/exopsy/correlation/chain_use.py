"""A chain that worked, and what its operators did afterwards -> the chain's grade ``use``.

What a chain gives (a page on the disk, somebody's session) is used under rules that know nothing of
the chain: a request to the page, a cmdlet. When an operator who came through a chain acts so after
the chain's first success, the chain itself was used.
"""

from __future__ import annotations

from collections.abc import Sequence

from exopsy.core.clock import format_utc
from exopsy.correlation.findings import moment
from exopsy.correlation.operators import Group
from exopsy.schema.case import Chain, Finding, Step


def mark_used(
    chains: Sequence[Chain],
    groups: Sequence[Group],
    findings: Sequence[Finding],
) -> None:
    """Raise every chain of grade ``success`` whose operator went on to use what it gave.

    The finding that shows the use joins the chain, with a last step of its own.
    """
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
        chain.steps.append(
            Step(
                step="use",
                title="What it gave was used",
                state="seen",
                at=format_utc(first),
                finding_ids=[findings[at].id],
            )
        )
