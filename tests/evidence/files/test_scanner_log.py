from __future__ import annotations

from datetime import UTC, datetime

import pytest

from exopsy.evidence.files import scanner_log

ONE_OFF = """---------------------------------------
Microsoft Safety Scanner v1.333, (build 1.333.600.0)
Started On Thu Mar 11 10:22:33 2021

Results Summary:
----------------
Found Backdoor:ASP/Example.A!dha, partially removed.

Extended Scan Results:
Threat Detected: Backdoor:ASP/Example.B and Removed!
  Action: Remove, Result: 0x00000000
    file://\\\\?\\C:\\inetpub\\wwwroot\\x.aspx
    containerfile://C:\\b.zip

Microsoft Safety Scanner Finished On Thu Mar 11 12:00:00 2021
"""
RESIDENT = (
    "2021-03-11T10:22:33.123Z Service started\r\n"
    "2021-03-11T10:22:34.1234567Z DETECTIONEVENT MPSOURCE_REALTIME Backdoor:ASP/Example.A!dha "
    "file:C:\\a b\\x.aspx;file:_C:\\y.aspx\r\n"
    "2021-03-11T10:22:35Z DETECTION_CLEANEVENT MPSOURCE_SYSTEM MP_THREAT_ACTION_QUARANTINE 0x0 "
    "Trojan:Win32/Example containerfile:C:\\z.zip; file:C:\\z.zip->x.exe\r\n"
    "not a line of ours DETECTIONEVENT\r\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_the_one_off_scanner(rows_of, encoding: str) -> None:
    data = ONE_OFF.encode(encoding)
    assert scanner_log.recognise(data, "0007.bin")
    rows, skipped = rows_of(scanner_log, data)
    assert not skipped
    assert [(r.fields.get("Threat"), r.fields.get("TargetPath"), r.origin.line) for r in rows] == [
        (None, None, 3),
        ("Backdoor:ASP/Example.A!dha", None, 7),
        ("Backdoor:ASP/Example.B", None, 10),
        ("Backdoor:ASP/Example.B", r"C:\inetpub\wwwroot\x.aspx", 12),
        ("Backdoor:ASP/Example.B", r"C:\b.zip", 13),
    ]
    assert rows[3].fields["Result"] == "0x00000000"
    assert {r.fields["Time"] for r in rows} == {"Thu Mar 11 10:22:33 2021"}
    assert all(r.timestamp is None for r in rows), "its time has no zone"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_the_resident_scanner(rows_of, encoding: str) -> None:
    data = RESIDENT.encode(encoding)
    assert scanner_log.recognise(data, "x/MPLog-20210311-102233.log")
    assert scanner_log.recognise(data, "0007.bin")
    rows, _ = rows_of(scanner_log, data)
    assert [(r.fields["Threat"], r.fields["Target"]) for r in rows] == [
        ("Backdoor:ASP/Example.A!dha", r"C:\a b\x.aspx"),
        ("Backdoor:ASP/Example.A!dha", r"C:\y.aspx"),
        ("Trojan:Win32/Example", r"C:\z.zip"),
        ("Trojan:Win32/Example", r"C:\z.zip"),
    ]
    assert rows[0].timestamp == datetime(2021, 3, 11, 10, 22, 34, 123456, tzinfo=UTC)
    assert rows[2].fields["Action"] == "quarantine"
    assert (
        rows[0]
        .raw.decode(encoding.replace("utf-16", "utf-16-le"))
        .startswith("2021-03-11T10:22:34")
    )


def test_an_export_of_detections(rows_of) -> None:
    data = (
        b"ThreatID             : 2147777001\r\nInitialDetectionTime : 3/11/2021\r\n"
        b"Resources            : {file:_C:\\a.aspx, containerfile:_C:\\b.zip}\r\n"
    )
    assert scanner_log.recognise(data, "0007.bin")
    rows, _ = rows_of(scanner_log, data)
    assert [r.fields["Target"] for r in rows] == [r"C:\a.aspx", r"C:\b.zip"]
    assert rows[0].fields["Threat"] == "threat 2147777001"


def test_other_text_is_not_ours() -> None:
    assert not scanner_log.recognise(b"a note: Started On Monday", "x.txt")
    assert not scanner_log.recognise(b'{"Event": "ThreatID"}', "x.json")
    assert not scanner_log.recognise(RESIDENT.encode(), "x.aspx")
