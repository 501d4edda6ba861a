from __future__ import annotations

import msgspec
import pytest

from exopsy.detection.expression import (
    ANY,
    ONE,
    All,
    Compare,
    Expression,
    InList,
    Missing,
    Network,
    No,
    Present,
    Regex,
    SameAs,
    Some,
    Text,
    fields_of,
    lists_of,
)

WHOLE = All(
    (
        Some((Text("a", ("x", ANY, ONE)), Regex("b", "y", "i"), Text(None, ("z",)))),
        No(InList("c", "known")),
        Network("d", "192.0.2.0/24"),
        Missing("e"),
        Present("f"),
        Compare("g", "gte", 5.0),
        SameAs("h", "i", "endswith"),
        Some(()),
    )
)


def test_names_every_field_and_list() -> None:
    assert fields_of(WHOLE) == set("abcdefghi")
    assert lists_of(WHOLE) == {"known"}


@pytest.mark.parametrize("expression", [WHOLE, Text("a", (), cased=True), All(()), No(Some(()))])
def test_survives_json(expression: Expression) -> None:
    data = msgspec.json.encode(expression)
    assert msgspec.json.decode(data, type=Expression) == expression  # type: ignore[arg-type]
