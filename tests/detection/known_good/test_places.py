from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exopsy.detection.known_good.places import cut, load_roots, parts_of

ROOTS = load_roots()
LOGON = "frontend/httpproxy/owa/auth/logon.aspx"


def place(path: str) -> str | None:
    placed = cut(parts_of(path), ROOTS)
    return None if placed is None else "/".join(placed.place)


@pytest.mark.parametrize(
    "path",
    [
        "EX01/C/Program Files/Microsoft/Exchange Server/V15/FrontEnd/HttpProxy/owa/auth/logon.aspx",
        "EX01/F/Mail/FRONTEND/HTTPPROXY/OWA/AUTH/LOGON.ASPX",
        "kape.zip!/D/Exchange/FrontEnd/HttpProxy/owa/auth/logon.aspx",
        r"C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\owa\auth\logon.aspx",
        "FrontEnd/HttpProxy/owa/auth/logon.aspx",
    ],
)
def test_drive_install_folder_archive_and_case_do_not_matter(path: str) -> None:
    assert place(path) == LOGON


def test_version_folders_are_one() -> None:
    old = "V15/ClientAccess/owa/prem/15.1.2106.2/scripts/blank.html"
    new = "V15/ClientAccess/owa/prem/15.01.2507.037/scripts/blank.html"
    assert place(old) == place(new) == "clientaccess/owa/prem/{ver}/scripts/blank.html"
    assert place("V15/FrontEnd/HttpProxy/owa/auth/15.1.2106/x.css") == (
        "frontend/httpproxy/owa/auth/{ver}/x.css"
    )


def test_a_file_that_is_named_like_a_version_keeps_its_name() -> None:
    assert place("V15/ClientAccess/owa/15.1.2106") == "clientaccess/owa/15.1.2106"
    assert place("V15/ClientAccess/owa/1.2/x.aspx") == "clientaccess/owa/1.2/x.aspx"


def test_the_first_root_decides() -> None:
    # what lies deeper may have been named by an intruder
    deep = "V15/FrontEnd/HttpProxy/owa/ClientAccess/ecp/about.aspx"
    assert place(deep) == "frontend/httpproxy/owa/clientaccess/ecp/about.aspx"


def test_the_sites_root_is_one_with_or_without_inetpub() -> None:
    assert place("C/inetpub/wwwroot/x.aspx") == place("wwwroot/x.aspx") == "wwwroot/x.aspx"


def test_other_folders_have_no_place() -> None:
    assert place("C/Program Files/Vendor/FrontEnd/x.aspx") is None
    assert place("C/Users/ClientAccess") is None  # a file of that name
    assert place("") is None


def test_what_lies_above_is_kept() -> None:
    placed = cut(parts_of("EX01/C/V14/ClientAccess/owa/x.aspx"), ROOTS)
    assert placed is not None
    assert placed.above == ("ex01", "c", "v14")


@given(st.text(max_size=60))
def test_no_path_is_too_odd(path: str) -> None:
    place(path)
    assert place(f"FrontEnd/HttpProxy/{path}/x.aspx") is not None
