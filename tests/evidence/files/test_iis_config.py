from __future__ import annotations

import hashlib

import pytest

from exopsy.evidence.files import iis_config

KEY = "00112233445566778899AABBCCDDEEFF" * 2
WEB = f"""<?xml version="1.0" encoding="ENCODING"?>
<configuration>
  <location path="owa" inheritInChildApplications="false">
    <system.webServer>
      <modules>
        <add name="Gone" type="App.Gone, App" />
        <remove name="Gone" />
        <add name="Stays" type="App.Stays,
           App, Version=1.0.0.0, PublicKeyToken=0123456789ABCDEF" />
        <add name="exppw" />
      </modules>
      <handlers>
        <add name="h" path="*.png,logo.GIF" verb="*" scriptProcessor="%windir%\\System32\\x.exe|-y" />
      </handlers>
    </system.webServer>
    <system.web><machineKey validationKey="{KEY}" decryptionKey="AutoGenerate" /></system.web>
  </location>
</configuration>
"""
HOST = r"""<configuration><system.applicationHost><sites><site name="Default Web Site">
<application path="/owa"><virtualDirectory path="/c" physicalPath="%SystemDrive%\x" password="hush-hush" /></application>
</site></sites></system.applicationHost>
<system.webServer><security><authentication>
<windowsAuthentication enabled="true"><extendedProtection tokenChecking="Require" /></windowsAuthentication>
</authentication></security></system.webServer></configuration>"""


def _of(rows, element):
    return [row for row in rows if row.fields["Element"] == element]


def test_elements_become_rows(rows_of) -> None:
    rows, skipped = rows_of(iis_config, WEB.replace("ENCODING", "utf-8").encode(), "web.config")
    assert not skipped
    assert [row.fields["Element"] for row in rows] == [
        "file", "module", "module", "handler", "machine-key",
    ]  # fmt: skip
    gone, stays = _of(rows, "module")
    assert gone.fields["Removed"] == "true"
    assert "Removed" not in stays.fields
    assert stays.fields["Type"] == (
        "App.Stays, App, Version=1.0.0.0, PublicKeyToken=0123456789ABCDEF"
    )
    assert stays.fields["TypeName"] == "App.Stays"
    assert stays.fields["Assembly"] == "App"
    assert stays.fields["PublicKeyToken"] == "0123456789abcdef"
    assert stays.fields["Location"] == "owa"
    assert stays.fields["Section"] == "system.webServer/modules"
    assert stays.origin.line == 8
    [handler] = _of(rows, "handler")
    assert handler.fields["PatternExtension"] == "png,gif"
    assert handler.fields["ImagePath"] == r"%windir%\System32\x.exe"
    assert handler.fields["Arguments"] == "-y"
    assert _of(rows, "file")[0].fields["Scope"] == "directory"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_another_encoding_gives_the_same_rows(rows_of, encoding: str) -> None:
    declared = {"cp1252": "windows-1252"}.get(encoding, "utf-16")
    told = [r.fields for r in rows_of(iis_config, WEB.replace("ENCODING", "utf-8").encode())[0]]
    data = WEB.replace("ENCODING", declared).encode(encoding)
    assert iis_config.recognise(data, "0007.bin")
    rows, _ = rows_of(iis_config, data)
    for mine, theirs in zip(rows, told, strict=True):
        assert mine.fields | {"Size": "", "Sha256": ""} == theirs | {"Size": "", "Sha256": ""}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_keys_are_in_no_row(rows_of, encoding: str) -> None:
    rows, _ = rows_of(iis_config, WEB.replace("ENCODING", encoding).encode(encoding))
    [key] = _of(rows, "machine-key")
    assert key.fields["ValidationKey"] == "explicit"
    assert key.fields["DecryptionKey"] == "generated"
    assert (
        key.fields["ValidationKeySha256"] == hashlib.sha256(KEY.upper().encode()).hexdigest()[:16]
    )
    assert key.fields["ValidationKeyDigits"] == "64"
    for row in rows:
        for text in (*row.fields.values(), row.raw.decode(encoding, "replace"), str(row.raw)):
            assert KEY not in text
            assert KEY[:12] not in text


