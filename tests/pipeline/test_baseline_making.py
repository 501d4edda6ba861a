from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from exopsy.core.errors import CollectionError
from exopsy.detection.known_good.baseline import parse_baseline, render_baseline
from exopsy.lab.version_program import program
from exopsy.pipeline.baseline_making import make_baseline

FILES = {
    "V15/Bin/ExSetup.exe": program((15, 1, 2507, 37)),
    "V15/FrontEnd/HttpProxy/owa/auth/logon.aspx": b"logon",
    "V15/FrontEnd/HttpProxy/owa/auth/15.1.2507/x.css": b"style",
    "V15/ClientAccess/owa/prem/15.1.2507.35/a.js": b"old",
    "V15/ClientAccess/owa/prem/15.1.2507.37/a.js": b"new",
    "V15/Logging/x.log": b"no web file",
    "inetpub/wwwroot/iisstart.htm": b"start",
}


def tree(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def test_every_file_of_the_web_folders_is_recorded(tmp_path: Path) -> None:
    made = make_baseline(tree(tmp_path / "D", FILES), None)
    assert made.baseline.builds == ((15, 1, 2507, 37),)
    assert "ExSetup.exe" in made.build_from
    assert sorted(made.baseline.files) == [
        "clientaccess/owa/prem/{ver}/a.js",
        "frontend/httpproxy/owa/auth/logon.aspx",
        "frontend/httpproxy/owa/auth/{ver}/x.css",
        "wwwroot/iisstart.htm",
    ]
    assert len(made.baseline.files["clientaccess/owa/prem/{ver}/a.js"]) == 2
    (content,) = made.baseline.files["wwwroot/iisstart.htm"].values()
    assert content.size == 5
    assert made.baseline.knows_kind("js")


def test_an_archive_or_another_drive_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = tree(tmp_path / "one", FILES)
    other = tree(tmp_path / "two" / "EX01" / "E", FILES)
    archive = tmp_path / "three.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for name, data in reversed(FILES.items()):
            made.writestr(name.upper() if name.endswith(".aspx") else name, data)
    texts = {
        render_baseline(make_baseline(path, None).baseline) for path in (folder, other, archive)
    }
    assert len(texts) == 1
    text = texts.pop()
    assert render_baseline(parse_baseline(text, "x")) == text


def test_the_build_is_that_of_the_newest_folder_or_given(tmp_path: Path) -> None:
    files = {name: data for name, data in FILES.items() if "ExSetup" not in name}
    folder = tree(tmp_path / "D", files)
    made = make_baseline(folder, None)
    assert (made.baseline.builds, made.build_from) == (
        ((15, 1, 2507, 37),),
        "the newest version folder",
    )
    assert make_baseline(folder, "15.1.2507.44").baseline.builds == ((15, 1, 2507, 44),)


@pytest.mark.parametrize(
    ("files", "build", "why"),
    [
        ({"x/y.aspx": b"x"}, None, "no web folder"),
        ({"V15/ClientAccess/x.aspx": b"x"}, None, "--build"),
        ({"V15/ClientAccess/owa/auth/15.1.2507/x.css": b"x"}, None, "--build"),
        ({"V15/ClientAccess/x.aspx": b"x"}, "15.1.2507", "four numbers"),
        (
            {**FILES, "E/V15/Bin/ExSetup.exe": program((15, 1, 2507, 44))},
            None,
            "several builds",
        ),
    ],
)
def test_what_is_no_clean_server_is_refused(
    tmp_path: Path, files: dict[str, bytes], build: str | None, why: str
) -> None:
    with pytest.raises(CollectionError, match=why):
        make_baseline(tree(tmp_path / "D", files), build)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = tree(tmp_path / "D", FILES)
    with zipfile.ZipFile(folder / "more.zip", "w", zipfile.ZIP_STORED) as made:
        made.writestr("ClientAccess/damaged.aspx", b"a text that is damaged")
    data = bytearray((folder / "more.zip").read_bytes())
    data[data.index(b"a text that")] ^= 1  # its checksum no longer fits
    (folder / "more.zip").write_bytes(data)
    made_baseline = make_baseline(folder, None)
    assert made_baseline.unread == ("more.zip!/ClientAccess/damaged.aspx",)
    assert "clientaccess/damaged.aspx" not in made_baseline.baseline.files
