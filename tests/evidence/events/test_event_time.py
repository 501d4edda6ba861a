"""An export's time is UTC, whatever the exporter says it is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from exopsy.evidence.events.event_time import choose, read_time

AT = datetime(2021, 3, 3, 4, 0, 1, tzinfo=UTC)
ARRIVED = "2021-03-03T04:07:31Z"  # seven minutes and a half later: no time zone is so far off


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("2021-03-03T04:00:01Z", "Z"),
        ("2021-03-03T04:00:01.000000000Z", "Z"),
        ("2021-03-03T05:00:01+01:00", "+"),
        ("2021-03-03 04:00:01", ""),
        ("3/3/2021 4:00:01 AM", ""),
        ("/Date(1614744001000)/", "+"),
        ("/Date(1614744001000+0100)/", "+"),
        ("1614744001", "+"),
        (1614744001, "+"),
        (1614744001000, "+"),
        ("1614744001.0", "+"),
        ({"value": "/Date(1614744001000)/"}, "+"),
    ],
)
def test_every_spelling_is_read(text, zone):
    assert read_time(text) == (AT, zone)


@pytest.mark.parametrize("text", ["", "x", None, [], {}, "9" * 17, True, "2021-99-99", "1" * 100])
def test_what_is_no_time_is_none(text):
    assert read_time(text)[0] is None


@pytest.mark.parametrize(
    ("stated", "utc_time", "timestamp", "note"),
    [
        ("2021-03-03T04:00:01Z", None, None, None),
        # the zone is said: nothing else is asked
        ("2021-03-03T09:30:01+05:30", "2021-03-03 11:00:00", "2021-03-03T11:00:00Z", None),
        # local time marked Z, local time without a zone
        ("2021-03-03T05:00:01Z", "2021-03-03 04:00:01", None, "time-from-utc-time"),
        ("2021-03-03 09:45:01", "2021-03-03 04:00:01", None, "time-from-utc-time"),
        ("2021-03-03 05:00:01", None, "2021-03-03T04:00:01Z", "time-from-timestamp"),
        ("2021-03-03T05:00:01Z", None, "2021-03-03T04:00:01Z", "time-from-timestamp"),
        # confirmed
        ("2021-03-03 04:00:01", "2021-03-03 04:00:00.998", None, None),
        ("2021-03-03 04:00:01", None, "2021-03-03T04:00:03Z", None),
        # it only arrived later
        ("2021-03-03T04:00:01Z", None, ARRIVED, None),
        ("2021-03-03 04:00:01", None, ARRIVED, "time-zone-assumed"),
        ("2021-03-03 04:00:01", None, None, "time-zone-assumed"),
        (None, None, "2021-03-03T04:00:01Z", "time-from-timestamp"),
        (None, "2021-03-03 04:00:01", ARRIVED, "time-from-utc-time"),
    ],
)
def test_the_time_is_chosen_and_said(stated, utc_time, timestamp, note):
    assert choose(stated, utc_time, timestamp) == (AT, note)


def test_no_time_is_none():
    assert choose(None) == (None, None)
    assert choose("x", "y", "z") == (None, None)
