"""One file, many spellings."""

from pathlib import Path

import pytest

from exopsy.core.content import CONTENT, read_yaml
from exopsy.correlation.implants import disk_path, looks_like_disk_path, served_as, url_path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/aspnet_client/X.aspx", "/aspnet_client/x.aspx"),
        ("/aspnet_client/x.aspx/info/more", "/aspnet_client/x.aspx"),
        ("/aspnet_client/%2578.aspx", "/aspnet_client/x.aspx"),
        ("//aspnet_client/./a/../x.aspx?q=1", "/aspnet_client/x.aspx"),
        ("/(S(abc))/owa/x.aspx.", "/owa/x.aspx"),
        ("/owa\\x.aspx", "/owa/x.aspx"),
        ("/../../x.ashx", "/x.ashx"),
        ("/owa/auth/logon", "/owa/auth/logon"),
        ("", "/"),
    ],
)
def test_url_path(text, path):
    assert url_path(text) == path
    assert url_path(path) == path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (r"C:\inetpub\wwwroot\X.aspx", r"c:\inetpub\wwwroot\x.aspx"),
        (r"\\127.0.0.1\C$\inetpub\wwwroot\x.aspx", r"c:\inetpub\wwwroot\x.aspx"),
        (r"\\EX01.example.com\c$\inetpub\wwwroot\x.aspx", r"c:\inetpub\wwwroot\x.aspx"),
        (r"\\EX02\c$\inetpub\wwwroot\x.aspx", r"\\ex02\c$\inetpub\wwwroot\x.aspx"),
        (r"\\?\C:\inetpub\wwwroot\x.aspx", r"c:\inetpub\wwwroot\x.aspx"),
        ("c:/inetpub//wwwroot/./a/../x.aspx", r"c:\inetpub\wwwroot\x.aspx"),
        (r"C:\\inetpub\\wwwroot\\x.aspx. ", r"c:\inetpub\wwwroot\x.aspx"),
        (r"C:\inetpub\wwwroot\x.aspx::$DATA", r"c:\inetpub\wwwroot\x.aspx"),
        ('"C:\\x.aspx"', r"c:\x.aspx"),
    ],
)
def test_disk_path(text, path):
    assert looks_like_disk_path(text)
    assert disk_path(text, "EX01") == path


@pytest.mark.parametrize("text", ["/owa/x.aspx", "x.aspx", "user@example.com", r"DOMAIN\user", ""])
def test_what_is_no_disk_path(text):
    assert not looks_like_disk_path(text)


def roots():
    return [tuple(pair) for pair in read_yaml(Path(CONTENT, "mappings/web_roots.yml"))["web_roots"]]


@pytest.mark.parametrize(
    ("disk", "url"),
    [
        (r"c:\inetpub\wwwroot\aspnet_client\system_web\x.aspx", "/aspnet_client/system_web/x.aspx"),
        (r"c:\program files\microsoft\exchange server\v15\frontend\httpproxy\owa\auth\x.aspx",
         "/owa/auth/x.aspx"),
        (r"d:\exchange\frontend\httpproxy\ecp\auth\x.aspx", "/ecp/auth/x.aspx"),
        (r"d:\exchange\clientaccess\ecp\x.aspx", "/ecp/x.aspx"),
        (r"c:\programdata\x.aspx", None),
        (r"c:\myinetpub\wwwroot2\x.aspx", None),
    ],
)  # fmt: skip
def test_served_as_by_the_shipped_table(disk, url):
    assert served_as(disk, roots()) == url


def test_longest_root_decides():
    assert served_as(r"c:\a\b\x.aspx", [("a\\", "/one/"), ("a\\b\\", "/two/")]) == "/two/x.aspx"
    assert served_as(r"c:\a\b\x.aspx", [("a\\b\\", "/two/"), ("a\\", "/one/")]) == "/two/x.aspx"


def test_shipped_roots_are_pairs_that_end_in_separators():
    table = roots()
    assert len({root.lower() for root, _ in table}) == len(table)
    assert all(r.endswith("\\") and p.startswith("/") and p.endswith("/") for r, p in table)


def test_an_export_to_a_share_is_no_web_shell(lab):
    found = lab.finding("door", "success", 4, subject={"file": r"\\files\backup\user.pst"})
    assert lab.story([found], []).backdoors == []


def test_a_page_written_by_another_rule_is_one_with_its_use(lab):
    found = lab.finding("door", "success", 4, subject={"file": lab.ON_DISK}, log="exchange-audit")
    (shell,) = lab.story([found, lab.used(60, 2)], []).backdoors
    assert (shell.kind, shell.path, shell.finding_ids) == ("web-shell", lab.SHELL, ["F1", "F2"])
    assert shell.file == r"c:\inetpub\wwwroot\aspnet_client\shell.aspx"


def test_an_attempt_to_plant_plants_nothing(lab):
    found = lab.finding("plant", "attempt", 4, subject={"file": lab.ON_DISK})
    assert lab.story([found], []).backdoors == []
