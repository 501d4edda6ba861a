from __future__ import annotations

from pathlib import Path

import pytest

from exopsy.core.content import CONTENT
from exopsy.core.errors import ContentError
from exopsy.pipeline.disk_places import load_disk_places

PLACES = load_disk_places(CONTENT / "mappings" / "disk_places.yml")


@pytest.mark.parametrize(
    "path",
    [
        "EX01/C/ProgramData/it.zip",
        "x.zip!/uploads/auto/C%3A/ProgramData/a/it.zip",
        "C/inetpub/wwwroot/aspnet_client/a.aspx",
        "C/$Recycle.Bin/S-1-5-18/$R1.zip",
        "C/Windows/Temp/a.7z",
        "EX01/C/Program Files/Microsoft/Exchange Server/V15/Bin/a.zip",
        "EX01/C/Program Files/Microsoft/Exchange Server/V15/FrontEnd/HttpProxy/owa/auth/a.png",
        "C/Temp/a.zip",
        "C%3A/root/a.zip",
    ],
)
def test_archives_that_are_given(path: str) -> None:
    assert PLACES.gives(path)


@pytest.mark.parametrize(
    "path",
    [
        "EX01.zip",
        "kape.zip!/EX01.zip",
        "EX01/C.zip",
        "EX01/C/inetpub/logs/LogFiles/W3SVC1/2021.zip",
        "C/Users/admin/Documents/a.zip",
        "C/ProgramData/a.zip!/b.zip",
        "EX01/C/Program Files/Microsoft/Exchange Server/V15/Logging/a.log.gz",
    ],
)
def test_archives_that_are_only_opened(path: str) -> None:
    assert not PLACES.gives(path)


@pytest.mark.parametrize(
    ("path", "fits"),
    [
        (r"C:\inetpub\wwwroot\X.ASPX", True),
        (r"\inetpub\wwwroot\x.aspx", True),
        (r"C:\Users\x.aspx", False),
        (r"D:\anything\NTDS.dit", True),
        (r"C:\Tools\lsass_2.DMP", True),
        (r"C:\Tools\app.dmp", False),
        (r"C:\PerfLogs\a.7z", True),
        (r"C:\Windows\WinSxS\a.cab", False),
    ],
)
def test_entries_of_listings(path: str, fits: bool) -> None:
    assert PLACES.interest.fits(path) is fits


@pytest.mark.parametrize(
    "text", ["wanted: 1\narchives: []", "wanted: []\narchives: ['(']", "[]", "archives: []"]
)
def test_a_broken_mapping_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.yml"
    path.write_text(text)
    with pytest.raises(ContentError):
        load_disk_places(path)
