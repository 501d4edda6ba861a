"""Lists of hashes against files, whatever kind they are of."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from exopsy.core.content import CONTENT
from exopsy.core.errors import ContentError
from exopsy.pipeline import bundle, hash_matching
from exopsy.pipeline.hash_matching import load_published
from exopsy.schema.case import encode_case

WWW = "EX01/C/inetpub/wwwroot"
TOOL, PAGE = b"a tool", b"a page with a word"
LOG = (
    "#Software: Microsoft Internet Information Services 10.0\r\n"
    "#Fields: date time s-ip cs-method cs-uri-stem s-port c-ip sc-status\r\n"
    "2021-03-04 04:00:00 192.0.2.10 GET /owa/ 443 198.51.100.7 200\r\n"
)


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    for name, data in (
        ("EX01/C/inetpub/logs/LogFiles/W3SVC1/u_ex210304.log", LOG.encode()),
        ("EX01/C/Windows/Temp/t.exe", TOOL),
        (f"{WWW}/aspnet_client/p.aspx", PAGE),
        (f"{WWW}/aspnet_client/other.htm", b"other"),
    ):
        path = tmp_path / "evidence" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "evidence"


def hit(case) -> list[tuple[str, str, str, str, str]]:
    return sorted(
        (f.rule_id, f.level, f.grade, f.host, f.subject["Path"].rpartition("/")[2])
        for f in case.findings
        if f.rule_id.startswith("indicator-")
    )


@pytest.mark.parametrize("kind", ["sha256", "sha1", "md5"])
@pytest.mark.parametrize("form", ["list", "csv"])
def test_a_list_by_any_hash(
    examine, collection: Path, tmp_path: Path, kind: str, form: str
) -> None:
    value = hashlib.new(kind, TOOL).hexdigest().upper()
    path = tmp_path / "hashes.txt"
    lines = ["# a comment", f"{value}  # the tool", "not a hash"]
    if form == "csv":
        lines = [f"name,{kind}", f"the tool,{value}", "other," + "0" * len(value)]
    path.write_text("\n".join(lines), encoding="utf-8")
    case = examine(collection, hashes=[path])
    assert hit(case) == [("indicator-file-hash", "medium", "success", "EX01", "t.exe")]
    assert case.verdict.conclusion == "suspicious"
    assert any("hashes of lists were compared" in text for text in case.problems)
    assert case.tool.options["hashes"] == [hashlib.sha256(path.read_bytes()).hexdigest()]
    usual = encode_case(case)
    assert encode_case(examine(collection, hashes=[path], workers=2)) == usual
    assert encode_case(examine(collection, hashes=[path], plain=True)) == usual


def test_hashes_of_indicators_are_compared_too(examine, collection: Path, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(hashlib.md5(TOOL).hexdigest(), encoding="utf-8")
    case = examine(collection, indicators=[path])
    assert hit(case) == [("indicator-file-hash", "medium", "success", "EX01", "t.exe")]


def test_nothing_is_found_by_other_hashes(examine, collection: Path, tmp_path: Path) -> None:
    path = tmp_path / "hashes.txt"
    path.write_text("\n".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(9)))
    assert hit(examine(collection, hashes=[path])) == []
    assert hit(examine(collection)) == []


def test_a_published_sample_in_a_web_root_is_a_shell(
    examine, collection: Path, monkeypatch
) -> None:
    samples = {hashlib.sha256(data).hexdigest(): "a list" for data in (TOOL, PAGE)}
    monkeypatch.setattr(bundle, "load_published", lambda _folder: samples)
    case = examine(collection)
    assert hit(case) == [
        ("indicator-published-sample", "high", "success", "EX01", "t.exe"),
        ("indicator-published-sample-in-web-root", "high", "success", "EX01", "p.aspx"),
    ]
    assert case.verdict.conclusion == "compromised"
    (shell,) = [b for b in case.hosts[0].backdoors if b.kind == "web-shell"]
    assert (shell.path, shell.state) == ("/aspnet_client/p.aspx", "present")
    assert shell.sha256 == hashlib.sha256(PAGE).hexdigest()


def test_a_sample_alone_has_a_host_and_a_verdict(examine, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "t.exe").write_bytes(TOOL)
    samples = {hashlib.sha256(TOOL).hexdigest(): "a list"}
    monkeypatch.setattr(bundle, "load_published", lambda _folder: samples)
    case = examine(tmp_path / "only")
    assert [host.name for host in case.hosts] == ["UNKNOWN"]
    assert case.verdict.conclusion == "suspicious"


def test_our_list_has_a_title_and_an_origin() -> None:
    folder = CONTENT / "indicators" / "published"
    published = load_published(folder)
    assert len(published) == 23
    for path in folder.glob("*.txt"):
        text = path.read_text("utf-8")
        assert "# origin:" in text
        assert "# licence:" in text


@pytest.mark.parametrize("text", ["0" * 64, "# title: x\nabc\n"])
def test_a_broken_list_of_ours_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(ContentError):
        load_published(tmp_path)


def test_the_infos_are_named_as_their_findings() -> None:
    assert all(key == info.id for key, info in hash_matching.hash_infos().items())
