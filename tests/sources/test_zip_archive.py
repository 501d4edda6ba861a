from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from source_archives import (
    LOG,
    SHORT,
    entry,
    make_aes_zip,
    make_raw_zip,
    make_zip,
    make_zipcrypto_zip,
)

from exopsy.schema.artifact import Problem
from exopsy.sources import open_collection


def read_all(
    path: Path, passwords: tuple[bytes, ...] = ()
) -> tuple[dict[str, bytes], dict[str, str], list[Problem]]:
    """Return contents as far as they go, the errors met, and the problems."""
    found: dict[str, bytes] = {}
    errors: dict[str, str] = {}
    with open_collection(path, passwords=passwords) as collection:
        for member in collection.members():
            name = member.path.partition("!/")[2]
            found[name] = b""
            try:
                with member.open() as stream:
                    while chunk := stream.read(1 << 16):
                        found[name] += chunk
            except OSError as error:
                errors[name] = str(error)
    return found, errors, collection.problems


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_of_the_standard_library(tmp_path: Path, method: int) -> None:
    (tmp_path / "a.zip").write_bytes(make_zip({"a.log": LOG, "e": b""}, method))
    assert read_all(tmp_path / "a.zip") == ({"a.log": LOG, "e": b""}, {}, [])


def test_deflate64_as_windows_explorer_writes_it(tmp_path: Path) -> None:
    big = LOG * 20
    (tmp_path / "a.zip").write_bytes(
        make_raw_zip([entry(b"big.log", big, 9), entry(b"short.log", SHORT, 9)])
    )
    assert read_all(tmp_path / "a.zip") == ({"big.log": big, "short.log": SHORT}, {}, [])


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_aes_with_one_of_several_passwords(tmp_path: Path, bits: int) -> None:
    archive = make_aes_zip({"a.log": LOG, "b.log": SHORT}, b"infected", nbits=bits)
    (tmp_path / "a.zip").write_bytes(archive)
    found = read_all(tmp_path / "a.zip", (b"wrong", b"infected", b"other"))
    assert found == ({"a.log": LOG, "b.log": SHORT}, {}, [])


