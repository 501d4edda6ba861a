"""Nothing is written into the evidence, and nothing of somebody else's is overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from exopsy.store.case_folder import CASE_FILE, claim, default_case, read_case


@pytest.fixture
def collection(tmp_path):
    folder = tmp_path / "evidence"
    folder.mkdir()
    return folder


def test_the_default_case_is_named_after_the_collection(collection, monkeypatch):
    assert default_case(collection) == Path("evidence-case")
    monkeypatch.chdir(collection)
    assert default_case(Path()) == Path("evidence-case")
    assert default_case(Path("/")) == Path("collection-case")


@pytest.mark.parametrize("inside", ["", "case", "a/b"])
def test_a_case_inside_the_evidence_is_refused(collection, inside):
    with pytest.raises(ValueError, match="inside the evidence"):
        claim(collection, collection / inside)
    assert list(collection.iterdir()) == []


def test_a_link_into_the_evidence_is_seen_through(collection, tmp_path):
    link = tmp_path / "elsewhere"
    link.symlink_to(collection)
    with pytest.raises(ValueError, match="inside the evidence"):
        claim(collection, link / "case")


def test_a_folder_of_somebody_elses_is_refused(collection, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("three years")
    with pytest.raises(ValueError, match="not a case"):
        claim(collection, other)
    assert [path.name for path in other.iterdir()] == ["thesis.txt"]


def test_a_file_is_refused(collection, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a file"):
        claim(collection, tmp_path / "file")


def test_a_new_an_empty_and_an_own_folder_are_taken(collection, tmp_path):
    case = tmp_path / "cases" / "one"
    claim(collection, case)
    (case / "tables").mkdir()
    claim(collection, case)  # a run that was stopped before it wrote its case
    empty = tmp_path / "empty"
    empty.mkdir()
    claim(collection, empty)
    moved = tmp_path / "moved"
    moved.mkdir()
    (moved / CASE_FILE).write_text("{}")
    claim(collection, moved)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "holds no case"),
        (b"{}", "not a case"),
        (b"\xff{", "not a case"),
        (b'{"format": "exopsy-case", "version": 2}', "version"),
    ],
)
def test_what_is_not_a_case_is_said(tmp_path, content, told):
    if content is not None:
        (tmp_path / CASE_FILE).write_bytes(content)
    with pytest.raises(ValueError, match=told):
        read_case(tmp_path)
