from __future__ import annotations

import pytest

from exopsy.detection.known_good.names import ShippedNames

NAMES = ShippedNames(
    [
        "frontend/httpproxy/owa/auth/errorfe.aspx",
        "frontend/httpproxy/owa/auth/outlookcn.aspx",
        "frontend/httpproxy/owa/auth/redirsuiteserviceproxy.aspx",
        "frontend/httpproxy/owa/auth/logoff.aspx",
        "frontend/httpproxy/owa/auth/logon.aspx",
        "frontend/httpproxy/ecp/auth/timeoutlogout.aspx",
        "clientaccess/ecp/logon.aspx",
    ]
)


@pytest.mark.parametrize(
    ("name", "shipped"),
    [
        ("erroree.aspx", "errorfe.aspx"),
        ("outlooken.aspx", "outlookcn.aspx"),
        ("redirsuiteserverproxy.aspx", "redirsuiteserviceproxy.aspx"),
        ("logout.aspx", "logoff.aspx"),
        ("logonn.aspx", "logon.aspx"),
    ],
)
def test_reported_names_are_like_the_shipped_ones(name: str, shipped: str) -> None:
    found = NAMES.likeness(name)
    assert found is not None
    assert not found.is_same
    assert found.place.endswith(f"/{shipped}")


def test_the_very_name_is_told_apart_and_names_the_first_place() -> None:
    found = NAMES.likeness("logon.aspx")
    assert found is not None
    assert found.is_same
    assert found.place == "clientaccess/ecp/logon.aspx"


@pytest.mark.parametrize("name", ["x.aspx", "log.aspx", "qwert.aspx", "erroree.ashx", "", "a" * 80])
def test_other_names_are_like_none(name: str) -> None:
    assert NAMES.likeness(name) is None
