"""Content decides, the path only where content says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.evidence import registry

DATA = Path(__file__).parent / "data"
FIXTURES = sorted(p for p in DATA.glob("*/*") if not p.name.endswith(".expected.jsonl"))
NEEDS_PATH = {"no-header.log", "OABGeneratorLog20210303-1.LOG"}
W3C_ROW = b"2021-03-03 04:00:01 192.0.2.10 GET /owa/ - 443 - 198.51.100.7 a - 200 0 0 31\r\n"
CSV_ROW = b"2021-03-03T04:00:01.130Z,a,b,c\r\n"


def name_of(head: bytes, path: str) -> str | None:
    spec = registry.recognise(head, path)
    return None if spec is None else spec.name


@pytest.mark.parametrize(
    "sample", [p for p in FIXTURES if p.name not in NEEDS_PATH], ids=lambda p: p.name
)
def test_renamed_logs_are_recognised_by_content_and_by_one_module_only(sample: Path) -> None:
    head = sample.read_bytes()[:65536]
    assert name_of(head, "0007.bin") == sample.parent.name
    claims = [s.name for s in registry.FORMATS if registry.load(s).recognise(head, "0007.bin")]
    assert claims == [sample.parent.name]


@pytest.mark.parametrize(
    ("path", "head", "expected"),
    [
        ("C/inetpub/logs/LogFiles/W3SVC1/u_ex210303.log", W3C_ROW, "iis-w3c"),
        ("IIS_W3SVC1_Logs\\x.txt", W3C_ROW, "iis-w3c"),
        ("HTTPERR_Logs/httperr1.log", W3C_ROW, "httperr"),
        ("OAB_Generation_Logs/a.log", b"any text at all", "exchange-oab-generator"),
        ("V15/Logging/OABGeneratorLog/a.log", b"#Software: x\nany", "exchange-oab-generator"),
        ("Logging/HttpProxy/Ecp/HttpProxy_2021030304-1.LOG", CSV_ROW, "exchange-httpproxy"),
        ("ECP_Proxy_Logs/1.LOG", CSV_ROW, "exchange-httpproxy"),
        ("Logging/ECP/Server/ECPServer20210303-1.LOG", CSV_ROW, "exchange-ecp-server"),
        # nothing but what a crash leaves: still that log, all of it lost
        ("W3SVC1/u_ex210303.log", b"\0" * 4096, "iis-w3c"),
        ("pagefile.sys", b"\0" * 4096, None),
        # the path alone is not enough, nor is content that could be anything
        ("u_ex210303.log", b"nothing like it", None),
        ("u_ex210303.log", b"", None),
        ("notes.txt", W3C_ROW, None),
        ("W3SVC1/u_ex210303.log", b"MZ\x90\0\3\0\0\0" + W3C_ROW, None),
        ("W3SVC1/u_ex210303.log", b"PK\x03\x04" + W3C_ROW, None),
    ],
)
def test_fragments_without_header_are_recognised_by_their_path(
    path: str, head: bytes, expected: str | None
) -> None:
    assert name_of(head, path) == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (
            b"#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n",
            "iis-w3c",
        ),
        (b"\xef\xbb\xbf# Fields: date time cs-method cs-uri-stem sc-status\n", "iis-w3c"),
        (b"\0" * 4096 + b"#Fields: date time cs-method cs-uri-stem sc-status\n", "iis-w3c"),
        (b"#Software: Microsoft HTTP API 2.0\r\n", "httperr"),
        (b"#Software: Microsoft Windows Firewall\n#Fields: date time action src-ip\n", None),
        (b"#Software: Microsoft Exchange Server\n#Log-type: Something Else\n", None),
        (b"TimeStamp,ServerName,EventId,EventData\nx,y,ECP.Request,S:CMD=a", "exchange-ecp-server"),
        (b"TimeStamp,ServerName,EventId,EventData\nx,y,Request,S:PSA=a", "exchange-ecp-activity"),
        (b"name,mail,phone,city\nx,y,z,a\n", None),
    ],
)
def test_header_lines_tell_the_format(head: bytes, expected: str | None) -> None:
    assert name_of(head, "x") == expected


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_anything_can_be_asked_about(head: bytes) -> None:
    registry.recognise(head, "W3SVC1/u_ex210303.log")
    registry.recognise(b"#Fields: " + head, "x")


def test_the_front_ends_web_folder_is_not_the_folder_of_its_logs():
    served = "EX01/C/V15/FrontEnd/HttpProxy/owa/auth/15.1.2106/themes/x.css"
    record = b"2021-03-03T10:00:00.000Z,a,b,c\r\n"
    assert registry.recognise(record, served) is None
    assert registry.recognise(bytes(16), served) is None
    assert registry.recognise(bytes(16), "EX01/C/V15/Logging/HttpProxy/Owa/x.LOG") is not None
