from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from source_archives import SHORT

from exopsy.sources import ReadError, open_collection


def test_order_is_that_of_the_paths_bytes(tmp_path: Path) -> None:
    names = ["a/x", "a.b/x", "a", "B", "é", "a-1", "Z/z/z"]
    paths = ["a/x.log", "a.b/x.log", "a.log", "B.log", "é.log", "a-1.log", "Z/z/z.log"]
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(SHORT)
    with open_collection(tmp_path) as collection:
        found = [member.path for member in collection.members()]
    assert found == sorted(paths, key=str.encode)
    assert len(names) == len(found)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_and_special_files_are_left_out_and_counted(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.log").write_bytes(SHORT)
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    (evidence / "a.log").write_bytes(SHORT)
    (evidence / "folder").symlink_to(outside)
    (evidence / "file.log").symlink_to(outside / "secret.log")
    (evidence / "loop").symlink_to(evidence)
    os.mkfifo(evidence / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(evidence)  # the path of a socket may not be long
        try:
            server.bind("s")
        finally:
            os.chdir(here)
        with open_collection(evidence) as collection:
            for _ in range(2):
                assert [member.path for member in collection.members()] == ["a.log"]
    texts = sorted(problem.text for problem in collection.problems)
    assert len(texts) == 2
    assert "2 devices, pipes or sockets" in texts[0]
    assert "3 symbolic links" in texts[1]


@pytest.mark.skipif(os.name == "nt", reason="no such names on Windows")
def test_names_are_made_safe_and_kept_apart(tmp_path: Path) -> None:
    # what Linux' unzip makes of a zip with backslashes
    (tmp_path / "C\\inetpub\\u_ex.log").write_bytes(b"flat")
    (tmp_path / "C" / "inetpub").mkdir(parents=True)
    (tmp_path / "C" / "inetpub" / "u_ex.log").write_bytes(b"deep")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff\x1b[31m.log")).write_bytes(SHORT)
    with open_collection(tmp_path) as collection:
        found = {m.path: m.local.read_bytes() for m in collection.members() if m.local}
    assert found == {
        "C/inetpub/u_ex.log": b"deep",
        "C/inetpub/u_ex.log#2": b"flat",
        "bad\\xff\\x1b[31m.log": SHORT,
    }
    "".join(found).encode()  # no lone surrogates


def test_a_file_that_vanishes_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    for name in ("a.log", "b.log", "c.log"):
        (tmp_path / name).write_bytes(SHORT)
    with open_collection(tmp_path) as collection:
        members = collection.members()
        first = next(members)
        (tmp_path / "a.log").unlink()
        (tmp_path / "b.log").unlink()
        with pytest.raises(ReadError, match="can't be opened"):
            first.open()
        assert [member.path for member in members] == ["c.log"]
    assert [problem.path for problem in collection.problems] == ["b.log"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(SHORT)
    (tmp_path / "locked.log").write_bytes(SHORT)
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked.log").chmod(0)
    (tmp_path / "locked").chmod(0)
    try:
        with open_collection(tmp_path) as collection:
            assert [member.path for member in collection.members()] == ["a.log"]
    finally:
        (tmp_path / "locked").chmod(0o700)
    assert {problem.path for problem in collection.problems} == {"locked", "locked.log"}


def test_a_deep_tree_does_not_exhaust_the_stack(tmp_path: Path) -> None:
    here = tmp_path
    for _ in range(700):
        here = here / "d"
        here.mkdir()
    (here / "a.log").write_bytes(SHORT)
    with open_collection(tmp_path) as collection:
        (member,) = collection.members()
    assert member.path == "d/" * 700 + "a.log"