def test_zipcrypto_tries_every_password_to_the_content(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(make_zipcrypto_zip(b"a.log", LOG, b"infected"))
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:  # the sample is what others read too
        assert archive.read("a.log", b"infected") == LOG
    # one byte is checked, so about one wrong password in 256 passes that check
    wrong = tuple(str(number).encode() for number in range(600))
    assert read_all(tmp_path / "a.zip", (*wrong, b"infected")) == ({"a.log": LOG}, {}, [])


@pytest.mark.parametrize("passwords", [(), (b"wrong",)])
def test_without_a_fitting_password_the_rest_is_given(
    tmp_path: Path, passwords: tuple[bytes, ...]
) -> None:
    (tmp_path / "a.zip").write_bytes(make_aes_zip({"secret.log": LOG}, b"infected"))
    (tmp_path / "b.zip").write_bytes(make_zip({"plain.log": SHORT}))
    with open_collection(tmp_path, passwords=passwords) as collection:
        assert [member.path for member in collection.members()] == ["b.zip!/plain.log"]
    (problem,) = collection.problems
    assert problem.path == "a.zip"
    assert "1 encrypted file" in problem.text
    assert "--password-file" in problem.text


def test_damaged_aes_is_told(tmp_path: Path) -> None:
    archive = bytearray(make_aes_zip({"a.log": LOG}, b"infected"))
    directory = archive.index(b"PK\1\2")
    archive[directory - 12] ^= 0xFF  # the last bytes of the data, or the message code
    (tmp_path / "a.zip").write_bytes(archive)
    _, errors, problems = read_all(tmp_path / "a.zip", (b"infected",))
    assert "damaged" in errors["a.log"] or "cut" in errors["a.log"]
    assert [problem.path for problem in problems] == ["a.zip!/a.log"]


NAMES = {
    b"../../etc/passwd": "etc/passwd",
    b"/absolute.log": "absolute.log",
    b"C:\\inetpub\\u_ex.log": "C/inetpub/u_ex.log",
    b"\\\\server\\share\\x.log": "server/share/x.log",
    b"nul\0hidden.log": "nul\\x00hidden.log",
    b"esc\x1b[2J.log": "esc\\x1b[2J.log",
    b"./..": "unnamed",
    b"a//b/./c.log": "a/b/c.log",
}


def test_names_stay_inside_and_printable(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(make_raw_zip([entry(name, SHORT) for name in NAMES]))
    found, errors, problems = read_all(tmp_path / "a.zip")
    assert found == dict.fromkeys(NAMES.values(), SHORT)
    assert not errors
    assert {p.path for p in problems} == {"a.zip!/etc/passwd", "a.zip!/unnamed"}
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_same_names_are_kept_apart(tmp_path: Path) -> None:
    entries = [entry(b"a", b"1"), entry(b"a#2", b"x"), entry(b"a", b"2"), entry(b"../a", b"3")]
    (tmp_path / "a.zip").write_bytes(make_raw_zip(entries))
    found, _, _ = read_all(tmp_path / "a.zip")
    assert sorted(found.values()) == [b"1", b"2", b"3", b"x"]
    assert sorted(found) == ["a", "a#2", "a#2#2", "a#3"] or len(found) == 4


@pytest.mark.parametrize("sizes", [(10, 20), (1 << 30, 1 << 30), (0, 0)])
def test_a_directory_that_lies_about_sizes_hides_nothing(
    tmp_path: Path, sizes: tuple[int, int]
) -> None:
    entries = [entry(b"a.log", LOG), entry(b"b.log", SHORT)]
    (tmp_path / "a.zip").write_bytes(make_raw_zip(entries, sizes=sizes))
    found, errors, problems = read_all(tmp_path / "a.zip")
    assert found == {"a.log": LOG, "b.log": SHORT}
    assert "states a size" in errors["a.log"]
    assert {p.path for p in problems} == {"a.zip!/a.log", "a.zip!/b.log"}


def test_entries_that_share_bytes_are_read_once(tmp_path: Path) -> None:
    content = make_raw_zip([entry(b"a.log", LOG)])
    start = content.index(b"PK\1\2")
    directory = content[start : content.index(b"PK\5\6")] * 3
    end = struct.pack("<4H2IH", 0, 0, 3, 3, len(directory), start, 0)
    (tmp_path / "a.zip").write_bytes(content[:start] + directory + b"PK\5\6" + end)
    found, _, problems = read_all(tmp_path / "a.zip")
    assert found == {"a.log": LOG}
    (problem,) = problems
    assert "lists 2 files that share their bytes" in problem.text


def test_what_the_directory_leaves_out_is_found(tmp_path: Path) -> None:
    content = bytearray(make_raw_zip([entry(b"a.log", LOG), entry(b"b.log", SHORT)]))
    second = content.index(b"PK\1\2", content.index(b"PK\1\2") + 1)
    struct.pack_into("<I", content, second + 42, 0)  # b.log points to where a.log lies
    (tmp_path / "a.zip").write_bytes(content)
    found, _, problems = read_all(tmp_path / "a.zip")
    assert found == {"a.log": LOG, "b.log": SHORT}
    assert "doesn't list all" in problems[0].text


@pytest.mark.parametrize("method", [0, 8, 9])
def test_a_cut_zip_gives_what_is_there(tmp_path: Path, method: int) -> None:
    whole = make_raw_zip([entry(b"a.log", SHORT, method), entry(b"b.log", LOG, method)])
    cut = whole.index(b"b.log") + 5 + 60
    (tmp_path / "a.zip").write_bytes(whole[:cut])
    found, errors, problems = read_all(tmp_path / "a.zip")
    assert found["a.log"] == SHORT
    assert LOG.startswith(found["b.log"])
    assert set(errors) == {"b.log"}
    assert problems[0].path == "a.zip"
    assert "by their headers" in problems[0].text


def test_a_stored_zip_inside_a_cut_zip_is_one_member(tmp_path: Path) -> None:
    inner = make_zip({"x.log": SHORT}, zipfile.ZIP_STORED)
    whole = make_raw_zip([entry(b"inner.bin", inner, 0), entry(b"b.log", SHORT)])
    (tmp_path / "a.zip").write_bytes(whole[: whole.rindex(b"PK\1\2")])
    found, errors, _ = read_all(tmp_path / "a.zip")
    assert found == {"inner.bin!/x.log": SHORT, "b.log": SHORT}
    assert not errors


def test_an_unknown_method_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(make_raw_zip([(b"a", 97, b"xxxx", 0, 4)]))
    _, errors, problems = read_all(tmp_path / "a.zip")
    assert "zip method 97" in errors["a"]
    assert len(problems) == 1


def test_a_wrong_checksum_is_told_after_all_bytes(tmp_path: Path) -> None:
    name, method, packed, crc, size = entry(b"a.log", LOG)
    (tmp_path / "a.zip").write_bytes(make_raw_zip([(name, method, packed, crc ^ 1, size)]))
    found, errors, _ = read_all(tmp_path / "a.zip")
    assert found == {"a.log": LOG}
    assert "checksum" in errors["a.log"]


SAMPLE = make_zip({"a.log": SHORT, "d/b.log": LOG, "c.zip": make_zip({"x.log": SHORT})})


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    start=st.integers(0, len(SAMPLE) - 1),
    damage=st.binary(min_size=1, max_size=8),
    cut=st.none() | st.integers(14, len(SAMPLE)),
)
def test_a_damaged_zip_never_raises_and_never_passes_silently(
    tmp_path: Path, start: int, damage: bytes, cut: int | None
) -> None:
    content = bytearray(SAMPLE)
    content[start : start + len(damage)] = damage
    content[0:4] = b"PK\3\4"
    content = content[:cut]
    (tmp_path / "a.zip").write_bytes(content)
    found, errors, problems = read_all(tmp_path / "a.zip")
    assert bool(errors) <= bool(problems)
    if sum(map(len, found.values())) < len(LOG) + 2 * len(SHORT):
        assert problems
