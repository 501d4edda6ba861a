from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from source_archives import LOG, SHORT, make_tar

from exopsy.schema.artifact import Problem
from exopsy.sources import collection as collection_module
from exopsy.sources import open_collection
from exopsy.sources.tar_archive import tar_entries


def read_all(path: Path) -> tuple[dict[str, bytes], dict[str, str], list[Problem]]:
    found: dict[str, bytes] = {}
    errors: dict[str, str] = {}
    with open_collection(path) as collection:
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


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_names_long_and_foreign_in_every_dialect(tmp_path: Path, form: int) -> None:
    files = {"d" * 90 + "/" + "e" * 60 + ".log": LOG, "ü.log": SHORT}
    if form != tarfile.USTAR_FORMAT:
        files["x/" * 200 + "long.log"] = SHORT
    (tmp_path / "a").write_bytes(make_tar(files, format=form))
    assert read_all(tmp_path / "a") == (files, {}, [])


def test_short_files_cost_no_second_look_at_the_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"empty.log": b"", **{f"{n}.log": SHORT[:100] for n in range(20)}}
    (tmp_path / "a").write_bytes(make_tar(files))
    starts = []

    def counted(*arguments: object) -> object:
        starts.append(arguments)
        return tar_entries(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(collection_module, "tar_entries", counted)
    assert read_all(tmp_path / "a") == (files, {}, [])
    assert len(starts) == 1


def test_links_devices_and_climbing_names(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind in (
            ("link", tarfile.SYMTYPE),
            ("hard", tarfile.LNKTYPE),
            ("pipe", tarfile.FIFOTYPE),
            ("folder", tarfile.DIRTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        for name in ("../../climb.log", "/absolute.log", "absolute.log"):
            info = tarfile.TarInfo(name)
            info.size = len(SHORT)
            archive.addfile(info, io.BytesIO(SHORT))
    (tmp_path / "a.tar").write_bytes(buffer.getvalue())
    found, errors, problems = read_all(tmp_path / "a.tar")
    assert found == dict.fromkeys(["climb.log", "absolute.log", "absolute.log#2"], SHORT)
    assert not errors
    texts = " ".join(problem.text for problem in problems)
    for what in ("1 symbolic links", "1 hard links", "1 devices or pipes", "'..'"):
        assert what in texts


def test_a_cut_tar_gives_what_is_there(tmp_path: Path) -> None:
    whole = make_tar({"a.log": SHORT, "b.log": LOG})
    (tmp_path / "a.tar").write_bytes(whole[: 3 * 512 + 1000])
    found, errors, problems = read_all(tmp_path / "a.tar")
    assert found == {"a.log": SHORT, "b.log": LOG[:1000]}
    assert set(errors) == {"b.log"}
    assert "a.tar" in {problem.path for problem in problems}


def test_a_cut_tar_gz_gives_what_is_there(tmp_path: Path) -> None:
    whole = gzip.compress(make_tar({"a.log": SHORT, "b.log": LOG}))
    (tmp_path / "a.tgz").write_bytes(whole[:-100])
    found, errors, problems = read_all(tmp_path / "a.tgz")
    assert found["a.log"] == SHORT
    assert LOG.startswith(found["b.log"])
    assert set(errors) <= {"b.log"}
    assert "a.tgz" in {problem.path for problem in problems}


def test_a_missing_end_mark_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(make_tar({"a.log": SHORT})[:1024])
    found, _, problems = read_all(tmp_path / "a.tar")
    assert found == {"a.log": SHORT}
    assert "end mark" in problems[0].text


def test_a_damaged_header_costs_one_file(tmp_path: Path) -> None:
    content = bytearray(make_tar({"a.log": SHORT, "b.log": SHORT, "c.log": LOG}))
    content[1024 + 150] ^= 0xFF  # the checksum of the second header
    (tmp_path / "a.tar").write_bytes(content)
    found, _, problems = read_all(tmp_path / "a.tar")
    assert found == {"a.log": SHORT, "c.log": LOG}
    assert "no valid header" in problems[0].text


SAMPLE = make_tar({"a.log": SHORT, "d/" * 60 + "b.log": LOG[:5000]}, format=tarfile.PAX_FORMAT)


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    start=st.integers(512, len(SAMPLE) - 1),
    damage=st.binary(min_size=1, max_size=20),
    cut=st.integers(512, len(SAMPLE)),
)
def test_a_damaged_tar_never_raises(tmp_path: Path, start: int, damage: bytes, cut: int) -> None:
    content = bytearray(SAMPLE)
    content[start : start + len(damage)] = damage
    (tmp_path / "a.tar").write_bytes(content[:cut])
    found, errors, problems = read_all(tmp_path / "a.tar")
    assert bool(errors) <= bool(problems)
    if len(found) < 2:
        assert problems
