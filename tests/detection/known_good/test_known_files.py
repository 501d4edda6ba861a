from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exopsy.core.content import CONTENT
from exopsy.detection.known_good.baseline import Baseline, Content, read_baseline
from exopsy.detection.known_good.known_files import KnownFiles
from exopsy.detection.known_good.places import load_roots

SHIPPED = read_baseline(CONTENT / "facts" / "shipped_files.txt")
KNOWN = KnownFiles([SHIPPED], load_roots())
LOGON = "frontend/httpproxy/owa/auth/logon.aspx"
V15 = "EX01/C/Program Files/Microsoft/Exchange Server/V15"
NOBODYS = "0" * 64


def hash_of(place: str, build: str) -> str:
    index = SHIPPED.builds.index(tuple(map(int, build.split("."))))
    return next(h for h, c in SHIPPED.files[place].items() if index in c.builds)


def test_path_and_hash_known_is_shipped() -> None:
    found = KNOWN.compare(
        f"{V15}/FrontEnd/HttpProxy/owa/auth/logon.aspx", 9, hash_of(LOGON, "15.1.2106.2")
    )
    assert (found.state, found.place) == ("shipped", LOGON)
    assert "15.1." in found.builds
    assert not found.waits


def test_an_old_build_left_beside_the_running_one_is_shipped_too() -> None:
    place = "clientaccess/owa/prem/{ver}/scripts/blank.html"
    sha256 = next(iter(SHIPPED.files[place]))
    for version in ("15.1.1591.10", "15.1.2106.2"):
        path = f"{V15}/ClientAccess/owa/prem/{version}/scripts/blank.html"
        assert KNOWN.compare(path, 9, sha256).state == "shipped"


def test_a_known_content_elsewhere_says_where_it_ships() -> None:
    sha256 = hash_of(LOGON, "15.1.2106.2")
    found = KNOWN.compare("C/inetpub/wwwroot/aspnet_client/a.aspx", 9, sha256)
    assert found.state == "shipped-elsewhere"
    assert found.place == "wwwroot/aspnet_client/a.aspx"
    assert sha256 in SHIPPED.files[found.at]
    assert found.likeness == "content"


def test_what_is_empty_is_nobodys_content() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    own = Baseline(
        origin="",
        covers=frozenset("*"),
        builds=((15, 1, 2507, 37),),
        files={
            "clientaccess/x/empty.aspx": {empty: Content(0, (0,))},
            "clientaccess/y/empty.aspx": {empty: Content(None, (0,))},
        },
    )
    known = KnownFiles([SHIPPED, own], load_roots())
    assert known.compare("V15/ClientAccess/x/empty.aspx", 0, empty).state == "shipped"
    assert known.compare("V15/FrontEnd/HttpProxy/owa/auth/x.aspx", 0, empty).state == "unknown"


@pytest.mark.parametrize(
    ("build", "state", "where"),
    [
        ("15.1.2106.2", "changed", "inside"),
        ("15.01.2106.002", "changed", "inside"),
        ("15.1.2106.5", "changed", "inside"),  # between two updates of one base
        ("15.1.2106.14", "changed-since", "unlisted"),  # an update after the last known of its base
        ("15.1.2106", "changed-since", "unlisted"),  # which update of it is not known
        ("15.1.2507.37", "changed-since", "after"),
        ("15.2.2562.17", "changed-since", "after"),
        ("16.0.1.1", "changed-since", "after"),
        ("14.3.513.0", "not-compared", "other"),
        (None, "changed-since", "unknown"),
        ("nonsense", "changed-since", "unknown"),
    ],
)
def test_another_content_is_changed_only_on_a_build_that_is_known(
    build: str | None, state: str, where: str
) -> None:
    found = KNOWN.compare(f"{V15}/FrontEnd/HttpProxy/owa/auth/logon.aspx", 9, NOBODYS)
    assert found.state == "changed-since"
    assert found.waits
    assert KNOWN.settle(found.state, build) == (state, where)


def test_where_no_build_ships_a_file_it_is_unknown_on_every_build() -> None:
    found = KNOWN.compare(f"{V15}/FrontEnd/HttpProxy/owa/auth/q1w2e3.aspx", 9, NOBODYS)
    assert (found.state, found.at) == ("unknown", "")
    assert KNOWN.settle("unknown", "15.1.2106.2") == ("unknown", "inside")
    assert KNOWN.settle("unknown", "15.1.2507.37") == ("unknown", "after")
    assert KNOWN.settle("unknown", "14.3.513.0") == ("not-compared", "other")


