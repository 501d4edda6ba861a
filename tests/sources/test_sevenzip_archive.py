from __future__ import annotations

import io
from pathlib import Path

import py7zr
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from source_archives import LOG, SHORT, make_7z

from exopsy.schema.artifact import Problem
from exopsy.sources import open_collection


def read_all(
    path: Path, passwords: tuple[bytes, ...] = ()
) -> tuple[dict[str, bytes], dict[str, str], list[Problem]]:
    found: dict[str, bytes] = {}
    errors: dict[str, str] = {}
    with open_collection(path, passwords=passwords) as collection:
        for member in collection.members():
            name = member.path.partition("!/")[2]
            found[name] = b""
            try:
                with member.open() as stream:
                    while chunk := stream.read(4096):
                        found[name] += chunk
            except OSError as error:
                errors[name] = str(error)
    return found, errors, collection.problems


FILTERS = {
    "lzma2": [{"id": py7zr.FILTER_LZMA2, "preset": 1}],
    "bzip2": [{"id": py7zr.FILTER_BZIP2}],
    "deflate": [{"id": py7zr.FILTER_DEFLATE}],
    "zstd": [{"id": py7zr.FILTER_ZSTD, "level": 3}],
    "copy": [{"id": py7zr.FILTER_COPY}],
    "ppmd": [{"id": py7zr.FILTER_PPMD, "order": 6, "mem": 24}],
    "bcj": [{"id": py7zr.FILTER_X86}, {"id": py7zr.FILTER_LZMA2, "preset": 1}],
}


@pytest.mark.parametrize("name", FILTERS)
def test_methods(tmp_path: Path, name: str) -> None:
    files = {"a.log": LOG * 8, "e.log": b"", "b.log": SHORT}
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w", filters=FILTERS[name]) as archive:
        for path, content in files.items():
            archive.writestr(content, path)
    (tmp_path / "a.7z").write_bytes(buffer.getvalue())
    assert read_all(tmp_path / "a.7z") == (files, {}, [])


def test_several_blocks(tmp_path: Path) -> None:
    (tmp_path / "a.7z").write_bytes(make_7z({"a.log": LOG}))
    with py7zr.SevenZipFile(tmp_path / "a.7z", "a") as archive:
        archive.writestr(SHORT, "b.log")
    assert read_all(tmp_path / "a.7z") == ({"a.log": LOG, "b.log": SHORT}, {}, [])


@pytest.mark.parametrize("header", [False, True])
def test_passwords(tmp_path: Path, header: bool) -> None:
    (tmp_path / "a.7z").write_bytes(
        make_7z({"a.log": LOG, "b.log": SHORT}, "infected", header_encryption=header)
    )
    fitting = read_all(tmp_path / "a.7z", (b"wrong", b"infected"))
    assert fitting == ({"a.log": LOG, "b.log": SHORT}, {}, [])
    for passwords in ((), (b"wrong",)):
        found, _, problems = read_all(tmp_path / "a.7z", passwords)
        assert list(found) == [""]  # the archive itself, unopened
        assert "--password-file" in problems[0].text


def test_a_name_that_climbs_takes_nothing_with_it(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w") as archive:
        archive.set_encoded_header_mode(False)
        archive.writestr(SHORT, "xx/xx/a.log")
        archive.writestr(SHORT, "b.log")
    content = buffer.getvalue()
    assert "xx/xx/".encode("utf-16le") in content
    content = content.replace("xx/xx/".encode("utf-16le"), "../../".encode("utf-16le"))
    with_crc = _with_fresh_header_crc(content)
    (tmp_path / "a.7z").write_bytes(with_crc)
    found, _, problems = read_all(tmp_path / "a.7z")
    assert found == {"a.log": SHORT, "b.log": SHORT}
    assert any("'..'" in problem.text for problem in problems)


def _with_fresh_header_crc(content: bytes) -> bytes:
    import struct
    import zlib

    offset, size = struct.unpack_from("<QQ", content, 12)
    header = content[32 + offset : 32 + offset + size]
    start = struct.pack("<QQI", offset, size, zlib.crc32(header))
    return content[:8] + struct.pack("<I", zlib.crc32(start)) + start + content[32:]


def test_a_cut_7z_is_told_and_given_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.7z").write_bytes(make_7z({"a.log": LOG})[:-10])
    found, _, problems = read_all(tmp_path / "a.7z")
    assert list(found) == [""]
    assert "damaged or cut" in problems[0].text


def test_damage_in_the_data_costs_only_what_follows_it(tmp_path: Path) -> None:
    content = bytearray(make_7z({"a.log": SHORT}))
    content[32 + 10] ^= 0xFF
    (tmp_path / "a.7z").write_bytes(content)
    _, errors, problems = read_all(tmp_path / "a.7z")
    assert set(errors) == {"a.log"}
    assert problems


SAMPLE = make_7z({"a.log": SHORT, "b.log": LOG[:3000]})


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(start=st.integers(6, len(SAMPLE) - 1), damage=st.binary(min_size=1, max_size=8))
def test_a_damaged_7z_never_raises(tmp_path: Path, start: int, damage: bytes) -> None:
    content = bytearray(SAMPLE)
    content[start : start + len(damage)] = damage
    (tmp_path / "a.7z").write_bytes(
        _with_fresh_header_crc(bytes(content)) if start > 32 else content
    )
    found, errors, problems = read_all(tmp_path / "a.7z")
    assert bool(errors) <= bool(problems)
    if sorted(found.values()) != sorted([SHORT, LOG[:3000]]):
        assert problems