def test_a_key_cut_by_the_end_of_the_sample_is_no_more_readable(rows_of) -> None:
    padding = "x" * 4_060
    data = f'<configuration><system.web><machineKey a="{padding}" validationKey="{KEY}"/>'.encode()
    [row] = _of(rows_of(iis_config, data)[0], "machine-key")
    assert b"validationKey=" in row.raw
    assert KEY[:4].encode() not in row.raw


def test_the_case_of_a_key_does_not_change_its_hash(rows_of) -> None:
    def digest(key: str) -> str:
        data = f'<configuration><system.web><machineKey validationKey="{key}"/>'.encode()
        [row] = _of(rows_of(iis_config, data)[0], "machine-key")
        return row.fields["ValidationKeySha256"]

    assert digest(KEY) == digest(KEY.lower()) == digest(KEY + ",IsolateApps")


def test_directories_and_sign_in(rows_of) -> None:
    rows, _ = rows_of(iis_config, HOST.encode())
    [directory] = _of(rows, "virtual-directory")
    assert directory.fields["Name"] == "Default Web Site/owa/c"
    assert directory.fields["ImagePath"] == r"C:\x"
    assert directory.fields["Scope"] == "server"
    assert not any(b"hush-hush" in row.raw for row in rows)
    [sign_in] = _of(rows, "windows-authentication")
    assert sign_in.fields["TokenChecking"] == "Require"


def test_what_a_later_clear_takes_away_is_told(rows_of) -> None:
    data = b"""<configuration><system.web><httpHandlers>
<add verb="GET" path="*.a" type="A.B" /><remove verb="POST" path="*.a" />
<add verb="*" path="*.b" type="A.B" /><clear /><add verb="*" path="*.c" type="A.B" />
</httpHandlers></system.web></configuration>"""
    rows, _ = rows_of(iis_config, data)
    assert [r.fields.get("Removed") for r in _of(rows, "handler")] == ["true", "true", None]


def test_a_removal_of_another_verb_takes_nothing_away(rows_of) -> None:
    data = b"""<configuration><system.web><httpHandlers><add verb="GET" path="*.a" type="A.B" />
<remove verb="POST" path="*.a" /></httpHandlers></system.web></configuration>"""
    [handler] = _of(rows_of(iis_config, data)[0], "handler")
    assert "Removed" not in handler.fields


def test_damage_is_told_and_the_rest_is_read(rows_of) -> None:
    data = WEB.replace("</modules>", "<modules>").encode()
    rows, skipped = rows_of(iis_config, data)
    assert {s.reason for s in skipped} >= {"damaged-markup"}
    assert "damaged-markup" in _of(rows, "file")[0].fields["Damage"]
    assert len(_of(rows, "module")) == 2
    assert len(_of(rows, "machine-key")) == 1


def test_a_document_type_is_counted_and_told(rows_of) -> None:
    rows, skipped = rows_of(iis_config, b"<!DOCTYPE a><configuration><system.web/></configuration>")
    assert [s.reason for s in skipped] == ["document-type"]
    assert rows[0].fields["Damage"] == "document-type"


@pytest.mark.parametrize(
    ("head", "path", "is_ours"),
    [
        (b"<configuration><system.web/>", "0007.bin", True),
        (b"<?xml version='1.0'?><!-- x --><configuration>", "a/Foo.exe.config", True),
        (b"<configuration><runtime/>", "a/OWA_web.config.bak", True),
        (b"damaged", "x/web.config", True),
        (b"\0" * 4096, "x/applicationHost.config", True),
        (b"<configuration><appender/>", "logback.xml", False),
        (b"<configuration><system.web/>", "x/page.aspx", False),
        (b"text about <configuration><system.web>", "notes.txt", False),
        (b"<x/>", "x.config", False),
    ],
)
def test_it_is_known_by_its_content(head: bytes, path: str, is_ours: bool) -> None:
    assert iis_config.recognise(head, path) is is_ours