def test_a_name_that_wants_to_be_overlooked() -> None:
    same = KNOWN.compare("C/inetpub/wwwroot/aspnet_client/errorFE.aspx", 9, NOBODYS)
    like = KNOWN.compare(f"{V15}/FrontEnd/HttpProxy/owa/auth/errorEE.aspx", 9, NOBODYS)
    assert (same.likeness, like.likeness) == ("name", "like-name")
    assert same.at == like.at == "frontend/httpproxy/owa/auth/errorfe.aspx"


def test_of_a_file_that_could_not_be_read_to_its_end_only_the_place_counts() -> None:
    assert KNOWN.compare(f"{V15}/{LOGON}", 9, "").state == "not-compared"
    assert KNOWN.compare(f"{V15}/FrontEnd/HttpProxy/owa/auth/x.aspx", 9, "").state == "unknown"


def test_kinds_of_files_that_no_list_holds_are_not_compared() -> None:
    for name in ("x.js", "x.png", "x.css", "x"):
        assert (
            KNOWN.compare(f"{V15}/FrontEnd/HttpProxy/owa/{name}", 9, NOBODYS).state
            == "not-compared"
        )


def test_a_generation_that_no_list_describes_is_not_compared() -> None:
    path = "C/Program Files/Microsoft/Exchange Server/V14/ClientAccess/owa/auth/logon.aspx"
    assert KNOWN.compare(path, 9, NOBODYS).state == "not-compared"


def test_a_root_that_was_cut_off() -> None:
    sha256 = hash_of(LOGON, "15.1.2106.2")
    assert KNOWN.compare("HttpProxy.zip!/owa/auth/logon.aspx", 9, sha256).state == "shipped"
    unknown = KNOWN.compare("HttpProxy/owa/auth/q1w2e3.aspx", 9, NOBODYS)
    assert (unknown.state, unknown.place) == (
        "unknown",
        "frontend/httpproxy/owa/auth/q1w2e3.aspx",
    )
    nowhere = KNOWN.compare("C/Vendor/web/start.aspx", 9, NOBODYS)
    assert (nowhere.state, nowhere.place) == ("unknown", "")


def test_a_baseline_of_ones_own_adds_a_build_and_kinds_of_files() -> None:
    own = Baseline(
        origin="",
        covers=frozenset("*"),
        builds=((15, 1, 2507, 37),),
        files={LOGON: {"1" * 64: Content(4, (0,))}, "wwwroot/x.js": {"2" * 64: Content(4, (0,))}},
    )
    known = KnownFiles([SHIPPED, own], load_roots())
    path = f"{V15}/FrontEnd/HttpProxy/owa/auth/logon.aspx"
    assert known.compare(path, 4, "1" * 64).builds == "15.1.2507.37"
    assert known.settle(known.compare(path, 4, NOBODYS).state, "15.1.2507.37")[0] == "changed"
    assert known.settle("changed-since", "15.1.2507.44")[0] == "changed-since"
    assert known.compare("wwwroot/y.js", 4, NOBODYS).state == "unknown"


def test_without_any_build_nothing_is_changed() -> None:
    nothing = KnownFiles([], load_roots())
    assert nothing.compare("wwwroot/x.aspx", 4, NOBODYS).state == "not-compared"
    assert nothing.range_of("15.1.2507.37") == "unknown"


@given(st.text(max_size=80), st.text("0123456789abcdef", min_size=64, max_size=64))
def test_no_path_is_too_odd(path: str, sha256: str) -> None:
    found = KNOWN.compare(path, 1, sha256)
    assert found.state in ("unknown", "not-compared", "changed-since", "shipped")


def test_fifty_thousand_files_take_seconds() -> None:
    shipped = [(p, next(iter(c))) for p, c in SHIPPED.files.items()]
    begin = time.process_time()
    for n in range(50_000):
        place, sha256 = shipped[n % len(shipped)]
        KNOWN.compare(f"EX01/D/Exchange/{place.replace('{ver}', '15.1.2106.2')}", 9, sha256)
    assert time.process_time() - begin < 20  # measured: 2; a busy machine is slower
