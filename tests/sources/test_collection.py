from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from source_archives import LOG, SHORT, make_7z, make_tar, make_zip

from exopsy.core.errors import CollectionError
from exopsy.core.limits import Limits
from exopsy.sources import Collection, open_collection

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def contents(collection: Collection) -> dict[str, bytes]:
    found = {}
    for member in collection.members():
        with member.open() as stream:
            found[member.path] = stream.read()
    return found


FILES = {"C/inetpub/u_ex.log": LOG, "C/empty.log": b"", "C/short.log": SHORT}

ARCHIVES = {
    "zip": make_zip(FILES),
    "tar": make_tar(FILES),
    "tar.gz": gzip.compress(make_tar(FILES)),
    "tar.bz2": bz2.compress(make_tar(FILES)),
    "tar.xz": lzma.compress(make_tar(FILES)),
    "tar.zst": zstd.compress(make_tar(FILES)),
    "7z": make_7z(FILES),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_every_archive_gives_its_files_whatever_it_is_called(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "evidence.dat"
    path.write_bytes(ARCHIVES[kind])
    with open_collection(path) as collection:
        found = contents(collection)
    assert found == {f"evidence.dat!/{name}": content for name, content in FILES.items()}
    assert not collection.problems
    assert collection.spooled_bytes == 0


@pytest.mark.parametrize("outer", ARCHIVES)
@pytest.mark.parametrize("inner", ARCHIVES)
def test_archives_in_archives_are_opened_and_their_copies_deleted(
    tmp_path: Path, outer: str, inner: str
) -> None:
    make = {"zip": make_zip, "7z": make_7z}.get(outer, make_tar)
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    (evidence / "outer").write_bytes(make({"a/inner": ARCHIVES[inner], "b.log": SHORT}))
    spool = tmp_path / "spool"
    with open_collection(evidence, spool=spool) as collection:
        found = contents(collection)
        again = contents(collection)
    expected = {f"outer!/a/inner!/{name}": content for name, content in FILES.items()}
    assert found == again == expected | {"outer!/b.log": SHORT}
    assert not collection.problems
    assert not spool.exists() or not list(spool.iterdir())
    assert (collection.spooled_bytes > 0) == (inner in ("zip", "7z"))
    assert [path.name for path in evidence.iterdir()] == ["outer"]


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("u_ex210303.log.gz", gzip.compress),
        ("u_ex210303.log.bz2", bz2.compress),
        ("u_ex210303.log.xz", lzma.compress),
        ("u_ex210303.log.zst", zstd.compress),
    ],
)
def test_a_compressed_log_alone(tmp_path: Path, name: str, pack: object) -> None:
    assert callable(pack)
    (tmp_path / name).write_bytes(pack(LOG) + pack(SHORT))  # parts may follow each other
    with open_collection(tmp_path / name) as collection:
        assert contents(collection) == {f"{name}!/u_ex210303.log": LOG + SHORT}
    assert not collection.problems


def test_a_log_alone_is_read_as_the_file_itself(tmp_path: Path) -> None:
    path = tmp_path / "u_ex210303.log"
    path.write_bytes(LOG)
    with open_collection(path) as collection:
        (member,) = collection.members()
        assert (member.path, member.local, member.size) == ("u_ex210303.log", path, len(LOG))
        with member.open() as stream:
            assert isinstance(stream, io.FileIO)


def test_streams_fill_the_buffer_and_start_anew(tmp_path: Path) -> None:
    path = tmp_path / "evidence.7z"
    path.write_bytes(make_7z({"big.log": LOG * 10, "next.log": SHORT}))
    with open_collection(path) as collection:
        members = []
        for member in collection.members():
            members.append(member)
            with member.open() as first, member.open() as second:
                buffer = bytearray(len(LOG) * 10 + 1)
                count = first.readinto(buffer)
                assert count == member.size
                assert second.read() == buffer[:count]
        with members[0].open() as late:
            assert late.read() == LOG * 10


def test_members_of_a_solid_archive_can_be_left_unread(tmp_path: Path) -> None:
    for name, content in (("a.tar", ARCHIVES["tar.gz"]), ("b.7z", ARCHIVES["7z"])):
        (tmp_path / name).write_bytes(content)
    with open_collection(tmp_path) as collection:
        members = list(collection.members())
        assert len(members) == 6
        for member in reversed(members):
            with member.open() as stream:
                assert stream.read() == FILES[member.path.partition("!/")[2]]


@pytest.mark.parametrize("make", [make_tar, make_7z])
def test_a_large_member_that_has_gone_by_is_read_again_from_the_start(
    tmp_path: Path, make: Callable[[dict[str, bytes]], bytes]
) -> None:
    # larger than what is kept of the member the iteration stands at
    files = {"a.log": b"a" * 900_000, "b.log": b"b" * 900_000, "c.log": b"c" * 900_000}
    (tmp_path / "a").write_bytes(make(files))
    with open_collection(tmp_path) as collection:
        members = collection.members()
        first, second = next(members), next(members)
        for member, content in ((first, b"a"), (second, b"b"), (next(members), b"c")):
            with member.open() as stream:
                assert stream.read() == content * 900_000


def test_what_lies_in_a_nested_zip_is_gone_with_its_copy(tmp_path: Path) -> None:
    path = tmp_path / "outer.zip"
    path.write_bytes(make_zip({"inner.zip": make_zip({"a.log": LOG}), "z.log": SHORT}))
    with open_collection(path) as collection:
        members = list(collection.members())
        with pytest.raises(OSError, match="iterate over the members again"):
            members[0].open()
        with members[1].open() as stream:
            assert stream.read() == SHORT
    assert not collection.problems


