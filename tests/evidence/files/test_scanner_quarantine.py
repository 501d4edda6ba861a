from __future__ import annotations

import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exopsy.evidence.files import scanner_log
from exopsy.evidence.files.scanner_quarantine import _plain, is_entry, read_entry

TICKS = 116444736000000000 + 1615457853 * 10_000_000  # 2021-03-11T10:17:33Z


def _entry(*resources: tuple[str, str], threat: str = "Backdoor:ASP/Example.A!dha") -> bytes:
    """Make an entry as the published format describes it."""
    one = bytes(32) + struct.pack("<QQI", TICKS, 1, 1) + threat.encode() + b"\0"
    bodies, offsets = b"", []
    for kind, path in resources:
        offsets.append(4 + 4 * len(resources) + len(bodies))
        bodies += path.encode("utf-16-le") + b"\0\0" + struct.pack("<H", 0) + kind.encode() + b"\0"
        bodies += bytes(-len(bodies) % 4)
    two = struct.pack(f"<I{len(offsets)}I", len(offsets), *offsets) + bodies
    header = (
        b"\xdb\xe8\xc5\x01\x01\x00\x01\x00" + bytes(32) + struct.pack("<II", len(one), len(two))
    )
    header += bytes(60 - len(header))
    return _plain(header) + _plain(one) + _plain(two)


def test_an_entry_is_read() -> None:
    found = read_entry(_entry(("file", "C:\\inetpub\\x.aspx"), ("regkey", "HKLM\\x")))
    assert found.threat == "Backdoor:ASP/Example.A!dha"
    assert found.time == datetime(2021, 3, 11, 10, 17, 33, tzinfo=UTC)
    assert found.resources == (("file", "C:\\inetpub\\x.aspx"), ("regkey", "HKLM\\x"))
    assert found.is_whole


def test_the_stream_is_that_of_the_published_key() -> None:
    # Quarantined files are known to begin with 0B AD 00: the number 3, disguised.
    assert _plain(b"\x03\0\0").hex() == "0bad00"


def test_entries_become_rows(rows_of) -> None:
    data = _entry(("file", "\\\\?\\C:\\inetpub\\wwwroot\\x.aspx"))
    assert scanner_log.recognise(data, "x/{80000000-0000-0000-0000-000000000000}")
    rows, skipped = rows_of(scanner_log, data)
    assert not skipped
    assert rows[0].fields["TargetPath"] == "C:\\inetpub\\wwwroot\\x.aspx"
    assert rows[0].fields["Action"] == "quarantine"
    assert rows[0].timestamp is not None


def test_a_cut_entry_is_told(rows_of) -> None:
    data = _entry(("file", "C:\\x.aspx"))
    rows, skipped = rows_of(scanner_log, data[:120])
    assert [s.reason for s in skipped] == ["damaged-export"]
    assert rows[0].fields["Threat"] == "Backdoor"


@pytest.mark.parametrize("count", [0xFFFFFFFF, 2])
def test_senseless_numbers_are_bounded(count: int) -> None:
    two = struct.pack("<II", count, 8) + b"x\0\0\0"
    header = b"\xdb\xe8\xc5\x01" + bytes(36) + struct.pack("<II", 0, len(two)) + bytes(12)
    assert not read_entry(_plain(header) + _plain(two)).is_whole


@given(st.binary(max_size=200), st.integers(0, 200))
def test_damage_never_raises(noise: bytes, at: int) -> None:
    data = _entry(("file", "C:\\x.aspx"))
    read_entry(data[:at] + noise + data[at + len(noise) :])
    is_entry(noise)
