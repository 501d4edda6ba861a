from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest

from exopsy.core.content import CONTENT
from exopsy.core.errors import ContentError
from exopsy.detection.known_good.baseline import read_baseline
from exopsy.evidence.files import web_page
from exopsy.pipeline.known_good import KnownGood, WaitingRows, read_waiting, waits_for_build
from exopsy.schema.columns import COLUMNS
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Row

PAGE = b"<%@ Page %> nothing"
SHA256 = hashlib.sha256(PAGE).hexdigest()
LOGON = "frontend/httpproxy/owa/auth/logon.aspx"
SHIPPED = read_baseline(CONTENT / "facts" / "shipped_files.txt")


def row_of(path: str, sha256: str = SHA256, known: KnownGood | None = None) -> Row:
    file = FileFacts(path=path, size=len(PAGE), sha256=sha256)
    (row,) = web_page.read_file(PAGE, file)
    assert isinstance(row, Row)
    (known or KnownGood()).known_good_fields(row, PAGE, file)
    return row


def test_a_page_that_is_as_shipped_says_so() -> None:
    row = row_of(f"EX01/C/V15/{LOGON}", next(iter(SHIPPED.files[LOGON])))
    assert row.fields["KnownGood"] == "shipped"
    assert row.fields["KnownPlace"] == r"frontend\httpproxy\owa\auth\logon.aspx"
    assert row.fields["KnownBuilds"]
    assert not waits_for_build(row)


def test_a_collectors_encoding_is_undone() -> None:
    path = f"C.zip!/uploads/auto/C%3A/Program Files/V15/{LOGON}"
    assert row_of(path, next(iter(SHIPPED.files[LOGON]))).fields["KnownGood"] == "shipped"


def test_a_look_alike_names_the_page_it_is_like() -> None:
    row = row_of("EX01/C/inetpub/wwwroot/aspnet_client/errorEE.aspx")
    assert row.fields["KnownGood"] == "unknown"
    assert row.fields["KnownBy"] == "like-name"
    assert row.fields["KnownAt"].endswith(r"\errorfe.aspx")


@pytest.mark.parametrize(("build", "state"), [("15.1.2106.2", "changed"), (None, "changed-since")])
def test_what_waits_is_settled_by_the_build(build: str | None, state: str) -> None:
    known = KnownGood()
    row = row_of(f"EX01/C/V15/{LOGON}", known=known)
    assert waits_for_build(row)
    known.settle(row, build)
    assert row.fields["KnownGood"] == state
    assert row.fields["KnownRange"] == ("inside" if build else "unknown")


def test_every_field_is_one_that_rules_may_name() -> None:
    known = KnownGood()
    for path in (f"C/V15/{LOGON}", "C/inetpub/wwwroot/errorEE.aspx", "C/x.js"):
        row = row_of(path, known=known)
        known.settle(row, None)
        assert all(COLUMNS["web-page"].knows(field) for field in row.fields)


def test_rows_that_wait_come_back_as_they_were(tmp_path: Path) -> None:
    rows = [row_of(f"EX01/C/inetpub/wwwroot/{name}.aspx") for name in ("c", "a", "b")]
    one, two = WaitingRows(tmp_path, "main"), WaitingRows(tmp_path, "p0")
    for row, kept in zip(rows, (one, two, one), strict=True):
        kept.add(row)
    one.close()
    two.close()
    back = list(read_waiting([two.path, one.path]))
    assert [row.fields["FileName"] for row in back] == ["c.aspx", "b.aspx", "a.aspx"]
    encode = msgspec.json.encode
    assert sorted(map(encode, back)) == sorted(map(encode, rows))
    assert list(read_waiting([one.path, two.path])) == back


def test_a_damaged_baseline_stops_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("no baseline")
    with pytest.raises(ContentError, match="first line"):
        KnownGood([tmp_path / "x.txt"])
