"""What the containers say of the times of their members; zips have a file of their own."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import py7zr
import pytest
from py7zr.helpers import ArchiveTimestamp
from source_archives import SHORT, make_7z, make_tar, make_zip

from exopsy.sources import open_collection

CHANGED = datetime(2021, 3, 3, 4, 5, 6, 250_000, tzinfo=UTC)
WHOLE = CHANGED.replace(microsecond=0)
MADE = datetime(2021, 3, 1, tzinfo=UTC)


def times(path: Path) -> dict[str, tuple[datetime | None, datetime | None]]:
    with open_collection(path) as collection:
        return {m.path: (m.modified, m.created) for m in collection.members()}


def tar(*, form: int = tarfile.PAX_FORMAT, mtime: float, **pax: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        info = tarfile.TarInfo("a.log")
        info.size, info.mtime, info.pax_headers = len(SHORT), mtime, pax
        archive.addfile(info, io.BytesIO(SHORT))
    return buffer.getvalue()


def test_a_folder_gives_the_change_to_the_fraction_and_no_creation(tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    file.write_bytes(SHORT)
    since = CHANGED - datetime(1970, 1, 1, tzinfo=UTC)
    ticks = since // timedelta(microseconds=1) * 1_000
    os.utime(file, ns=(0, ticks))
    assert times(tmp_path) == {"a.log": (CHANGED, None)}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_tar(tmp_path: Path, form: int) -> None:
    (tmp_path / "a.tar").write_bytes(tar(form=form, mtime=WHOLE.timestamp()))
    assert times(tmp_path / "a.tar") == {"a.tar!/a.log": (WHOLE, None)}


def test_a_pax_tar_knows_fractions_and_creation(tmp_path: Path) -> None:
    pax = {"LIBARCHIVE.creationtime": f"{int(MADE.timestamp())}"}
    (tmp_path / "a.tar").write_bytes(tar(mtime=CHANGED.timestamp(), **pax))
    assert times(tmp_path / "a.tar") == {"a.tar!/a.log": (CHANGED, MADE)}


@pytest.mark.parametrize("text", ["", "x", "1" * 40, "1e9", "-", "١"])
def test_a_pax_time_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.tar").write_bytes(tar(mtime=5, **{"LIBARCHIVE.creationtime": text}))
    assert times(tmp_path / "a.tar")["a.tar!/a.log"][1] is None


def test_a_tar_that_states_no_time(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(make_tar({"a.log": SHORT}))
    assert times(tmp_path / "a.tar") == {"a.tar!/a.log": (None, None)}


def sevenzip() -> bytes:
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w") as archive:
        archive.writestr(SHORT, "a.log")
        stated = archive.header.files_info.files[0]
        stated["lastwritetime"] = ArchiveTimestamp.from_datetime(CHANGED.timestamp())
        stated["creationtime"] = ArchiveTimestamp.from_datetime(MADE.timestamp())
    return buffer.getvalue()


def test_a_7z(tmp_path: Path) -> None:
    (tmp_path / "a.7z").write_bytes(sevenzip())
    ((modified, _),) = times(tmp_path / "a.7z").values()
    assert modified is not None
    assert abs(modified - CHANGED) < timedelta(milliseconds=1)


def test_what_lies_in_nested_archives_keeps_its_times(tmp_path: Path) -> None:
    inner = {"b.7z": sevenzip(), "b.tar": tar(mtime=WHOLE.timestamp())}
    (tmp_path / "a.zip").write_bytes(make_zip(inner))
    found = times(tmp_path / "a.zip")
    assert found["a.zip!/b.tar!/a.log"] == (WHOLE, None)
    assert found["a.zip!/b.7z!/a.log"][0] is not None


def test_a_gz_states_when_its_content_was_changed(tmp_path: Path) -> None:
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(SHORT, mtime=int(WHOLE.timestamp())))
    (tmp_path / "b.log.gz").write_bytes(gzip.compress(SHORT, mtime=0))
    assert times(tmp_path) == {
        "a.log.gz!/a.log": (WHOLE, None),
        "b.log.gz!/b.log": (None, None),
    }


def test_an_archive_of_everything_damaged_never_raises(tmp_path: Path) -> None:
    for name, whole in (("a.7z", make_7z({"a": SHORT})), ("a.tar", tar(mtime=9.5))):
        for at in range(0, len(whole), 37):
            damaged = bytearray(whole)
            damaged[at] ^= 0xFF
            (tmp_path / name).write_bytes(damaged)
            times(tmp_path)
