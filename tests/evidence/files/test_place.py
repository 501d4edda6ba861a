from __future__ import annotations

import pytest

from exopsy.evidence.files.place import disk_path, place_fields


@pytest.mark.parametrize(
    ("path", "disk"),
    [
        ("EX01/C/inetpub/wwwroot/a.aspx", "C:\\inetpub\\wwwroot\\a.aspx"),
        ("x.zip!/uploads/auto/C%3A/Program%20Files/a.aspx", "C:\\Program Files\\a.aspx"),
        ("uploads/ntfs/%5C%5C.%5Cd%3A/inetpub/a%252e.aspx", "D:\\inetpub\\a%2e.aspx"),
        ("out/e_/inetpub/100%25.aspx", "E:\\inetpub\\100%25.aspx"),
        ("wwwroot/a.aspx", "wwwroot\\a.aspx"),
        ("C", "C"),
    ],
)
def test_the_place_on_the_servers_disk(path: str, disk: str) -> None:
    assert disk_path(path) == disk


def test_name_and_extension() -> None:
    assert place_fields("EX01/C/x/Page.ASPX")["Extension"] == "aspx"
    assert place_fields("EX01/C/x/.config").keys() == {"Path", "FileName"}
    assert place_fields("a.")["FileName"] == "a."
