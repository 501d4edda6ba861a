from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.core.content import CONTENT
from exopsy.exposure.assess import assess, state_of
from exopsy.exposure.builds import load_facts, parse_build

FACTS = load_facts(CONTENT / "facts")
LOGON, SHELL = "CVE-2021-26855", "CVE-2021-34473"


def ask(history: dict[str, str], *cves: str, since: date | None = None, until: date | None = None):
    return assess(history, facts=FACTS, cves=cves, since=since, until=until)


@pytest.mark.parametrize(
    ("build", "cve", "state"),
    [
        ("15.1.2106.2", LOGON, "vulnerable"),
        ("15.1.2106.12", LOGON, "vulnerable"),
        ("15.1.2106.13", LOGON, "patched"),
        ("15.1.2106.100", LOGON, "patched"),  # as text it would sort before .13
        ("15.1.2242.4", LOGON, "not-affected"),  # CU20 came with the fix
        ("15.1.1261.35", LOGON, "presumed-vulnerable"),  # CU7: older than the oldest listed
        ("15.1.2100.1", LOGON, "presumed-vulnerable"),  # between two listed ones
        ("14.3.496.0", LOGON, "not-affected"),  # 2010 still got updates in March 2021
        ("8.3.485.1", LOGON, "presumed-vulnerable"),  # 2007 did not
        ("16.0.100.1", LOGON, "not-affected"),
        ("15.2.2562.17", LOGON, "not-affected"),
        ("15.1.2308.8", SHELL, "not-affected"),  # out before publication, after the silent fix
        ("14.3.496.0", "CVE-2020-0688", "patched"),
        ("14.3.468.0", "CVE-2020-0688", "presumed-vulnerable"),
        ("14.2.390.3", "CVE-2020-0688", "presumed-vulnerable"),  # an older service pack
        ("14.3.509.0", "CVE-2020-0688", "not-affected"),
        ("15.1.2507.37", "CVE-2024-21410", "needs-config-check"),
        ("15.1.2507.35", "CVE-2024-21410", "vulnerable"),
        ("15.2.1748.10", "CVE-2024-21410", "not-affected"),  # on by default in later updates
        ("15.2.2562.17", "CVE-2025-53786", "needs-config-check"),  # no fixed build listed
        ("15.1.1591.10", "CVE-2018-8581", "presumed-vulnerable"),  # the list names RTM, means all
        ("15.1.2106.2", "CVE-2018-8581", "not-affected"),
        ("15.2.221.12", "CVE-2019-0586", "presumed-vulnerable"),  # no fixed build known
        ("15.1.2375.7", "CVE-2021-1730", "needs-config-check"),
    ],
)
def test_the_rule(build: str, cve: str, state: str):
    number = parse_build(build)
    assert number is not None
    assert state_of(number, FACTS.cves[cve], FACTS)[0] == state


def test_a_change_is_dated_to_the_first_day_of_the_new_build():
    history = {
        "2021-03-01": "15.1.2106.2",
        "2021-03-05": "15.01.2106.002",
        "2021-03-09": "15.1.2106.13",
    }
    before, after = ask(history, LOGON)
    assert (before.from_, before.to, before.state) == ("2021-03-01", "2021-03-08", "vulnerable")
    assert (after.from_, after.to, after.state) == ("2021-03-09", None, "patched")
    assert before.fixed_in == "Exchange 2016 CU18 Mar21SU (15.1.2106.13)"
    assert "15.1.2106.2" in before.basis and "from 2021-03-01 to 2021-03-05" in before.basis
    assert "installed between 2021-03-05 and 2021-03-09" in after.basis


def test_periods_of_one_state_are_one_exposure():
    history = {
        "2021-03-01": "15.1.2106.2",
        "2021-03-02": "15.1.2106.8",
        "2021-03-03": "15.1.2106.2",
    }
    (only,) = ask(history, LOGON)
    assert (only.from_, only.to) == ("2021-03-01", None)
    assert "15.1.2106.8" in only.basis


def test_a_build_taken_back_opens_the_hole_again():
    history = {
        "2021-03-01": "15.1.2106.13",
        "2021-03-02": "15.1.2106.8",
        "2021-03-03": "15.1.2106.13",
    }
    assert [e.state for e in ask(history, LOGON)] == ["patched", "vulnerable", "patched"]


