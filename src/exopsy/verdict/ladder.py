"""Findings and story -> how far an intruder is seen to have come, and the findings that say so.

Only what was seen counts here; silence is judged elsewhere. Every rung asks for the presence of
something, never for its absence, so that more evidence can only lead up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from exopsy.schema.case import LEVELS, Backdoor, Finding
from exopsy.schema.story import Story

Rung = Literal["compromised", "exploited", "suspicious"]
_MEDIUM, _HIGH = LEVELS.index("medium"), LEVELS.index("high")
_SHELL_PROBES = "P01"


class Seen(msgspec.Struct, kw_only=True):
    """What carries the conclusion."""

    rung: Rung | None
    """None: nothing above attempts."""
    findings: list[Finding]
    """Those that reach the rung."""
    backdoors: list[Backdoor]
    """Those that reach it, the used ones first."""
    attempts: list[Finding]


def climb(findings: Sequence[Finding], story: Story) -> Seen:
    """Find the highest rung that the findings reach.

    ``compromised``: a backdoor with a high finding of grade success or use, or an intruder's
    action (a high finding of grade use). ``exploited``: a high success of a chain. ``suspicious``:
    any other finding of medium level or above that is more than an attempt. Low findings never
    lead up; seen attempts, of whatever level, only choose between the two words of silence.
    """
    effects = {f.id: f for f in findings if f.grade != "attempt" and _level(f) >= _MEDIUM}
    high = {key: f for key, f in effects.items() if _level(f) >= _HIGH}
    backdoors = [b for b in story.backdoors if any(key in high for key in b.finding_ids)]
    backdoors.sort(key=lambda b: not b.used_by)
    uses = [f for f in high.values() if f.grade == "use"]
    attempts = [f for f in findings if is_attempt(f)]
    if backdoors or uses:
        planted = {key for b in backdoors for key in b.finding_ids}
        carried = [f for f in high.values() if f.grade == "use" or f.id in planted]
        return Seen(rung="compromised", findings=carried, backdoors=backdoors, attempts=attempts)
    in_chain = {key for c in story.chains if c.grade != "attempt" for key in c.finding_ids}
    exploits = [f for f in high.values() if f.chain is not None or f.id in in_chain]
    if exploits:
        return Seen(rung="exploited", findings=exploits, backdoors=[], attempts=attempts)
    rung: Rung | None = "suspicious" if effects else None
    return Seen(rung=rung, findings=list(effects.values()), backdoors=[], attempts=attempts)


def is_attempt(finding: Finding) -> bool:
    """Say whether a finding is an attempt on a chain, or a probe for somebody's web shell."""
    knocked = finding.chain is not None or finding.behaviour == _SHELL_PROBES
    return finding.grade == "attempt" and knocked


def of_chain(findings: Sequence[Finding], story: Story, chain: str) -> list[Finding]:
    """Return the findings that belong to a chain, by their rule or by the story."""
    told = {key for c in story.chains if c.chain == chain for key in c.finding_ids}
    return [f for f in findings if f.chain == chain or f.id in told]


def _level(finding: Finding) -> int:
    return LEVELS.index(finding.level)
