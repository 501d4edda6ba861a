from __future__ import annotations

import pytest

from exopsy.detection.indicators.content import load_vocabulary
from exopsy.detection.indicators.values import REASONS, Sorter, Unusable

SORTER = Sorter(load_vocabulary())


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("203[.]0[.]113[.]5", "address", "203.0.113.5"),
        ("203.0.113.5:8443", "address", "203.0.113.5"),
        ("[2001:db8::1]:443", "address", "2001:db8::1"),
        ("2001:0DB8:0:0::1", "address", "2001:db8::1"),
        ("::ffff:203.0.113.5", "address", "203.0.113.5"),
        ("2001[:]db8[:][:]1", "address", "2001:db8::1"),
        ("203.0.113.0/24", "network", "203.0.113.0/24"),
        ("203.0.113.7/24", "network", "203.0.113.0/24"),
        ("203.0.113.7/32", "address", "203.0.113.7"),
        ("hxxps://evil[.]example/a", "url", "https://evil.example/a"),
        ("hXXp[:]//evil(dot)example/a", "url", "http://evil.example/a"),
        ("h**p://evil.example/a", "url", "http://evil.example/a"),
        ("evil.example/a.php", "url", "evil.example/a.php"),
        ("*.Evil.Example.", "domain", "evil.example"),
        ("bob[@]evil[.]example", "email", "bob@evil.example"),
        ("A" * 32, "md5", "a" * 32),
        ("b" * 40, "sha1", "b" * 40),
        ("c" * 64, "sha256", "c" * 64),
        ("d" * 128, "sha512", "d" * 128),
        ("shell1.aspx", "file-name", "shell1.aspx"),
        ("C:\\Temp\\x.dll", "path", "C:\\Temp\\x.dll"),
        ("/aspnet_client/x.aspx", "path", "/aspnet_client/x.aspx"),
        ("EXAMPLE\\svc-bck", "account", "EXAMPLE\\svc-bck"),
        ("python-requests/2.25.1", "user-agent", "python-requests/2.25.1"),
        ("Mozilla/5.0 (X11) x", "user-agent", "Mozilla/5.0 (X11) x"),
    ],
)
def test_kind_and_form_are_told_by_the_value(text, kind, value):
    assert SORTER.sort(text) == (kind, value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0.0.0.0/0", "network-too-wide"),
        ("::/0", "network-too-wide"),
        ("10.1.2.3", "private-address"),
        ("192.168.0.0/24", "private-address"),
        ("::1", "private-address"),
        ("fe80::1", "private-address"),
        ("::ffff:127.0.0.1", "private-address"),
        ("http://10.0.0.5/x", "private-address"),
        ("localhost", "single-label"),
        ("http://localhost/x", "single-label"),
        ("cmd.exe", "too-general"),
        ("CMD.EXE", "too-general"),
        ("c:\\windows\\system32\\cmd.exe", "too-general"),
        ("Mozilla/5.0", "too-general"),
        ("https://google.com/", "too-general"),
        ("d41d8cd98f00b204e9800998ecf8427e", "too-general"),
        ("256.1.1.1", "malformed"),
        ("", "empty"),
        ("''", "empty"),
        ("x" * 5000, "too-long"),
        ("what is this", "unknown-kind"),
        ("C:\\Users\\*\\x.dll", "wildcard"),
    ],
)
def test_what_is_of_no_use_is_refused_with_a_reason(text, reason):
    assert reason in REASONS
    with pytest.raises(Unusable, match=f"^{reason}$"):
        SORTER.sort(text)


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        ("-", "user-agent", "empty"),
        ("abc", "md5", "malformed"),
        ("a" * 40, "sha256", "malformed"),
        ("nobody", "email", "malformed"),
        ("a b", "domain", "malformed"),
    ],
)
def test_what_is_not_of_the_kind_that_its_file_says_is_refused(text, kind, reason):
    with pytest.raises(Unusable, match=reason):
        SORTER.sort(text, kind)


def test_private_addresses_are_taken_when_asked_for():
    assert Sorter(load_vocabulary(), allow_private=True).sort("10.1.2.3")[0] == "address"


def test_documentation_addresses_are_not_private():
    for text in ("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"):
        assert SORTER.sort(text)[0] == "address"


def test_an_import_hash_keeps_its_kind():
    assert SORTER.sort("a" * 32, "imphash") == ("imphash", "a" * 32)
