from __future__ import annotations

import pytest

from exopsy.core.clock import UNTIMED
from exopsy.correlation.impact import seen
from exopsy.schema.case import Finding
from exopsy.schema.rule import RuleInfo

RULE = RuleInfo(id="r", title="A dump", level="high", impact="credentials")


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [
        (UNTIMED, UNTIMED, "Found 2 times in the state of the server; since when is not known."),
        (
            "2021-03-03T04:05:06Z",
            "2021-03-04T00:00:00Z",
            "Logged 2 times between 2021-03-03T04:05:06Z and 2021-03-04T00:00:00Z.",
        ),
    ],
)
def test_an_effect_says_when_it_was_seen(first: str, last: str, why: str) -> None:
    finding = Finding(
        id="F1",
        key="k",
        rule_id="r",
        title="A dump",
        level="high",
        grade="success",
        host="EX01",
        first_seen=first,
        last_seen=last,
        count=2,
    )
    (effect,) = seen([finding], {"r": RULE}).credentials
    assert effect.why == why
