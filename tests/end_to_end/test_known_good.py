"""A server's web folders, programs and setup log, from the folder to the case."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from exopsy.cli.main import main
from exopsy.lab.version_program import program
from exopsy.pipeline.rule_rows import render_log
from exopsy.schema.case import CaseDocument, encode_case

V15 = "EX01/C/Program Files/Microsoft/Exchange Server/V15"
AUTH = f"{V15}/FrontEnd/HttpProxy/owa/auth"
SITE = "EX01/C/inetpub/wwwroot"
LOGON = "CVE-2021-26855"
SETUP = "".join(
    f"[10/01/2020 19:34:0{n}.0123] [0] {text}\r\n"
    for n, text in enumerate(
        (
            "Setup version: 15.1.2106.2.",
            "Command Line Parameter Name='mode', Value='Upgrade'.",
            "The Exchange Server setup operation completed successfully.",
            "End of Setup",
        )
    )
)


def proxy_log(build: str, day: str) -> bytes:
    names = ("MajorVersion", "MinorVersion", "BuildVersion", "RevisionVersion")
    version = dict(zip(names, build.split("."), strict=True))
    return render_log(
        "exchange-httpproxy",
        [
            {
                "@time": f"{day}T10:00:00+00:00",
                "ServerHostName": "EX01",
                "UrlStem": "/owa/",
                **version,
            }
        ],
    )


def server(folder: Path, program_build: str = "15.1.2106.13") -> Path:
    """Make the evidence of one server: nothing in it works."""
    numbers = tuple(map(int, program_build.split(".")))
    files = {
        f"{V15}/Logging/HttpProxy/Owa/HttpProxy_2021030310-1.LOG": proxy_log(
            "15.1.2106.2", "2021-03-03"
        ),
        f"{V15}/Bin/ExSetup.exe": program(numbers),  # type: ignore[arg-type]
        "EX01/C/ExchangeSetupLogs/ExchangeSetup.log": SETUP.encode(),
        f"{AUTH}/logon.aspx": b"<%@ Page %> branded",
        f"{AUTH}/q1w2e3.aspx": b"<%@ Page %> odd",
        f"{AUTH}/15.1.2106/themes/x.css": b"body {}",
        f"{V15}/ClientAccess/ecp/new.aspx": b"<%@ Page %> new",
        f"{V15}/ClientAccess/ecp/new.js": b"// <%@ Page %> a script that mentions a directive",
        f"{SITE}/iisstart.htm": b"start",
        **{f"{SITE}/intranet/page{n}.aspx": b"<%%@ Page %%> %d" % n for n in range(60)},
    }
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def told(case: CaseDocument) -> list[tuple[str, str, str]]:
    """Return level, place and number of each finding about pages."""
    return sorted(
        (f.level, (f.subject.get("Path") or f.subject["folder"]).rpartition("\\")[2], str(f.count))
        for f in case.findings
        if f.log == "web-page"
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory, examine):
    folder = server(tmp_path_factory.mktemp("server") / "evidence")
    return folder, examine(folder)


def test_findings_are_few_and_the_rest_is_counted(made):
    (host,) = made[1].hosts
    assert told(made[1]) == [
        ("low", "intranet", "60"),
        ("low", "logon.aspx", "1"),
        ("medium", "new.aspx", "1"),
        ("medium", "q1w2e3.aspx", "1"),
    ]
    (pages,) = [c for c in host.coverage if c.log == "web-page"]
    assert pages.known == {"changed": 1, "not-compared": 1, "unknown": 63}
    assert (pages.artifacts, pages.state) == (65, "read")
    assert host.verdict.conclusion == "suspicious"


def test_the_build_is_told_day_by_day_with_its_source(made):
    (host,) = made[1].hosts
    assert host.name == "EX01"
    assert host.exchange_build == "15.1.2106.13"
    assert "setup program" in host.build_basis
    before, after = [e for e in host.exposure if e.cve == LOGON]
    assert (before.from_, before.to, before.state) == ("2020-10-01", "2021-03-03", "vulnerable")
    assert "named by the setup log" in before.basis
    assert (after.from_, after.to, after.state) == ("2021-03-04", None, "patched")
    kinds = {a.kind for a in made[1].artifacts}
    assert {"exchange-binary", "exchange-setup", "exchange-httpproxy"} <= kinds
    assert made[1].problems == []


@pytest.mark.parametrize("options", [{"plain": True}, {"workers": 2}])
def test_the_way_of_reading_does_not_show(made, examine, options):
    assert encode_case(examine(made[0], **options)) == encode_case(made[1])


def test_an_archive_says_the_same(made, examine, tmp_path):
    archive = tmp_path / "EX01.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(made[0].rglob("*"), reverse=True):
            if path.is_file():
                file.write(path, path.relative_to(made[0]))
    case = examine(archive)
    assert told(case) == told(made[1])
    assert case.hosts[0].exposure == made[1].hosts[0].exposure
    assert [c.known for c in case.hosts[0].coverage] == [c.known for c in made[1].hosts[0].coverage]


def test_on_a_later_build_only_the_seldom_changed_folders_speak(examine, tmp_path):
    case = examine(server(tmp_path / "evidence", "15.1.2507.37"))
    assert told(case) == [
        ("low", "ecp", "1"),
        ("low", "intranet", "60"),
        ("medium", "q1w2e3.aspx", "1"),
    ]
    (pages,) = [c for c in case.hosts[0].coverage if c.log == "web-page"]
    assert pages.known["changed-since"] == 1


def test_a_program_of_another_build_than_the_logs_name_is_told(examine, tmp_path):
    folder = server(tmp_path / "evidence", "15.1.2044.4")
    (text,) = examine(folder).problems
    assert text.startswith("EX01: The setup program on disk is of Exchange 2016 CU17")


def test_a_clean_server_of_ones_own_answers_for_its_build(examine, tmp_path, capsys):
    folder = server(tmp_path / "evidence", "15.1.2507.37")
    (folder / f"{AUTH}/q1w2e3.aspx").unlink()
    baseline = tmp_path / "baseline.txt"
    assert main(["baseline", "make", str(folder), "-o", str(baseline)]) == 0
    capsys.readouterr()
    same = examine(folder, baselines=[baseline])
    assert told(same) == []
    (pages,) = [c for c in same.hosts[0].coverage if c.log == "web-page"]
    assert pages.known == {"shipped": 64}
    assert len(same.tool.options["baselines"]) == 1
    # another server of that build, on which one page was changed and one was added
    (folder / f"{AUTH}/logon.aspx").write_bytes(b"<%@ Page %> changed")
    (folder / f"{AUTH}/x.js").write_bytes(b"<%@ Page %> in a script")
    assert told(examine(folder, baselines=[baseline])) == [
        ("low", "logon.aspx", "1"),
        ("medium", "x.js", "1"),
    ]


def test_a_page_that_could_not_be_read_to_its_end_is_not_called_changed(examine, tmp_path):
    folder = server(tmp_path / "evidence")
    archive = tmp_path / "EX01.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                file.write(path, path.relative_to(folder))
    data = bytearray(archive.read_bytes())
    data[data.index(b"branded")] ^= 1  # its checksum no longer fits
    archive.write_bytes(data)
    case = examine(archive)
    (page,) = [a for a in case.artifacts if a.path.endswith("logon.aspx")]
    assert (page.state, page.sha256) == ("partial", None)
    assert not [place for _, place, _ in told(case) if place == "logon.aspx"]
