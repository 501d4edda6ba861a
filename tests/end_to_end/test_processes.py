"""Members read by forked processes: the same case, and a process that dies takes one member."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from exopsy.pipeline import scan_processes
from exopsy.schema.artifact import ArtifactFacts
from exopsy.schema.case import encode_case

pytestmark = pytest.mark.skipif(not scan_processes.can_fork(), reason="no fork here")


@pytest.fixture(autouse=True)
def processes_for_little(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Use processes however little there is to read; count their rounds."""
    monkeypatch.setattr(scan_processes, "WORTH", 1)
    rounds: list[int] = []
    usual = scan_processes.ProcessScan._round

    def counted(self, todo, *others):
        rounds.append(len(todo))
        return usual(self, todo, *others)

    monkeypatch.setattr(scan_processes.ProcessScan, "_round", counted)
    return rounds


@pytest.mark.parametrize("workers", [2, 5])
def test_the_case_is_that_of_one_process(
    examine, lab_of, processes_for_little: list[int], workers: int
) -> None:
    lab = lab_of("proxylogon")
    alone = encode_case(examine(lab.collection))
    assert not processes_for_little
    assert encode_case(examine(lab.collection, workers=workers)) == alone
    assert len(processes_for_little) == 1


def test_indicators_and_archives_are_counted_once(examine, lab_of, tmp_path: Path) -> None:
    import shutil

    lab = lab_of("scanned-only")
    folder = tmp_path / "collection"
    shutil.copytree(lab.collection, folder)
    archive = shutil.make_archive(str(tmp_path / "more"), "zip", lab.collection)
    shutil.copy(archive, folder / "more.zip")
    listed = tmp_path / "list.txt"
    listed.write_text("10.20.0.5\nmail.example.com\nautodiscover.xml\nzgrab/0.x\n")
    alone = encode_case(examine(folder, indicators=[listed]))
    assert encode_case(examine(folder, indicators=[listed], workers=2)) == alone


def _dying_at(name: str, usual: Callable[..., ArtifactFacts]) -> Callable[..., ArtifactFacts]:
    def scan_member(member, work, progress):
        if name in member.path:
            os._exit(9)
        return usual(member, work, progress)

    return scan_member


def test_a_process_that_dies_takes_one_member_with_it(
    examine, lab_of, monkeypatch: pytest.MonkeyPatch, processes_for_little: list[int]
) -> None:
    lab = lab_of("proxylogon")
    usual = examine(lab.collection)
    (victim, *_) = sorted(a.path for a in usual.artifacts if "ECPServer" in a.path)
    monkeypatch.setattr(
        scan_processes, "scan_member", _dying_at(victim, scan_processes.scan_member)
    )
    case = examine(lab.collection, workers=2)
    states = {a.path: a.state for a in case.artifacts}
    assert states[victim] == "failed"
    assert {path for path, state in states.items() if state == "failed"} == {victim}
    assert set(states) == {a.path for a in usual.artifacts}
    (lost,) = (a for a in case.artifacts if a.path == victim)
    assert "died" in lost.why
    assert lost.kind == "exchange-ecp-server"
    # what the process had read before is read again
    assert len(processes_for_little) >= 2
    assert case.verdict.conclusion == usual.verdict.conclusion


def test_a_defect_in_a_process_is_no_traceback(
    command, lab_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = lab_of("quiet")

    def broken(member, work, progress):
        raise SystemError("a defect")

    monkeypatch.setattr(scan_processes, "guarded", lambda work, member: broken(member, None, None))
    told = command(lab.collection, "--workers", "2")
    assert told.case is not None
    assert all(a.state == "failed" for a in told.case.artifacts)


def test_a_failure_beside_the_members_is_met_by_whoever_reads_next(
    examine, lab_of, monkeypatch: pytest.MonkeyPatch, processes_for_little: list[int]
) -> None:
    lab = lab_of("proxylogon")
    alone = encode_case(examine(lab.collection))
    parent, usual = os.getpid(), scan_processes.ProcessScan._result

    def full_disk(self, name):
        if os.getpid() != parent:
            raise OSError(28, "No space left on device")
        return usual(self, name)

    monkeypatch.setattr(scan_processes.ProcessScan, "_result", full_disk)
    assert encode_case(examine(lab.collection, workers=2)) == alone
    assert len(processes_for_little) == 1
