"""The pages' quality tool: its list of packages, its reading of archives, what it prints."""

from __future__ import annotations

import importlib.util
import io
import sys
import zipfile
from pathlib import Path

import py7zr
import pytest
import pyzipper

ROOT = Path(__file__).parents[2]
PLAIN = b'<%@ Page Language="C#" %><p><%= Server.HtmlEncode(Request["name"]) %></p>'
BOUND = b"GIF89a" + b'<%@ Page Language="C#" %><script runat="server">void F(){}</script>'
"""A picture that is a page: it weighs, and does nothing."""
PASSWORD = b"by the analyst"


@pytest.fixture(scope="module")
def tool():
    path = ROOT / "tools" / "quality_pages.py"
    spec = importlib.util.spec_from_file_location("quality_pages", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["quality_pages"] = module
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules["quality_pages"]


def sevenzip(files: dict[str, bytes], password: str) -> bytes:
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w", password=password) as archive:
        for name, data in files.items():
            archive.writestr(data, name)
    return buffer.getvalue()


def aes_zip(files: dict[str, bytes], password: bytes) -> bytes:
    buffer = io.BytesIO()
    with pyzipper.AESZipFile(buffer, "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(password)
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def plain_zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_every_package_of_the_list_can_be_asked_for(tool):
    packages = tool.read_packages(tool.PACKAGES.read_text("utf-8"))
    assert len({p.file for p in packages}) == len(packages) >= 5
    for package in packages:
        assert len(bytes.fromhex(package.sha256)) == 32
        assert package.version in " ".join(tool.client_command(package, Path("kept"))) or (
            package.registry == "pypi"  # its version stands in the file with its hash
        )


def test_a_line_with_a_word_missing_is_refused(tool):
    with pytest.raises(ValueError, match="line 2 of the list has 4 words"):
        tool.read_packages("# comment\nnpm name 1.0 name.tgz\n")


def test_a_package_with_another_hash_is_refused(tool, tmp_path):
    (tmp_path / "name.tgz").write_bytes(b"changed")
    with pytest.raises(ValueError, match="SHA-256"):
        tool.fetch(tool.Package("npm", "name", "1.0", "name.tgz", "00" * 32), tmp_path)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda files: aes_zip(files, PASSWORD), id="aes-zip"),
        pytest.param(lambda files: sevenzip(files, PASSWORD.decode()), id="7z"),
        pytest.param(lambda files: plain_zip({"in.zip": plain_zip(files)}), id="nested-zip"),
    ],
)
def test_an_archive_is_read_with_its_password_and_misses_are_named(tool, tmp_path, capsys, make):
    archive = tmp_path / "samples"
    archive.write_bytes(make({"a/plain.aspx": PLAIN, "b/picture.ASPX": BOUND}))
    password_file = tmp_path / "password"
    password_file.write_bytes(b"wrong\n" + PASSWORD + b"\n")
    code = tool.main(["--archive", str(archive), "--password-file", str(password_file)])
    out = capsys.readouterr().out
    assert code == 0
    assert "1 of 2 weigh medium or more" in out
    missed = out.partition("below that:")[2]
    assert "a/plain.aspx" in missed
    assert "picture" not in missed
    assert sorted(p.name for p in tmp_path.iterdir()) == ["password", "samples"]


def test_a_locked_archive_is_no_success(tool, tmp_path, capsys):
    archive = tmp_path / "samples.zip"
    archive.write_bytes(aes_zip({"a.aspx": PLAIN}, PASSWORD))
    assert tool.main(["--archive", str(archive)]) == 1
    assert "not read: samples.zip" in capsys.readouterr().out


def test_innocent_pages_of_a_folder_are_told_with_reasons(tool, tmp_path, capsys):
    (tmp_path / "plain.aspx").write_bytes(PLAIN)
    (tmp_path / "picture.aspx").write_bytes(BOUND)
    (tmp_path / "notes.txt").write_bytes(BOUND)  # not among what is weighed
    code = tool.main(["--pages", str(tmp_path)])
    out = capsys.readouterr().out
    told = [line for line in out.splitlines() if line.startswith(("medium", "high", "critical"))]
    assert len(told) == 1
    assert "picture.aspx" in told[0]
    assert code == (0 if told[0].startswith("medium") else 1)
    assert "    line 1: " in out


def test_below_medium_is_missed(tool):
    missed = [level for level in tool.LEVELS if tool.Weighed("a", 1, level, ()).is_missed]
    assert missed == ["informational", "low"]


def test_a_table_counts_by_extension_and_level(tool):
    weighed = [
        tool.Weighed("a.aspx", 10, "informational", ()),
        tool.Weighed("b/B.ASPX", 5, "critical", ("line 1: x",)),
        tool.Weighed("folder.d/none", 1, "low", ()),
    ]
    rows = {line.split()[0]: line.split()[1:] for line in tool.table(weighed)}
    assert rows[".aspx"] == ["2", "15", "1", "0", "0", "0", "1"]
    assert rows["-"] == ["1", "1", "0", "1", "0", "0", "0"]
    assert rows["all"] == ["3", "16", "1", "1", "0", "0", "1"]


def test_bad_pages_have_the_size_that_was_asked_for(tool):
    for piece in tool.WORST.values():
        page = tool.repeated(piece, 5_000)
        assert len(page) == 5_000
        assert piece * 2 in page


def test_small_pages_are_innocent_and_differ(tool):
    scales = tool.Scales()
    pages = [tool.small_page(n) for n in range(50)]
    assert len(set(pages)) == len(pages)
    assert {scales.weigh("x.aspx", p.encode()).level for p in pages} == {"informational"}
