"""One small collection, end to end: its case is the one that is committed, byte for byte.

When a change is meant, ``make golden`` writes the case again; read the difference.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from exopsy.schema.case import decode_case

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "data" / "golden"
WANTED = (GOLDEN / "case.json").read_bytes()


@pytest.fixture(scope="module")
def tool():
    path = ROOT / "tools" / "make_golden.py"
    spec = importlib.util.spec_from_file_location("exopsy_make_golden", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_case_is_the_golden_one(examine, tool):
    case = examine(GOLDEN / "collection")
    assert tool.masked(case).decode().splitlines() == WANTED.decode().splitlines()
    assert tool.masked(case) == WANTED


def test_the_golden_case_says_what_a_person_reads_in_the_logs():
    """Not what the program says: what stands in the few lines of the collection."""
    case = decode_case(WANTED)
    (host,) = case.hosts
    assert (host.name, host.exchange_build) == ("EX01", "15.1.2106.2")
    assert host.verdict.conclusion == "compromised"
    assert [(c.chain, c.grade) for c in host.chains] == [("proxylogon", "use")]
    shell = next(b for b in host.backdoors if b.kind == "web-shell")
    assert shell.path == "/aspnet_client/system_web/xs37mvz.aspx"
    operators = {o.id: o for o in host.operators}
    assert operators[shell.planted_by].addresses == ["192.0.2.208"]
    users = [a for o in shell.used_by for a in operators[o].addresses]
    assert sorted(users) == ["192.0.2.208", "198.51.100.137"]
    # three POST of the planter and two of the second user; his plain GET only looked
    assert shell.requests == 5
    assert (shell.first_use, shell.last_use) == ("2021-02-28T16:43:17Z", "2021-03-01T00:42:21Z")


def test_the_golden_collection_is_inert():
    for path in (GOLDEN / "collection").rglob("*.*"):
        if path.is_file():
            text = path.read_bytes().lower()
            assert b"runat" not in text
            assert b"jscript" not in text
