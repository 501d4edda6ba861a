"""Coverage of a day: what counts as read, and that less evidence never reads as more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.schema.artifact import ArtifactFacts, ByteClasses
from exopsy.schema.format import FormatSpec
from exopsy.verdict.coverage import cover

START = datetime(2021, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
RANK = {"none": 0, "part": 1, "full": 2}


def _spec(name: str, rhythm: str) -> FormatSpec:
    return msgspec.convert(
        {"name": name, "module": "m", "title": name, "time_column": "t", "rhythm": rhythm},
        FormatSpec,
    )


SPECS = {
    s.name: s
    for s in (
        _spec("iis-w3c", "daily"),
        _spec("exchange-httpproxy", "hourly"),
        _spec("exchange-ecp-server", "daily"),
        _spec("httperr", "none"),
    )
}


def artifact(
    kind: str, path: str, first: datetime, last: datetime, **more: object
) -> ArtifactFacts:
    fields = {
        "path": path,
        "kind": kind,
        "host": "EX01",
        "size": 100,
        "sha256": None,
        "state": "read",
    }
    made = msgspec.convert(fields | more, ArtifactFacts)
    made.spans = [(first, last)]
    made.lines = 1000
    return made


def iis(day: int, first: float = 0.01, last: float = 23.99, site: str = "W3SVC1", **more: object):
    start = START + (day - 1) * 24 * HOUR
    path = f"C/inetpub/logs/LogFiles/{site}/u_ex21{start:%m%d}.log"
    return artifact("iis-w3c", path, start + first * HOUR, start + last * HOUR, **more)


def proxy(
    hour: int,
    folder: str = "Ecp",
    part: int = 1,
    first: float = 0.1,
    last: float = 0.9,
    **more: object,
):
    start = START + hour * HOUR
    path = f"V15/Logging/HttpProxy/{folder}/HttpProxy_{start:%Y%m%d%H}-{part}.LOG"
    return artifact("exchange-httpproxy", path, start + first * HOUR, start + last * HOUR, **more)


def proxies(hours: range) -> list[ArtifactFacts]:
    return [proxy(h, folder) for h in hours for folder in ("Ecp", "Autodiscover", "Owa", "Mapi")]


def days_of(artifacts: list[ArtifactFacts], log: str) -> dict[str, str]:
    (found,) = [c for c in cover(artifacts, SPECS) if c.log == log]
    return dict(found.days)


def test_daily_files_in_sequence_are_full_days():
    made = days_of([iis(1), iis(2), iis(3)], "iis-w3c")
    assert made == {"2021-03-01": "full", "2021-03-02": "full", "2021-03-03": "full"}


def test_a_quiet_log_is_full_where_its_neighbours_show_that_the_server_kept_writing():
    made = days_of([iis(1), iis(2, 9, 9.2), iis(3)], "iis-w3c")
    assert made["2021-03-02"] == "full"


def test_a_quiet_first_or_last_file_counts_only_from_its_first_to_its_last_record():
    noisy = [iis(d, site="W3SVC2") for d in (1, 2, 3)]
    made = days_of([iis(1, 9, 10), iis(2), iis(3, 9, 10), *noisy], "iis-w3c")
    assert made == {"2021-03-01": "part", "2021-03-02": "full", "2021-03-03": "part"}


def test_a_missing_day_is_none_and_named():
    (made,) = cover([iis(1), iis(3)], SPECS)
    assert made.days["2021-03-02"] == "none"
    assert [(g.from_[:10], g.to[:10], g.why) for g in made.gaps] == [
        ("2021-03-01", "2021-03-03", "unknown")
    ]


def test_the_last_day_ends_with_the_last_record_of_the_host():
    collected = [iis(1), iis(2, 0.01, 15)]
    assert days_of(collected, "iis-w3c")["2021-03-02"] == "full"
    assert days_of([*collected, *proxies(range(24, 44))], "iis-w3c")["2021-03-02"] == "part"


def test_the_first_day_begins_at_midnight():
    assert days_of([iis(1, 9), iis(2)], "iis-w3c")["2021-03-01"] == "part"


def test_an_hourly_file_speaks_for_its_hour():
    made = days_of(proxies(range(48)), "exchange-httpproxy")
    assert made == {"2021-03-01": "full", "2021-03-02": "full"}


def test_one_missing_hour_of_a_busy_log_is_a_hole():
    artifacts = [a for a in proxies(range(24)) if "2021030110" not in a.path]
    assert days_of(artifacts, "exchange-httpproxy") == {"2021-03-01": "part"}


def test_a_series_does_not_hide_behind_its_neighbours():
    """Mapi goes on while one hour of Ecp is gone: that hour of the control panel was not read."""
    artifacts = [a for a in proxies(range(24)) if "Ecp/HttpProxy_2021030110" not in a.path]
    assert days_of(artifacts, "exchange-httpproxy") == {"2021-03-01": "part"}
    emptied = [a for a in proxies(range(24)) if "/Ecp/" not in a.path]
    assert days_of(emptied, "exchange-httpproxy") == {"2021-03-01": "part"}
    back_end_only = [iis(d, site="W3SVC2") for d in (1, 2, 3)]
    assert set(days_of(back_end_only, "iis-w3c").values()) == {"part"}


def test_folders_that_say_nothing_are_one_series():
    flat = [
        artifact("exchange-httpproxy", f"x/{proxy(h).path.rsplit('/', 1)[1]}", *proxy(h).spans[0])
        for h in range(24)
    ]
    assert days_of(flat, "exchange-httpproxy") == {"2021-03-01": "full"}


def test_a_missing_part_of_an_hour_leaves_only_what_the_others_recorded():
    artifacts = proxies(range(24))
    artifacts = [a for a in artifacts if "Ecp/HttpProxy_2021030110" not in a.path]
    split = [proxy(10, part=1, first=0.0, last=0.3), proxy(10, part=2, first=0.3, last=0.95)]
    assert days_of([*artifacts, *split], "exchange-httpproxy") == {"2021-03-01": "full"}
    assert days_of([*artifacts, proxy(10, part=2, first=0.8, last=0.95)], "exchange-httpproxy") == {
        "2021-03-01": "part"
    }


def test_a_part_missing_in_the_middle_of_an_hour_is_a_hole():
    artifacts = [a for a in proxies(range(24)) if "Ecp/HttpProxy_2021030110" not in a.path]
    split = [proxy(10, part=1, first=0.0, last=0.1), proxy(10, part=3, first=0.8, last=0.95)]
    assert days_of([*artifacts, *split], "exchange-httpproxy") == {"2021-03-01": "part"}


def test_a_rare_hourly_log_may_miss_hours_but_not_many():
    rare = [a for h in (0, 5, 10, 15, 20, 23) for a in proxies(range(h, h + 1))]
    assert days_of(rare, "exchange-httpproxy") == {"2021-03-01": "full"}
    rarer = [a for h in (0, 9, 15, 20, 23) for a in proxies(range(h, h + 1))]
    assert days_of(rarer, "exchange-httpproxy") == {"2021-03-01": "part"}


@pytest.mark.parametrize(
    "loss",
    [
        {"state": "partial"},
        {"state": "failed"},
        {"classes": ByteClasses(unread=1)},
        {"classes": ByteClasses(cut=100_000)},
        {"classes": ByteClasses(nul=100_000)},
        {"skipped": {"field-count": 500}},
    ],
)
def test_a_day_read_with_losses_is_not_full(loss: dict[str, object]):
    lost = iis(2)
    for name, value in loss.items():
        setattr(lost, name, value)
    (made,) = cover([iis(1), lost, iis(3)], SPECS)
    assert made.days["2021-03-02"] == "part"
    assert made.state == "partial"


def test_a_torn_line_is_no_loss():
    (made,) = cover(
        [iis(1), iis(2, classes={"cut": 300}, skipped={"field-count": 1}), iis(3)], SPECS
    )
    assert made.state == "read" and made.days["2021-03-02"] == "full"


def test_an_artifact_that_fits_no_day_and_failed_spoils_all_days():
    lost = artifact("iis-w3c", "odd.log", START, START, state="failed")
    lost.spans = []
    assert set(days_of([iis(1), iis(2), lost], "iis-w3c").values()) == {"part"}


def test_an_expected_log_without_artifact_is_absent():
    (one, other) = cover([iis(1)], SPECS, expected=["exchange-httpproxy", "iis-w3c"])
    assert (one.log, one.state) == ("iis-w3c", "read")
    assert (other.log, other.state, other.bytes, other.days) == (
        "exchange-httpproxy",
        "absent",
        0,
        {},
    )


def test_forged_times_neither_cover_other_days_nor_flood_the_document():
    forged = iis(2)
    forged.spans = [(datetime(1980, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC))]
    assert "2021-02-20" not in days_of([iis(1), forged], "iis-w3c")
    wild = artifact(
        "httperr",
        "httperr1.log",
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    )
    assert len(days_of([wild], "httperr")) <= 3700


def test_two_lines_far_apart_are_no_record_of_the_time_between():
    odd = artifact("iis-w3c", "odd.log", START, START + 240 * HOUR)
    assert days_of([odd], "iis-w3c")["2021-03-05"] == "full"
    odd.lines = 2
    assert days_of([odd], "iis-w3c")["2021-03-05"] == "none"


def test_every_byte_class_is_added_up():
    (made,) = cover(
        [iis(1, classes={"records": 90, "headers": 10}), iis(2, classes={"records": 100})], SPECS
    )
    assert made.classes["records"] == 190 and made.bytes == 200 and made.artifacts == 2


# The control panel's log has a hole on the second day: emptying its folder must not heal it.
ALL = [
    *(a for a in proxies(range(48)) if "Ecp/HttpProxy_2021030210" not in a.path),
    *(iis(d, site=s) for d in (1, 2) for s in ("W3SVC1", "W3SVC2")),
]
KEEPS_THE_END = [iis(3, 0.01, 0.02)]


@settings(max_examples=60, deadline=None)
@given(
    st.sets(st.integers(0, len(ALL) - 1), max_size=12),
    st.sampled_from(["/Ecp/", "/Mapi/", "W3SVC1", "nothing"]),
)
def test_taking_evidence_away_never_makes_a_day_more_covered(gone: set[int], emptied: str):
    before = {c.log: c.days for c in cover([*ALL, *KEEPS_THE_END], SPECS)}
    kept = [a for n, a in enumerate(ALL) if n not in gone and emptied not in a.path]
    for after in cover([*kept, *KEEPS_THE_END], SPECS):
        for day, state in after.days.items():
            assert RANK[state] <= RANK[before[after.log].get(day, "none")], (after.log, day)