def test_depth_is_bounded_and_the_rest_is_given(tmp_path: Path) -> None:
    content = SHORT
    for level in range(6):
        content = make_zip({f"level{level}.zip": content, f"beside{level}.log": SHORT})
    (tmp_path / "deep.zip").write_bytes(content)
    with open_collection(tmp_path, limits=Limits(archive_depth=3)) as collection:
        found = contents(collection)
    beside = [path for path in found if path.endswith(".log")]
    assert len(beside) == 3
    assert any("archive_depth" in problem.text for problem in collection.problems)
    assert any(path.endswith("level3.zip") for path in found)


def test_members_are_bounded(tmp_path: Path) -> None:
    for kind in ("zip", "7z", "tar.gz"):
        (tmp_path / f"many.{kind}").write_bytes(ARCHIVES[kind])
    (tmp_path / "plain.log").write_bytes(SHORT)
    with open_collection(tmp_path, limits=Limits(archive_members=4)) as collection:
        found = contents(collection)
        assert found == contents(collection)
    assert len(found) == 5
    assert found["plain.log"] == SHORT
    assert {p.path for p in collection.problems} == {"many.tar.gz", "many.zip"}


def test_the_spool_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(make_zip({"inner.zip": ARCHIVES["zip"], "b.log": SHORT}))
    with open_collection(tmp_path, limits=Limits(spool_bytes=100)) as collection:
        found = contents(collection)
    assert found == {"a.zip!/inner.zip": ARCHIVES["zip"], "a.zip!/b.log": SHORT}
    (problem,) = collection.problems
    assert "spool_bytes" in problem.text
    assert collection.spooled_bytes <= 100


BOMB = b"\0" * 4_000_000


@pytest.mark.parametrize(
    ("name", "bomb"),
    [
        ("b.zip", make_zip({"z": BOMB})),
        ("b.gz", gzip.compress(BOMB)),
        ("b.xz", lzma.compress(BOMB)),
        ("b.zst", zstd.compress(BOMB)),
        ("b.bz2", bz2.compress(BOMB)),
        ("b.7z", make_7z({"z": BOMB})),
        ("b.tgz", gzip.compress(make_tar({"z": BOMB}))),
    ],
)
@pytest.mark.parametrize(
    "limits",
    [
        Limits(archive_ratio=100, archive_ratio_from=1_000_000),
        Limits(member_bytes=1_000_000),
    ],
    ids=["ratio", "size"],
)
def test_a_bomb_ends_early(tmp_path: Path, name: str, bomb: bytes, limits: Limits) -> None:
    (tmp_path / name).write_bytes(bomb)
    with open_collection(tmp_path, limits=limits) as collection:
        for member in collection.members():
            with member.open() as stream:
                read = 0
                with pytest.raises(OSError, match="limit"):
                    while chunk := stream.read(1 << 16):
                        read += len(chunk)
            assert 500_000 <= read <= 2_000_000
    assert any("limit" in problem.text for problem in collection.problems)


def test_problems_are_told_once(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(LOG)[:-20])
    with open_collection(tmp_path) as collection:
        for _ in range(3):
            for member in collection.members():
                with member.open() as stream, pytest.raises(OSError, match="cut"):
                    while stream.read(1 << 20):
                        pass
    (problem,) = collection.problems
    assert problem.path == "a.gz"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.zip", None, "doesn't exist"),
        ("empty.zip", b"", "is empty"),
        ("disk.E01", b"EVF\x09\x0d\x0a\xff\x00" + b"\0" * 600, "EnCase disk image"),
        ("a.rar", b"Rar!\x1a\x07\x01\x00", "RAR"),
        ("program.exe", b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff" + b"\0" * 100, "neither a folder"),
    ],
)
def test_what_is_no_collection_is_refused_with_a_sentence(
    tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CollectionError, match=says):
        open_collection(tmp_path / name)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(CollectionError, match="holds no file"):
        open_collection(tmp_path)


def test_an_unsupported_container_inside_is_a_problem_and_still_a_member(tmp_path: Path) -> None:
    (tmp_path / "a.rar").write_bytes(b"Rar!\x1a\x07\x01\x00" + b"x" * 50)
    (tmp_path / "lfs.zip").write_bytes(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
    )
    with open_collection(tmp_path) as collection:
        assert set(contents(collection)) == {"a.rar", "lfs.zip"}
    (problem,) = collection.problems
    assert "RAR" in problem.text


@pytest.mark.parametrize("pack", [make_zip, make_tar])
def test_an_archive_can_be_a_member_too(tmp_path: Path, pack) -> None:
    inner = make_zip({"a.log": SHORT})
    outer = pack({"here/x.zip": inner, "other/y.zip": inner})
    (tmp_path / "o").write_bytes(outer)
    with open_collection(tmp_path / "o", gives=lambda path: "here/" in path) as collection:
        found = {}
        for member in collection.members():
            with member.open() as stream:
                found[member.path] = b"".join(iter(lambda: stream.read(100), b""))
    assert found == {
        "o!/here/x.zip": inner,
        "o!/here/x.zip!/a.log": SHORT,
        "o!/other/y.zip!/a.log": SHORT,
    }


def test_an_archive_that_can_not_be_opened_is_given_once(tmp_path: Path) -> None:
    (tmp_path / "x.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(40))
    for gives in (None, lambda _path: True):
        with open_collection(tmp_path, gives=gives) as collection:
            assert [member.path for member in collection.members()] == ["x.7z"]
