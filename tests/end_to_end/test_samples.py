"""Real, published logs: what is in them is found, and nothing innocent is called a break-in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from exopsy.core.exit_code import ExitCode
from exopsy.schema.case import CaseDocument

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"

pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the folder of real samples, ../shared/samples, is not here"
)


def check_honesty(case: CaseDocument) -> None:
    """No comfort from scraps, and every byte accounted for."""
    for host in case.hosts:
        assert host.verdict.conclusion not in ("no-evidence-found", "attempted")
        assert host.verdict.coverage == "insufficient"
        assert host.verdict.gaps
        for coverage in host.coverage:
            assert sum(coverage.classes.values()) == coverage.bytes
            # a host's last day ends with its last record
            assert "full" not in list(coverage.days.values())[:-1]


def test_the_one_web_shell_request_is_found_and_nothing_else(command):
    told = command(SAMPLES / "exchange-logs")
    assert told.code == ExitCode.COMPROMISED
    case = told.case
    shell = [f for f in case.findings if any(e.artifact == "01.log" for e in f.evidence)]
    assert shell
    assert any(f.grade == "use" for f in shell)
    assert all(f.grade == "attempt" or f.level == "low" for f in case.findings if f not in shell)
    host = next(h for h in case.hosts if h.verdict.conclusion == "compromised")
    assert [(b.kind, b.path) for b in host.backdoors] == [("web-shell", "/owa/auth/akdmadoet.aspx")]
    assert [o.addresses for o in host.operators] == [["1.2.3.4"]]
    others = [h for h in case.hosts if h is not host]
    assert {h.verdict.conclusion for h in others} <= {"inconclusive"}
    assert [h.chains for h in case.hosts] == [[] for _ in case.hosts]
    check_honesty(case)
    kinds = {a.path: a.kind for a in case.artifacts}
    assert all(kinds[f"{number:02}.log"] for number in range(1, 18))
    assert [a.path for a in case.artifacts if a.state == "not-evidence"] == ["INDEX.txt", "LICENSE"]
    assert {a.state for a in case.artifacts} == {"read", "not-evidence"}


def test_without_it_nothing_is_above_suspicious(command, tmp_path):
    folder = tmp_path / "rest"
    shutil.copytree(SAMPLES / "exchange-logs", folder, ignore=shutil.ignore_patterns("01.log"))
    told = command(folder)
    assert told.code in (ExitCode.INCONCLUSIVE, ExitCode.SUSPICIOUS)
    assert all(f.grade == "attempt" or f.level == "low" for f in told.case.findings)
    assert not any(h.backdoors or h.chains for h in told.case.hosts)
    check_honesty(told.case)


def test_other_peoples_web_logs_hold_no_break_in(command):
    told = command(SAMPLES / "iis-logs")
    assert told.code in (ExitCode.INCONCLUSIVE, ExitCode.SUSPICIOUS)
    assert all(f.grade == "attempt" or f.level == "low" for f in told.case.findings)
    assert {(a.kind, a.state) for a in told.case.artifacts} == {("iis-w3c", "read")}
    check_honesty(told.case)


def test_public_configuration_holds_no_backdoor(command):
    told = command(SAMPLES / "iis-config")
    files = [a for a in told.case.artifacts if a.path.endswith(".config")]
    assert len(files) == len(list((SAMPLES / "iis-config").glob("*.config"))) > 0
    assert {a.kind for a in files} == {"iis-config"}
    assert {a.state for a in files} <= {"read", "partial"}
    serious = [f for f in told.case.findings if f.level in ("high", "critical")]
    places = {e.artifact.rpartition("__")[2] for f in serious for e in f.evidence}
    assert not {name for name in places if "Bad" not in name and "MisConfigured" not in name}
    assert told.code == ExitCode.SUSPICIOUS  # modules that somebody tried from C:\\Temp
    check_honesty(told.case)
