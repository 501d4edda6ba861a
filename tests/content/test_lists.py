"""The shipped lists: what they must hold, what they must not, and how they are made."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from exopsy.core.content import CONTENT, read_csv, read_lines
from exopsy.detection.known_good.baseline import read_baseline
from exopsy.evidence.files.windows_path import canonical_path

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


def test_files_of_all_sources_become_one_list(tmp_path: Path) -> None:
    rows = [
        "sha256,relative_path,build_count,builds",
        f"{'A' * 64},\\ClientAccess\\owa\\version\\x.html,2,15.01.1034.026 15.1.1034.33",
        f"{'a' * 64},owa\\version\\x.html,1,15.2.1.1",
        f"{'b' * 64},FrontEnd\\HttpProxy\\owa\\auth\\Logon.aspx,1,15.1.1034.33",
    ]
    (tmp_path / "exchange_webfile_baseline.csv").write_text("\n".join(rows), "utf-8")
    made = _tool().shipped_files(tmp_path)
    assert made.builds == ((15, 1, 1034, 26), (15, 1, 1034, 33), (15, 2, 1, 1))
    assert made.covers == {"html", "aspx"}
    assert {place: sorted(contents) for place, contents in made.files.items()} == {
        "clientaccess/owa/{ver}/x.html": ["a" * 64],
        "frontend/httpproxy/owa/auth/logon.aspx": ["b" * 64],
    }
    assert made.files["clientaccess/owa/{ver}/x.html"]["a" * 64].builds == (0, 1, 2)


def test_the_shipped_files_are_what_the_tool_makes_of_the_facts() -> None:
    if not FACTS.is_dir():
        pytest.skip("needs the public facts beside the checkout")
    assert _tool().shipped_files(FACTS) == read_baseline(CONTENT / "facts" / "shipped_files.txt")


def _rows(name: str) -> list[dict[str, str]]:
    return read_csv(CONTENT / "facts" / name)


def _values(name: str) -> set[str]:
    return {line.lower() for line in read_lines(CONTENT / "lists" / f"{name}.txt")}


def test_default_modules_are_in_the_lists() -> None:
    types, images = _values("iis_code_types"), _values("iis_images")
    for row in _rows("exchange_iis_modules.csv"):
        told = row["image_or_type"]
        if row["kind"].startswith("managed"):
            assert told.split(",")[0].strip().lower() in types
        elif "exchange" not in told.lower():
            assert canonical_path(told).lower() in images


def test_default_virtual_directories_are_in_the_list() -> None:
    known = _values("iis_virtual_directories")
    for row in _rows("exchange_iis_vdirs.csv"):
        path = f"{row['application'].rstrip('/')}/{row['virtualDirectory'].lstrip('/')}".rstrip("/")
        assert f"{row['site']}{path or '/'}".lower() in known


def test_public_keys_are_told_by_hashes_only() -> None:
    assert all(re.fullmatch("[0-9a-f]{16}", value) for value in _values("public_machine_keys"))


@pytest.mark.parametrize("name", ["exchange_iis_modules.csv", "exchange_iis_vdirs.csv"])
def test_the_facts_are_those_of_the_public_table(name: str) -> None:
    if not FACTS.is_dir():
        pytest.skip("needs the public facts beside the checkout")
    own = (CONTENT / "facts" / name).read_text().splitlines()
    assert own[0].startswith("# origin: ")
    assert own[1:] == (FACTS / name).read_text().splitlines()
