"""The same evidence gives the same bytes, however it was read; and every finding leads to bytes."""

from __future__ import annotations

import base64
import hashlib
import random
import shutil
import zipfile
from pathlib import Path

import msgspec
import pytest

from exopsy.schema.case import CaseDocument, decode_case, encode_case


def written(examine, collection: Path, folder: Path, **options: object) -> bytes:
    examine(collection, case=folder, **options)
    return (folder / "case.json").read_bytes()


@pytest.fixture
def lab(case_of):
    return case_of("proxylogon")


@pytest.fixture
def once(lab) -> bytes:
    return (lab.folder / "case.json").read_bytes()


def test_workers_and_the_way_of_reading_leave_no_trace(lab, examine, tmp_path, once):
    for name, options in {
        "two workers": {"workers": 2},
        "plain, three workers": {"plain": True, "workers": 3},
    }.items():
        assert written(examine, lab.collection, tmp_path / name, **options) == once, name
    case = decode_case(once)
    assert case.reproducible
    assert case.findings


def test_a_second_run_into_the_same_folder_gives_the_same_files(lab, examine, tmp_path, once):
    case = tmp_path / "case"
    shutil.copytree(lab.folder, case)
    (case / "tables" / "finding.parquet").write_bytes(b"damaged")
    assert written(examine, lab.collection, case, workers=2) == once
    names = sorted(p.relative_to(case) for p in case.rglob("*"))
    assert names == sorted(p.relative_to(lab.folder) for p in lab.folder.rglob("*"))
    for name in names:
        if (case / name).is_file():
            assert (case / name).read_bytes() == (lab.folder / name).read_bytes(), name


def test_the_order_in_which_files_were_made_leaves_no_trace(lab, examine, tmp_path, once):
    files = [p for p in sorted(lab.collection.rglob("*")) if p.is_file()]
    random.Random(5).shuffle(files)
    copy = tmp_path / "shuffled" / "collection"
    for path in files:
        target = copy / path.relative_to(lab.collection)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    assert written(examine, copy, tmp_path / "case-shuffled", workers=2) == once


def test_a_zip_gives_what_its_folder_gives(lab, examine, tmp_path, once):
    files = [p for p in sorted(lab.collection.rglob("*")) if p.is_file()]
    random.Random(6).shuffle(files)
    archive = tmp_path / "collection.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        for path in files:
            writer.write(path, path.relative_to(lab.collection).as_posix())
    packed = decode_case(written(examine, archive, tmp_path / "case-zip", workers=2))
    for artifact in packed.artifacts:
        artifact.path = artifact.path.removeprefix("collection.zip!/")
    for finding in packed.findings:
        for evidence in finding.evidence:
            evidence.artifact = evidence.artifact.removeprefix("collection.zip!/")
    plain = decode_case(once)
    assert packed.collection.sha256 != plain.collection.sha256  # it names the paths
    packed.collection = plain.collection
    assert encode_case(packed) == once


def test_adding_a_file_that_says_nothing_changes_no_finding(lab, examine, tmp_path, once):
    copy = tmp_path / "more" / "collection"
    shutil.copytree(lab.collection, copy)
    (copy / "EX01" / "readme.txt").write_text("collected on a Sunday\n")
    more = decode_case(written(examine, copy, tmp_path / "case-more"))
    plain = decode_case(once)
    assert more.findings == plain.findings
    assert more.hosts == plain.hosts
    assert len(more.artifacts) == len(plain.artifacts) + 1


@pytest.mark.parametrize("scenario", ["proxyshell", "owassrf", "scanned-only"])
def test_a_case_reads_back_as_it_was_written(scenario, case_of):
    case = case_of(scenario).case
    data = (case_of(scenario).folder / "case.json").read_bytes()
    assert decode_case(data) == case
    assert encode_case(decode_case(data)) == data
    assert decode_case(encode_case(case)) == case
    # a field of a later version is passed over, a changed version is refused
    later = data.replace(b'"format":', b'"later_field": 1, "format":', 1)
    assert decode_case(later) == case
    with pytest.raises(msgspec.ValidationError):
        decode_case(data.replace(b'"version": 1,', b'"version": 2,', 1))


def test_every_byte_is_in_one_class(lab, once):
    check_bytes(decode_case(once), lab.collection)


def check_bytes(case: CaseDocument, collection: Path) -> None:
    sizes: dict[tuple[str, str], int] = {}
    for artifact in case.artifacts:
        real = collection / artifact.path
        assert artifact.size == real.stat().st_size
        assert artifact.sha256 == hashlib.sha256(real.read_bytes()).hexdigest()
        if artifact.kind:
            key = (artifact.host, artifact.kind)
            sizes[key] = sizes.get(key, 0) + artifact.size
    assert case.collection.bytes == sum(a.size for a in case.artifacts)
    assert case.collection.artifacts == len(case.artifacts)
    read = {(h.name, c.log): c for h in case.hosts for c in h.coverage if c.state != "absent"}
    assert {key: c.bytes for key, c in read.items()} == sizes
    for coverage in read.values():
        assert sum(coverage.classes.values()) == coverage.bytes


@pytest.mark.parametrize("scenario", ["proxylogon", "owassrf", "scanned-only"])
def test_every_finding_leads_to_its_bytes(scenario, case_of):
    lab = case_of(scenario)
    case = lab.case
    check_bytes(case, lab.collection)
    hashes = {a.path: a.sha256 for a in case.artifacts}
    followed = 0
    for finding in case.findings:
        assert finding.evidence, finding.title
        assert finding.count >= len(finding.evidence)
        for evidence in finding.evidence:
            content = (lab.collection / evidence.artifact).read_bytes()
            raw = base64.b64decode(evidence.text_b64, validate=True)
            assert raw, finding.title
            assert content[evidence.offset :].startswith(raw.split(b"\n")[0])
            assert content.count(b"\n", 0, evidence.offset) + 1 == evidence.line
            assert evidence.sha256 == hashes[evidence.artifact]
            followed += 1
    assert followed > 0
    assert (
        len({f.id for f in case.findings})
        == len({f.key for f in case.findings})
        == len(case.findings)
    )


@pytest.mark.parametrize("scenario", ["proxylogon", "proxyshell", "owassrf"])
def test_every_sentence_leads_to_findings(scenario, case_of):
    case = case_of(scenario).case
    known = {f.id for f in case.findings}
    operators = {o.id for h in case.hosts for o in h.operators}
    backdoors = {b.id for h in case.hosts for b in h.backdoors}
    document = msgspec.to_builtins(case)
    for name, value in walk(document):
        if name == "finding_ids":
            assert set(value) <= known
        elif name == "finding_id":
            assert value in known
        elif name in ("operator_ids", "used_by", "probed_by"):
            assert set(value) <= operators
        elif name == "backdoor_ids":
            assert set(value) <= backdoors
    for host in case.hosts:
        assert host.chains
        assert all(c.finding_ids and set(c.finding_ids) <= known for c in host.chains)
        assert all(b.finding_ids for b in host.backdoors)
        assert host.verdict.reasons
        assert all(r.finding_ids for r in host.verdict.reasons)


def walk(value: object):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, inner
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)
