from __future__ import annotations

import io

import pytest
import sieve_law as law

from exopsy.evidence import registry
from exopsy.pipeline.rule_rows import render_log
from exopsy.schema.columns import COLUMNS
from exopsy.schema.row import Row

HARD = ("a b", 'say "hi"', "a,b", "o'b;c=d", "c:\\x\\", "\u00e9", "50%")


def read(log: str, *rows: dict[str, str]) -> list[Row]:
    data = render_log(log, [{"@time": law.TIME, **row} for row in rows])
    items = registry.load(registry.spec_of(log)).parse(io.BytesIO(data), artifact="", host="")
    found = list(items)
    assert all(isinstance(item, Row) for item in found)
    return [item for item in found if isinstance(item, Row)]


@pytest.mark.parametrize("log", [f.name for f in registry.FORMATS])
def test_every_formats_rows_come_back(log: str) -> None:
    """What is written is recognised as that format, with its time and its values."""
    column = [c for c in COLUMNS[log].columns if c not in ("date", "time")][1]
    if log == "exchange-oab-generator":
        column = "message"
    value = "192.0.2.9" if column == "s-ip" else "POST" if column == "cs-method" else "443"
    (row,) = read(log, {column: value})
    assert row.fields[column] == value
    assert row.timestamp is not None
    assert row.timestamp.isoformat() == law.TIME
    data = render_log(log, [{"@time": law.TIME, column: value}])
    if log not in ("exchange-oab-generator", "httperr"):  # told apart by more than rows show
        spec = registry.recognise(data, "x.log")
        assert spec is not None
        assert spec.name in (log, "exchange-imap4", "exchange-rps-http")


@pytest.mark.parametrize("value", HARD)
@pytest.mark.parametrize(
    ("log", "field"),
    [
        ("exchange-rps-cmdlet", "Parameters"),
        ("exchange-ecp-server", "CMD"),
        ("exchange-ecp-activity", "PSA"),
        ("exchange-audit", "Parameters.Path"),
        ("exchange-audit", "ObjectId"),
        ("exchange-oab-generator", "message"),
        ("iis-w3c", "cs-uri-query"),
    ],
)
def test_values_survive_the_formats_own_quoting(log: str, field: str, value: str) -> None:
    (row,) = read(log, {field: value})
    assert row.fields[field] == value


def test_a_request_id_is_put_where_the_server_puts_it() -> None:
    guid = "6c6f1f27-3d2c-4c92-bb0f-7d7a9d1e2b55"
    (row,) = read("iis-w3c", {"cafeReqId": guid, "cs-uri-query": "a=1"})
    assert row.fields["cafeReqId"] == guid
    assert row.fields["cs-uri-query"].startswith("a=1&cafeReqId=")


def test_rows_with_different_columns_share_one_header() -> None:
    first, second = read("iis-w3c", {"cs-host": "h.example"}, {"x-forwarded-for": "192.0.2.1"})
    assert "x-forwarded-for" not in first.fields
    assert second.fields["x-forwarded-for"] == "192.0.2.1"
    assert "cs-host" not in second.fields
