from __future__ import annotations

import pytest

from exopsy.core.content import CONTENT
from exopsy.exposure.builds import Facts, build_name, load_facts, parse_build


@pytest.fixture(scope="module")
def facts() -> Facts:
    return load_facts(CONTENT / "facts")


def test_padded_and_plain_builds_are_one():
    assert parse_build("15.01.2106.002") == parse_build("15.1.2106.2") == (15, 1, 2106, 2)


@pytest.mark.parametrize(
    "text", ["", "15.1.2106", "15.1.2106.x", "15.1.2106.²", "1" * 9 + ".1.1.1"]
)
def test_what_is_no_build_is_none(text: str):
    assert parse_build(text) is None


def test_revisions_compare_as_numbers():
    older, newer = parse_build("15.1.2106.2"), parse_build("15.1.2106.13")
    assert older is not None and newer is not None and older < newer


def test_a_listed_build_has_its_full_name(facts: Facts):
    assert build_name("15.01.2106.013", facts) == "Exchange 2016 CU18 Mar21SU (15.1.2106.13)"


def test_an_unlisted_revision_keeps_its_number_and_the_cumulative_update(facts: Facts):
    assert (
        build_name("15.1.2106.7", facts) == "Exchange 2016 CU18 (15.1.2106.7, not a listed update)"
    )


def test_an_unlisted_base_is_a_number_only(facts: Facts):
    assert build_name("15.1.2105.7", facts) == "build 15.1.2105.7"
    assert build_name("nonsense", facts) == "an unreadable build number"


def test_the_earlier_of_two_first_fixed_builds_of_a_base_counts(facts: Facts):
    # Sources disagree on March 2021: 15.1.1415.8 and .10.
    assert facts.cves["CVE-2021-26855"].first_fixed[15, 1, 1415] == (15, 1, 1415, 8)
