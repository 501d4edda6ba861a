from __future__ import annotations

import hyperscan
import pytest

from exopsy.detection.sieve.compiling import FLAGS
from exopsy.detection.sieve.exclusion import PassedOver, excluding_pattern, excluding_triggers
from exopsy.detection.sieve.pattern import Pattern
from exopsy.detection.sieve.triggers import of_patterns

KNOWN = ("/owa/auth/logon.aspx", "/ecp/default.aspx", "/owa/auth/off.aspx", "/ews/exchange.asmx")


def finds(
    data: str,
    *,
    suffix: str = ".aspx",
    csv: bool = False,
    absolute: bool = True,
    codec: str = "percent",
) -> bool:
    over = PassedOver(
        suffix=suffix,
        codec=codec,  # type: ignore[arg-type]
        values=frozenset(KNOWN),
        csv=csv,
        absolute=absolute,
    )
    pattern = excluding_pattern(over)
    found = holds([pattern], data)
    # In the midst of a block, and when no host's name is too long, the triggers find the same.
    triggers = of_patterns([Pattern(pattern, triggers=excluding_triggers(over))])
    assert holds(triggers, f"x\n{data}\n") >= found
    if "%" not in data and not data.startswith(KNOWN):
        assert holds(triggers, f"x\n{data}\n") == found
    return found


def holds(patterns: list[str], data: str) -> bool:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[p.encode() for p in patterns],
        ids=[0] * len(patterns),
        flags=[FLAGS] * len(patterns),
    )
    hits: list[int] = []
    database.scan(data.encode(), lambda *hit: hits.append(hit[2]))
    return bool(hits)


@pytest.mark.parametrize("value", KNOWN[:3])
def test_known_pages_are_passed_over(value: str) -> None:
    assert not finds(f"GET {value} - 443")
    assert not finds(f"GET {value.upper()} - 443")
    assert not finds(f"GET {value}")
    assert not finds(f"GET {value}\r\n")
    assert not finds(f"x,{value},y", csv=True)
    assert not finds(f"GET https://mail.example.com:444{value} 443")


@pytest.mark.parametrize(
    "value",
    [
        "/owa/auth/x.aspx",
        "/owa/auth/logon2.aspx",
        "/x/owa/auth/logon.aspx",
        "x/owa/auth/logon.aspx",
        "/auth/logon.aspx",
        "logon.aspx",
        ".aspx",
        "/owa/auth/logon%2easpx",
        "/owa/auth/logon%25252Easpx",
        "/owa/auth/logon.aspx%0a",
        "%2fowa/auth/logon.aspx",
        "/owa%2fauth/logon.aspx",
        "ftp://h/owa/auth/logon.aspx",
        "xhttp://h/owa/auth/logon.aspx",
        "http://h_h/owa/auth/logon.aspx",
        "http://h/x/owa/auth/logon.aspx",
        "http:///owa/auth/logon.aspx",
    ],
)
def test_all_others_are_found(value: str) -> None:
    assert finds(f"GET {value} - 443")
    assert finds(f"x,{value},y", csv=True)


def test_what_has_no_byte_before_it_is_found() -> None:
    assert finds("x.aspx 443")
    assert finds("wa/auth/logon.aspx 443")


def test_the_suffix_may_hold_more_than_an_extension() -> None:
    assert finds("GET /x/logon%2easpx 443", suffix="/logon.aspx")
    assert finds("GET /x%2flogon.aspx 443", suffix="/logon.aspx")
    assert finds("GET /x/logon.aspx 443", suffix="/logon.aspx")
    assert not finds("GET /owa/auth/logon.aspx 443", suffix="/logon.aspx")


def test_quoted_cells_may_hold_commas() -> None:
    assert finds('x,"/x,/owa/auth/logon.aspx",y', csv=True)
    assert finds('x,"/x,/owa/auth/logon.aspx\r\n', csv=True)


def test_absolute_form_is_passed_over_only_where_lists_know_it() -> None:
    assert finds("GET http://h/owa/auth/logon.aspx 443", absolute=False)
    assert not finds("GET /owa/auth/logon.aspx 443", absolute=False)


def test_a_suffix_of_no_known_value_is_looked_for_alone() -> None:
    assert finds("GET /owa/auth/logon.ashx 443", suffix=".ashx")
    assert not finds("GET /owa/auth/logon.ashxx 443", suffix=".ashx")
