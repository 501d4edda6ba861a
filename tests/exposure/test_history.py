from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.core.content import CONTENT
from exopsy.exposure.assess import assess
from exopsy.exposure.builds import load_facts
from exopsy.exposure.history import SEEN, BuildHistory, Sighting, Source, build_history

FACTS = load_facts(CONTENT / "facts")
LOGON = "CVE-2021-26855"


def see(*told: tuple[str, str, Source], last: str | None = None) -> BuildHistory:
    sightings = [Sighting(day=day, build=build, source=source) for day, build, source in told]
    return build_history(
        sightings, last=None if last is None else date.fromisoformat(last), facts=FACTS
    )


def test_without_a_word_nothing_is_known() -> None:
    assert see() == BuildHistory()
    assert see(("2021-03-01", "nonsense", "log"), ("nonsense", "15.1.2106.2", "log")).build is None


def test_logs_alone_say_what_they_said_before() -> None:
    found = see(("2021-03-01", "15.1.2106.2", "log"), ("2021-03-09", "15.1.2106.13", "log"))
    assert found.days == {"2021-03-01": "15.1.2106.2", "2021-03-09": "15.1.2106.13"}
    assert (found.build, found.basis) == ("15.1.2106.13", "named by the logs of 2021-03-09")


def test_of_one_day_the_fullest_and_then_the_newest_holds() -> None:
    found = see(("2021-03-01", "15.1.2106", "log"), ("2021-03-01", "15.1.2106.2", "log"))
    assert found.days == {"2021-03-01": "15.1.2106.2"}
    found = see(("2021-03-01", "15.1.2106.13", "log"), ("2021-03-01", "15.1.2106.2", "log"))
    assert found.days == {"2021-03-01": "15.1.2106.13"}


def test_the_setup_log_dates_an_update() -> None:
    found = see(
        ("2021-03-01", "15.1.2106.2", "log"),
        ("2021-03-04", "15.1.2176.2", "setup-log"),
        ("2021-03-04", "15.1.2106.2", "log"),  # before it was installed, the same day
        ("2021-03-06", "15.1.2176.9", "log"),
    )
    assert list(found.days.values()) == ["15.1.2106.2", "15.1.2176.2", "15.1.2176.9"]
    assert found.sources["2021-03-04"] == "setup-log"
    assert found.conflicts == ()


def test_a_setup_log_that_the_logs_deny_is_told() -> None:
    found = see(
        ("2021-03-01", "15.1.2176.2", "setup-log"),
        ("2021-03-05", "15.1.2106.2", "log"),
        ("2021-03-06", "15.1.2106.2", "log"),
    )
    (text,) = found.conflicts
    assert "15.1.2176.2" in text and "2021-03-05" in text
    assert found.build == "15.1.2106.2"


def test_the_program_on_disk_is_believed_first() -> None:
    found = see(
        ("2021-03-05", "15.1.2106.2", "log"), ("", "15.1.2106.13", "binary"), last="2021-03-07"
    )
    assert found.build == "15.1.2106.13"
    assert "setup program" in found.basis
    assert found.conflicts == ()


def test_what_is_on_disk_never_speaks_for_a_day_with_logs() -> None:
    found = see(
        ("2021-03-05", "15.1.2106.2", "log"), ("", "15.1.2106.13", "binary"), last="2021-03-07"
    )
    assert found.days == {"2021-03-05": "15.1.2106.2", "2021-03-08": "15.1.2106.13"}
    before, after = assess(
        found.days,
        facts=FACTS,
        cves=[LOGON],
        since=None,
        until=None,
        seen={day: SEEN[source] for day, source in found.sources.items()},
    )
    assert (before.state, before.to) == ("vulnerable", "2021-03-07")
    assert (after.state, after.from_) == ("patched", "2021-03-08")
    assert "was on disk when this was collected" in after.basis


def test_a_program_that_says_what_the_logs_say_confirms_them() -> None:
    found = see(("2021-03-05", "15.1.2106.13", "log"), ("", "15.1.2106.13", "binary"))
    assert found.days == {"2021-03-05": "15.1.2106.13"}
    assert "the logs of 2021-03-05 say the same" in found.basis


def test_an_older_program_than_the_logs_say_is_told() -> None:
    found = see(("2021-03-05", "15.1.2106.13", "log"), ("", "15.1.2106.2", "binary"))
    (text,) = found.conflicts
    assert "15.1.2106.2" in text and "15.1.2106.13" in text
    assert found.build == "15.1.2106.2"


def test_programs_of_several_builds_are_told() -> None:
    found = see(("", "15.1.2106.2", "binary"), ("", "15.1.2507.37", "binary"))
    assert found.build == "15.1.2507.37"
    assert len(found.conflicts) == 1
    assert found.days == {}  # no day is known


def test_folders_count_when_they_are_newer_than_what_the_logs_say() -> None:
    log: tuple[str, str, Source] = ("2021-03-05", "15.1.2106.13", "log")
    newer = see(log, ("", "15.1.2044.4", "folder"), ("", "15.1.2176", "folder"))
    assert (newer.build, newer.days["2021-03-06"]) == ("15.1.2176", "15.1.2176")
    older = see(log, ("", "15.1.2044.4", "folder"))
    assert older.build == "15.1.2106.13"
    assert older.days == {"2021-03-05": "15.1.2106.13"}
    assert see(("", "15.1.2106", "folder"), last="2021-03-05").build == "15.1.2106"


def test_a_clients_word_counts_only_outside_the_servers_own() -> None:
    found = see(
        ("2021-03-01", "15.1.2106.2", "log"),
        ("2021-03-02", "15.2.1748.10", "asked-path"),  # whoever asked chose the folder
        ("2021-03-03", "15.1.2106.2", "log"),
    )
    assert set(found.days.values()) == {"15.1.2106.2"}
    only = see(("2021-03-02", "15.1.2106", "asked-path"))
    assert only.days == {"2021-03-02": "15.1.2106"}


def test_a_folder_that_was_asked_for_on_one_day_only_is_somebodys_guess() -> None:
    found = see(
        ("2021-03-01", "15.1.2106", "asked-path"),
        ("2021-03-02", "15.2.1748", "asked-path"),
        ("2021-03-03", "15.1.2106", "asked-path"),
        ("2021-03-04", "15.1.2176", "asked-path"),
        ("2021-03-05", "15.1.2176", "asked-path"),
    )
    assert "2021-03-02" not in found.days
    assert list(found.days.values())[-1] == found.build == "15.1.2176"
    assert len(found.days) == 4


_SIGHTINGS = st.builds(
    Sighting,
    day=st.sampled_from(["", "2021-03-01", "2021-03-02", "2021-03-05", "x"]),
    build=st.sampled_from(
        ["15.01.2106.002", "15.1.2106.2", "15.1.2106", "15.1.2176.9", "15.2.858.5", "nonsense"]
    ),
    source=st.sampled_from(["binary", "setup-log", "log", "asked-path", "folder"]),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_SIGHTINGS, max_size=8), st.booleans(), st.randoms())
def test_the_order_of_sightings_does_not_matter(told: list[Sighting], dated: bool, chance) -> None:
    last = date(2021, 3, 6) if dated else None
    found = build_history(told, last=last, facts=FACTS)
    chance.shuffle(told)
    assert build_history(told, last=last, facts=FACTS) == found
    assert list(found.days) == sorted(found.days) == sorted(found.sources)
    own = {s.day for s in told if s.source in ("log", "setup-log")}
    for day in found.days:
        # what nothing dates never stands on a day of which the evidence speaks
        assert found.sources[day] not in ("binary", "folder") or day not in own