def test_nothing_is_claimed_before_the_first_sighting():
    (only,) = ask({"2021-03-05": "15.1.2106.13"}, LOGON, since=date(2021, 1, 1))
    assert only.from_ == "2021-03-05"


def test_without_any_sighting_every_hole_is_taken_as_open():
    made = ask({"not a day": "15.1.2106.13", "2021-03-03": "nonsense"}, LOGON, SHELL)
    assert [(e.cve, e.state, e.from_, e.to) for e in made] == [
        (LOGON, "presumed-vulnerable", None, None),
        (SHELL, "presumed-vulnerable", None, None),
    ]
    assert "not known" in made[0].basis


def test_the_question_cuts_the_periods():
    history = {"2021-03-01": "15.1.2106.2", "2021-03-09": "15.1.2106.13"}
    (only,) = ask(history, LOGON, since=date(2021, 3, 3), until=date(2021, 3, 6))
    assert (only.from_, only.to, only.state) == ("2021-03-03", "2021-03-06", "vulnerable")
    assert ask(history, LOGON, until=date(2021, 2, 1)) == []


def test_a_hole_that_no_build_decides_is_a_question_of_configuration():
    (only,) = ask({"2023-03-01": "15.1.2507.23"}, "CVE-2022-41076")
    assert only.state == "needs-config-check"


def test_three_numbers_say_nothing_new_of_a_build_that_is_known():
    history = {"2021-03-01": "15.1.2106.2", "2021-03-05": "15.1.2106", "2021-03-09": "15.1.2106.13"}
    before, after = ask(history, LOGON)
    assert (before.state, before.to) == ("vulnerable", "2021-03-08")
    assert "from 2021-03-01 to 2021-03-05" in before.basis
    assert after.state == "patched"


def test_three_numbers_alone_are_taken_as_open():
    first, second = ask({"2021-03-01": "15.1.2106", "2021-03-09": "15.1.2106.13"}, LOGON)
    assert (first.state, first.to) == ("presumed-vulnerable", "2021-03-08")
    assert first.fixed_in == "Exchange 2016 CU18 Mar21SU (15.1.2106.13)"
    assert second.state == "patched"
    assert "installed between" not in second.basis  # it may have been there before
    (decided,) = ask({"2021-03-01": "15.1.2106"}, "CVE-2020-0688")
    assert decided.state == "not-affected"


def test_a_build_without_a_day_is_named_and_the_hole_taken_as_open():
    (only,) = assess({}, facts=FACTS, cves=[LOGON], since=None, until=None, undated="15.1.2106.13")
    assert only.state == "presumed-vulnerable"
    assert "15.1.2106.13" in only.basis and "no log says since when" in only.basis


_BUILDS = st.sampled_from([".".join(map(str, build)) for build in FACTS.builds])
_DAYS = st.integers(0, 60).map(lambda n: (date(2021, 2, 1) + timedelta(n)).isoformat())


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(_DAYS, _BUILDS, min_size=1, max_size=8), st.sampled_from(sorted(FACTS.cves)))
def test_periods_follow_each_other_without_hole_or_overlap(history: dict[str, str], cve: str):
    made = ask(history, cve)
    assert made[0].from_ == min(history)
    for one, two in itertools.pairwise(made):
        assert one.to is not None and two.from_ is not None
        assert date.fromisoformat(one.to) + timedelta(1) == date.fromisoformat(two.from_)
        assert one.state != two.state
    assert made[-1].to is None


@settings(max_examples=120, deadline=None)
@given(_BUILDS, st.sampled_from(sorted(FACTS.cves)), st.integers(1, 40))
def test_a_newer_revision_never_opens_a_hole(build: str, cve: str, more: int):
    number = parse_build(build)
    assert number is not None
    rank = {"vulnerable": 0, "presumed-vulnerable": 0, "needs-config-check": 1, "patched": 2}
    newer = (*number[:3], number[3] + more)
    old, new = (state_of(b, FACTS.cves[cve], FACTS)[0] for b in (number, newer))
    assert rank.get(new, 2) >= rank.get(old, 2)
