"""The shipped lists: what they must hold, what they must not, and how they are made."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from exopsy.core.content import CONTENT, read_lines

ROOT = Path(__file__).parents[2]
FACTS = ROOT.parent / "shared" / "facts"
SHIPPED = frozenset(read_lines(CONTENT / "lists" / "shipped_stems.txt"))


@pytest.mark.parametrize(
    "stem",
    [
        "/ews/exchange.asmx",
        "/owa/service.svc",
        "/owa/auth/logon.aspx",
        "/owa/auth/redirsuiteserviceproxy.aspx",
        "/owa/auth/outlookcn.aspx",
        "/ecp/auth/timeoutlogout.aspx",
        "/ecp/ddi/ddiservice.svc",
        "/ecp/ruleseditor/inboxrules.svc",
        "/autodiscover/autodiscover.svc",
        "/psws/service.svc",
        "/owa/userspecificresourceinjector.ashx",
    ],
)
def test_a_shipped_page_is_known(stem: str) -> None:
    assert stem in SHIPPED


@pytest.mark.parametrize(
    "stem",
    [
        "/owa/auth/timeoutlogout.aspx",
        "/owa/auth/redirsuiteserverproxy.aspx",
        "/owa/auth/outlooken.aspx",
        "/aspnet_client/logon.aspx",
        "/ecp/auth/logon.aspx",
    ],
)
def test_a_disguise_is_not(stem: str) -> None:
    assert stem not in SHIPPED


def test_aspnet_client_ships_no_page() -> None:
    assert not [stem for stem in SHIPPED if stem.startswith("/aspnet_client/")]


def test_the_busiest_pages_are_shipped_ones() -> None:
    hot = set(read_lines(CONTENT / "lists" / "hot_stems.txt"))
    assert hot
    assert hot <= SHIPPED


def _tool():
    spec = importlib.util.spec_from_file_location("make_lists", ROOT / "tools" / "make_lists.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_file_is_served_where_its_folder_is() -> None:
    served = {"clientaccess/owa": {"/owa", "/owa/calendar"}, "frontend/httpproxy/ecp": {"/ecp"}}
    tool = _tool()
    assert "/owa/calendar/x.aspx" in tool.stems_of("\\ClientAccess\\owa\\x.aspx", served)
    assert "/ecp/auth/y.aspx" in tool.stems_of("\\FrontEnd\\HttpProxy\\ecp\\auth\\y.aspx", served)
    assert "/ews/z.asmx" in tool.stems_of("clientaccess\\exchweb\\ews\\z.asmx", {})


def test_the_list_is_what_the_tool_makes_of_the_facts() -> None:
    if not FACTS.is_dir():
        pytest.skip("needs the public facts beside the checkout")
    assert set(_tool().shipped_stems(FACTS)) == SHIPPED
