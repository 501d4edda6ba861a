from __future__ import annotations

import pytest

from exopsy.correlation.events import person


@pytest.mark.parametrize(
    "user",
    ["", "-", "EX01$", "NT AUTHORITY\\SYSTEM", "IIS APPPOOL\\DefaultAppPool", "DefaultAppPool"],
)
def test_machines_and_pools_are_nobody(user: str) -> None:
    assert person(user) == ""


def test_a_person_is_in_lower_case() -> None:
    assert person("EXAMPLE\\Admin") == "example\\admin"
