from __future__ import annotations

import pytest

from exopsy.detection.sieve.keys import KeySieve
from exopsy.detection.sieve.scanner import Scanner


def finds(log: str, value: str, data: bytes) -> bool:
    scanner = Scanner(KeySieve(log, [value]))
    return any(True for _ in scanner.candidates(bytearray(data), len(data)))


@pytest.mark.parametrize(
    ("value", "record"),
    [
        ("192.0.2.7", b"1 192.0.2.7 x\n"),
        ("/owa/x.aspx", b"1 /OWA/x.aspx\n"),
        ("/owa/x.aspx", b"1 /owa%2fx%252easpx\n"),
        ("/owa/x.aspx", b"1 /%6fwa/x.aspx\n"),
        ("/a b.aspx", b"1 /a+b.aspx\n"),
        ("user o'neil", b"1 user+o''neil\n"),
        ("/\u00e9t\u00e9.aspx", b"1 /%c3%a9t%c3%a9.aspx\n"),
        ("\u00e9", b"1 %c3%a9\n"),
        ("ab", b"1 anything at all\n"),
    ],
)
def test_every_way_to_write_a_key_makes_a_candidate(value: str, record: bytes) -> None:
    assert finds("iis-w3c", value, record)


@pytest.mark.parametrize("record", [b"1 192.0.2.8\n", b"1 192x0x2x7\n", b"1\n"])
def test_other_records_are_none(record: bytes) -> None:
    assert not finds("iis-w3c", "192.0.2.7", record)


def test_json_and_csv() -> None:
    data = b'1,"{""ObjectId"":""c:\\\\x\\/y""}"\n'
    assert finds("exchange-audit", "c:\\x/y", data)


def test_headers_are_seen_too() -> None:
    assert finds("iis-w3c", "192.0.2.7", b"1\n#Fields: x\n")
