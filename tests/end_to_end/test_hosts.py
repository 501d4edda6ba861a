"""One server's logs in many layouts, and several servers in one: the same story each time."""

from __future__ import annotations

import io
import random
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import py7zr
import pytest

from exopsy.schema.case import CaseDocument

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LOGGING = "C/Program Files/Microsoft/Exchange Server/V15/Logging"
COLLECTOR_FOLDERS = {
    "C/inetpub/logs/LogFiles/W3SVC1": "IIS_W3SVC1_Logs",
    "C/inetpub/logs/LogFiles/W3SVC2": "IIS_W3SVC2_Logs",
    f"{LOGGING}/ECP/Server": "ECP_Logs",
    f"{LOGGING}/Ews": "EWS_BE_Logs",
    f"{LOGGING}/CmdletInfra/Powershell-Proxy/Cmdlet": "CmdletInfra_Logs/Cmdlet",
    f"{LOGGING}/CmdletInfra/Powershell-Proxy/Http": "CmdletInfra_Logs/Http",
    "C/Program Files/Microsoft/Exchange Server/V15/TransportRoles/Logs/MessageTracking": (
        "Message_Tracking_Logs"
    ),
    f"{LOGGING}/HttpProxy/Ecp": "ECP_Proxy_Logs",
    f"{LOGGING}/HttpProxy/Owa": "OWA_Proxy_Logs",
    f"{LOGGING}/HttpProxy/Ews": "EWS_Proxy_Logs",
    f"{LOGGING}/HttpProxy/Eas": "EAS_Proxy_Logs",
    f"{LOGGING}/HttpProxy/Mapi": "MAPI_Proxy_Logs",
    f"{LOGGING}/HttpProxy/Oab": "OAB_Proxy_Logs",
    f"{LOGGING}/HttpProxy/Autodiscover": "AutoD_Proxy_Logs",
    f"{LOGGING}/HttpProxy/PowerShell": "PowerShell_Proxy_Logs",
}


@pytest.fixture
def lab(case_of):
    return case_of("proxylogon")


@pytest.fixture
def files(lab) -> dict[str, bytes]:
    """The lab's files by their path below the host's folder."""
    root = lab.collection / "EX01"
    return {
        p.relative_to(root).as_posix(): p.read_bytes()
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }


def story(case: CaseDocument, name: str = "EX01") -> dict[str, object]:
    """Return what must not depend on names and containers."""
    host = next(h for h in case.hosts if h.name == name)
    addresses = {o.id: tuple(o.addresses) for o in host.operators}
    return {
        "conclusion": host.verdict.conclusion,
        "build": host.exchange_build,
        "chains": [(c.chain, c.grade, c.first_seen, c.last_seen) for c in host.chains],
        "steps": [(s.step, s.state, s.at) for c in host.chains for s in c.steps],
        "backdoors": [
            (
                *(b.kind, b.path, b.planted_at, b.first_use, b.last_use, b.requests),
                addresses.get(b.planted_by or ""),
                sorted(addresses[o] for o in b.used_by),
                sorted(addresses[o] for o in b.probed_by),
            )
            for b in host.backdoors
        ],
        "operators": sorted(addresses.values()),
    }


def found(case: CaseDocument, name: str = "EX01") -> list[tuple[object, ...]]:
    return [
        (f.key, f.title, f.grade, f.subject, f.count, f.first_seen, f.last_seen)
        for f in case.findings
        if f.host == name
    ]


def covered(case: CaseDocument) -> list[tuple[object, ...]]:
    return [(c.log, c.state, c.bytes, c.classes, c.days) for h in case.hosts for c in h.coverage]


