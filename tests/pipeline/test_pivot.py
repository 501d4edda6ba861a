from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from exopsy.core.limits import Limits
from exopsy.pipeline.pivot import KeyCounter, KeyMatcher
from exopsy.schema.activity import Activity
from exopsy.schema.pivot import Hub, PivotKey

ADDRESS = PivotKey(kind="address", value="192.0.2.7")
PATH = PivotKey(kind="path", value="/owa/auth/x.aspx")
ACCOUNT = PivotKey(kind="account", value="example\\user")
REQUEST = PivotKey(kind="request_id", value="6c6f1f27-3d2c-4c92-bb0f-7d7a9d1e2b55")
MATCHER = KeyMatcher([ADDRESS, PATH, ACCOUNT, REQUEST])


def activity(**fields: Any) -> Activity:
    at = datetime(2021, 3, 3, tzinfo=UTC)
    return Activity(time=at, host="EX01", log="iis-w3c", artifact="a", offset=0, line=1, **fields)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"client": "192.0.2.7"}, [ADDRESS]),
        ({"client": "192.0.2.77"}, []),
        ({"user": "EXAMPLE\\User"}, [ACCOUNT]),
        ({"user": ""}, []),
        ({"request_id": REQUEST.value}, [REQUEST]),
        ({"stem": "/OWA/auth/X.aspx"}, [PATH]),
        ({"stem": "/owa/auth/x.aspx/tail"}, [PATH]),
        ({"stem": "/owa/auth/x.aspx2"}, []),
        ({"stem": "/x/owa/auth/x.aspx"}, []),
        ({"query": "/owa/auth/x.aspx"}, []),
        ({"client": "192.0.2.7", "stem": "/owa/auth/x.aspx"}, [ADDRESS, PATH]),
    ],
)
def test_only_a_field_that_equals_a_key_counts(
    fields: dict[str, str], expected: list[PivotKey]
) -> None:
    assert MATCHER.keys_of(activity(**fields)) == expected


def test_a_key_that_brings_too_much_is_a_hub() -> None:
    counter = KeyCounter(Limits(hub_rows=2), 1)
    assert [counter.add([ADDRESS]) for _ in range(4)] == [True, True, False, False]
    assert counter.add([ADDRESS, PATH])  # another key still wants the row
    assert counter.hubs() == [Hub(key=ADDRESS, rows=5)]
