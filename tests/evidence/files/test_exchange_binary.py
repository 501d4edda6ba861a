from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.evidence import registry
from exopsy.evidence.files import exchange_binary
from exopsy.lab.version_program import program
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Row, Skipped

PATH = "EX01/C/Program Files/Microsoft/Exchange Server/V15/Bin/ExSetup.exe"
WHOLE = program((15, 1, 2106, 13), FileVersion="15.01.2106.013", ProductName="Example")


def read(data: bytes, path: str = PATH, *, is_whole: bool = True) -> list[Row | Skipped]:
    file = FileFacts(
        path=path,
        size=len(data),
        sha256="0" * 64,
        modified=datetime(2021, 3, 5, tzinfo=UTC),
        is_whole=is_whole,
    )
    return list(exchange_binary.read_file(data, file))


def test_the_version_of_the_resources_is_the_build() -> None:
    (row,) = read(WHOLE)
    assert isinstance(row, Row)
    assert row.fields["Build"] == row.fields["FixedVersion"] == "15.1.2106.13"
    assert row.fields["FileVersion"] == "15.01.2106.013"
    assert row.fields["ProductName"] == "Example"
    assert row.timestamp is None


@pytest.mark.parametrize("path", [PATH, PATH.upper(), "ExSetup.exe", "a.zip!/Bin/ExSetup.exe"])
def test_it_is_recognised_by_name_and_first_bytes(path: str) -> None:
    spec = registry.recognise_file(WHOLE[:4096], path)
    assert spec is not None
    assert spec.name == "exchange-binary"
    assert registry.recognise_file(b"not a program", path) is None
    assert registry.recognise_file(WHOLE[:4096], "Bin/MyExSetup.exe") is None


def test_the_media_of_an_update_are_not_what_is_installed() -> None:
    (row,) = read(WHOLE, "D/CU23/Setup/ServerRoles/Common/ExSetup.exe")
    assert isinstance(row, Row)
    assert row.fields["FixedVersion"] == "15.1.2106.13"
    assert "Build" not in row.fields


def test_what_states_no_version_is_skipped_with_a_reason() -> None:
    for data in (b"MZ", b"MZ" + b"\0" * 5000, WHOLE[:600], b""):
        (item,) = read(data)
        assert isinstance(item, Skipped)
        assert item.reason == "no-version"


def test_a_large_one_is_something_else() -> None:
    (cut,) = read(WHOLE, is_whole=False)
    (large,) = read(WHOLE + b"\0" * exchange_binary.MOST_BYTES)
    assert isinstance(cut, Skipped)
    assert isinstance(large, Skipped)
    assert cut.reason == large.reason == "too-large"


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(1, 40))
def test_no_damage_is_too_odd(seed: int, changes: int) -> None:
    chance = random.Random(seed)
    data = bytearray(WHOLE)
    for _ in range(changes):
        data[chance.randrange(0x40, len(data))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
    read(bytes(data))
    read(bytes(data[: chance.randrange(len(data))]))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=600))
def test_no_bytes_are_too_odd(data: bytes) -> None:
    read(b"MZ" + data)
    read(WHOLE[:0x200] + data)