def put(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def seven_zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w", filters=[{"id": py7zr.FILTER_COPY}]) as archive:
        for name, content in files.items():
            archive.writestr(content, name)
    return buffer.getvalue()


PACKED = {
    "evidence.tar.gz": lambda files: tarred(files, "w:gz"),
    "evidence.tar.zst": lambda files: zstd.compress(tarred(files)),
    "evidence.7z": seven_zipped,
    "kape.zip": lambda files: zipped({"2021-03-10T101112_EX01.zip": zipped(inner(files))}),
}


def inner(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name.removeprefix("EX01/"): content for name, content in files.items()}


@pytest.mark.parametrize("name", PACKED)
def test_an_archive_gives_the_findings_of_its_folder(name, lab, files, examine, tmp_path):
    (tmp_path / name).write_bytes(PACKED[name]({f"EX01/{n}": c for n, c in files.items()}))
    case = examine(tmp_path / name)
    assert case.problems == [] or name == "kape.zip"  # which tells of its temporary copy
    assert story(case) == story(lab.case)
    assert found(case) == found(lab.case)
    assert covered(case) == covered(lab.case)


def as_velociraptor(files):
    return {
        f"Collection-EX01_example_com-2021-03-10T10_11_12Z/uploads/auto/C%3A/{n[2:]}": c
        for n, c in files.items()
    }


def as_collector(files):
    return {
        f"EX01/{COLLECTOR_FOLDERS[folder]}/{PurePosixPath(n).name}": c
        for n, c in files.items()
        if (folder := str(PurePosixPath(n).parent)) in COLLECTOR_FOLDERS
    }


LAYOUTS = {
    "another drive": lambda files: {f"EX01/E{n[1:]}": c for n, c in files.items()},
    "no drive": lambda files: {n[2:]: c for n, c in files.items()},
    "upper case": lambda files: {f"EX01/{n.upper()}": c for n, c in files.items()},
    "velociraptor": as_velociraptor,
    "exchange log collector": as_collector,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_changes_nothing_of_the_story(layout, lab, files, examine, tmp_path):
    case = examine(put(tmp_path / "evidence", LAYOUTS[layout](files)))
    assert [h.name for h in case.hosts] == ["EX01"]
    assert story(case) == story(lab.case)
    assert found(case) == found(lab.case)


def test_renamed_and_in_one_folder_the_story_is_the_same(lab, files, examine, tmp_path):
    rng = random.Random(3)
    names = [f"{rng.randrange(16**12):012x}.{rng.choice(['log', 'txt', 'dat'])}" for _ in files]
    case = examine(put(tmp_path / "evidence", dict(zip(names, files.values(), strict=True))))
    assert [h.name for h in case.hosts] == ["EX01"]
    assert story(case) == story(lab.case)
    assert found(case) == found(lab.case)


def test_two_servers_in_one_folder_are_two(case_of, lab_of, examine, tmp_path):
    first, second = case_of("proxylogon"), lab_of("quiet", host="EX02", seed=8)
    shutil.copytree(first.collection, tmp_path / "evidence")
    shutil.copytree(second.collection, tmp_path / "evidence", dirs_exist_ok=True)
    case = examine(tmp_path / "evidence")
    assert [h.name for h in case.hosts] == ["EX01", "EX02"]
    assert story(case) == story(first.case)
    assert found(case) == found(first.case)
    other = case.hosts[1]
    assert (other.chains, other.backdoors, other.operators) == ([], [], [])
    assert other.verdict.conclusion in ("no-evidence-found", "inconclusive")
    assert case.verdict.conclusion == "compromised"
    assert {a.host for a in case.artifacts} == {"EX01", "EX02"}


def test_two_broken_servers_keep_their_own_stories(case_of, lab_of, examine, tmp_path):
    first, second = case_of("proxylogon"), lab_of("owassrf", host="EX02", seed=9)
    shutil.copytree(first.collection, tmp_path / "evidence")
    shutil.copytree(second.collection, tmp_path / "evidence", dirs_exist_ok=True)
    both = examine(tmp_path / "evidence")
    assert {c.chain for c in both.hosts[0].chains} == {"proxylogon"}
    assert {(c.chain, c.grade) for c in both.hosts[1].chains} == {
        (c.chain, c.grade) for c in second.truth.hosts[0].chains
    }
    assert [b.path for b in both.hosts[0].backdoors] == [
        b.path for b in first.case.hosts[0].backdoors
    ]
    ids = [b.id for h in both.hosts for b in h.backdoors]
    assert len(ids) == len(set(ids))
