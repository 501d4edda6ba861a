from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from exopsy.core.content import CONTENT
from exopsy.core.errors import ContentError
from exopsy.pipeline.activity import ActivityMapping, load_activity_mapping
from exopsy.schema.row import Origin, Row

OWN = load_activity_mapping(CONTENT / "mappings" / "activity.yml")
AT = datetime(2021, 3, 3, 4, 5, 6, tzinfo=UTC)


def row(log: str, *, at: datetime | None = AT, **fields: str) -> Row:
    return Row(
        log=log,
        host="EX01",
        timestamp=at,
        fields={name.replace("_", "-"): value for name, value in fields.items()},
        origin=Origin(artifact="a.log", offset=7, line=3),
        raw=b"",
    )


def test_an_iis_row_in_common_words() -> None:
    made = OWN.make(
        row(
            "iis-w3c",
            c_ip="192.0.2.7",
            cs_method="post",
            cs_uri_stem="/owa/x.aspx",
            cs_uri_query="?a=1",
            sc_status="200",
        ),
        "W3SVC1",
    )
    assert made is not None
    assert (made.client, made.method, made.stem, made.query) == (
        "192.0.2.7",
        "POST",
        "/owa/x.aspx",
        "a=1",
    )
    assert (made.status, made.site, made.host) == (200, "W3SVC1", "EX01")
    assert (made.artifact, made.offset, made.line) == ("a.log", 7, 3)


def test_a_url_is_split_at_its_query() -> None:
    made = OWN.make(row("httperr", cs_uri="/ecp/x.js?a=1?b"), "")
    assert made is not None
    assert (made.stem, made.query) == ("/ecp/x.js", "a=1?b")


def test_request_ids_are_bare_guids() -> None:
    guid = "6C6F1F27-3D2C-4C92-BB0F-7D7A9D1E2B55"
    for text, expected in ((f"{{{guid}}}", guid.lower()), ("none", "")):
        made = OWN.make(row("exchange-httpproxy", RequestId=text), "")
        assert made is not None
        assert made.request_id == expected


def test_decoded_values_go_first() -> None:
    item = row("iis-w3c", cs_uri_stem="/%6fwa")
    item.decoded["cs-uri-stem"] = "/owa"
    made = OWN.make(item, "")
    assert made is not None
    assert made.stem == "/owa"


@pytest.mark.parametrize("text", ["-1", "1.5", "many", "\u0663", "9" * 19, ""])
def test_what_is_no_count_is_none(text: str) -> None:
    made = OWN.make(row("iis-w3c", sc_status=text), "")
    assert made is not None
    assert made.status is None


def test_hostile_lengths_are_bounded() -> None:
    long = "x" * 100_000
    made = OWN.make(row("iis-w3c", cs_uri_stem=long, c_ip=long, cs_username=long), "")
    assert made is not None
    assert max(map(len, (made.stem, made.client, made.user))) <= 1_024


def test_without_a_time_there_is_no_activity() -> None:
    assert OWN.make(row("iis-w3c", at=None), "") is None


def test_a_log_without_a_mapping_still_has_a_place_and_a_time() -> None:
    made = ActivityMapping({}).make(row("iis-w3c", c_ip="192.0.2.7"), "")
    assert made is not None
    assert (made.client, made.time) == ("", AT)
    assert OWN.columns("iis-w3c", "client") == ("c-ip",)
    assert OWN.columns("iis-w3c", "nonsense") == ()


@pytest.mark.parametrize(
    "text", ["no-log: {client: x}", "iis-w3c: {who: c-ip}", "iis-w3c: {client: ip}"]
)
def test_a_mapping_names_what_exists(tmp_path: Path, text: str) -> None:
    path = tmp_path / "activity.yml"
    path.write_text(text)
    with pytest.raises(ContentError):
        load_activity_mapping(path)


def event(**fields: str) -> Row:
    made = row("windows-event")
    made.fields.update(fields)
    return made


def test_an_event_takes_the_first_column_that_is_there() -> None:
    cmdlet = OWN.make(
        event(
            Cmdlet="New-InboxRule",
            Parameters='-Name "x"',
            Caller="example.com/Users/admin",
            ActivityId="6C6F1F27-3D2C-4C92-BB0F-7D7A9D1E2B55",
            Data="all of it",
        ),
        "",
    )
    assert cmdlet is not None
    assert (cmdlet.what, cmdlet.detail) == ("New-InboxRule", '-Name "x"')
    assert cmdlet.user == "example.com/Users/admin"
    assert cmdlet.request_id == "6c6f1f27-3d2c-4c92-bb0f-7d7a9d1e2b55"
    process = OWN.make(event(NewProcessName="C:\\x.exe", SubjectUserName="EX01$"), "")
    assert process is not None
    assert (process.what, process.user, process.client) == ("C:\\x.exe", "EX01$", "")
    other = OWN.make(event(Provider_Name="ASP.NET", Data="4009", IpAddress="192.0.2.7"), "")
    assert other is not None
    assert (other.what, other.detail, other.client) == ("ASP.NET", "4009", "192.0.2.7")
