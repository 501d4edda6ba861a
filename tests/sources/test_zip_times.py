from __future__ import annotations

import io
import struct
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from exopsy.sources import open_collection
from exopsy.sources.zip_times import zip_times

CHANGED = datetime(2021, 3, 3, 4, 5, 6, tzinfo=UTC)
MADE = datetime(2021, 3, 2, 1, 0, 0, 500_000, tzinfo=UTC)


def field(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def filetime(moment: datetime) -> int:
    return int((moment - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds() * 10) * 1_000_000


def ntfs(changed: datetime, made: datetime) -> bytes:
    ticks = filetime(made.replace(microsecond=0)) + made.microsecond * 10
    times = struct.pack("<3Q", filetime(changed), 0, ticks)
    return field(0x000A, bytes(4) + field(1, times))


def extended(flags: int, *times: datetime) -> bytes:
    seconds = [int(time.timestamp()) for time in times]
    return field(0x5455, bytes([flags]) + struct.pack(f"<{len(seconds)}i", *seconds))


OTHER = field(0x9901, b"\2\0AE\3\x08\0")


def test_each_field_that_states_utc() -> None:
    whole = MADE.replace(microsecond=0)
    assert zip_times(OTHER + ntfs(CHANGED, MADE)) == (CHANGED, MADE)
    assert zip_times(extended(1, CHANGED)) == (CHANGED, None)
    assert zip_times(extended(3, CHANGED)) == (CHANGED, None)  # as directories have it
    assert zip_times(extended(7, CHANGED, whole, whole)) == (CHANGED, whole)
    unix = struct.pack("<2i", 1, int(CHANGED.timestamp()))
    assert zip_times(field(0x5855, unix)) == (CHANGED, None)
    assert zip_times(OTHER + field(0x000D, unix + b"\0\0\0\0")) == (CHANGED, None)


def test_the_finer_field_counts_and_none_is_none() -> None:
    assert zip_times(extended(1, MADE) + ntfs(CHANGED, MADE)) == (CHANGED, MADE)
    assert zip_times(field(0x000A, bytes(4) + field(1, bytes(24)))) == (None, None)
    assert zip_times(b"") == (None, None)
    assert zip_times(field(0x5455, b"")) == (None, None)


@given(st.binary(max_size=80))
def test_damaged_fields_never_raise(extra: bytes) -> None:
    for kind in (0x000A, 0x000D, 0x5455, 0x5855):
        zip_times(field(kind, extra) + extra)
        zip_times(field(kind, field(1, extra))[: len(extra)])


def test_members_carry_them_and_the_local_time_is_left(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, extra in (("dos.txt", b""), ("utc.txt", extended(1, CHANGED))):
            info = zipfile.ZipInfo(name, (2021, 3, 3, 6, 5, 6))
            info.extra = extra
            archive.writestr(info, b"text")
    (tmp_path / "a.zip").write_bytes(buffer.getvalue())
    with open_collection(tmp_path / "a.zip") as collection:
        times = {m.path: (m.modified, m.created) for m in collection.members()}
    assert times == {"a.zip!/dos.txt": (None, None), "a.zip!/utc.txt": (CHANGED, None)}


def test_headers_found_without_a_directory_tell_too(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("a.txt")
        info.extra = ntfs(CHANGED, MADE)
        archive.writestr(info, b"text")
    whole = buffer.getvalue()
    (tmp_path / "a.zip").write_bytes(whole[: whole.index(b"PK\1\2")])
    with open_collection(tmp_path / "a.zip") as collection:
        assert [(m.modified, m.created) for m in collection.members()] == [(CHANGED, MADE)]
