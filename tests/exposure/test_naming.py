from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exopsy.core.content import CONTENT
from exopsy.exposure.builds import load_facts
from exopsy.exposure.naming import find_build

FACTS = load_facts(CONTENT / "facts")


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("15.1.2106.2", (15, 1, 2106, 2)),
        ("15.01.2106.002", (15, 1, 2106, 2)),
        ("15.1.2106", (15, 1, 2106)),
        ("15.1.2106.5", (15, 1, 2106, 5)),  # not listed
        ("Exchange 2016 CU19 Mar21SU", (15, 1, 2176, 9)),
        ("exchange server 2016 cumulative update 19 march 2021 security update", (15, 1, 2176, 9)),
        ("2016 CU19", (15, 1, 2176, 2)),
        ("Ex2019 CU12 Aug22SU", (15, 2, 1118, 12)),
        ("2010 SP3 RU32", (14, 3, 513, 0)),
        ("Exchange 2010 Service Pack 3 Update Rollup 32", (14, 3, 513, 0)),
        ("2010 SP3", (14, 3, 123, 4)),
        ("SE RTM", (15, 2, 2562, 17)),
        ("Exchange Server Subscription Edition RTM", (15, 2, 2562, 17)),
        ("2019 CU13 Aug23SUv2", (15, 2, 1258, 25)),
    ],
)
def test_numbers_and_names(text: str, build: tuple[int, ...]) -> None:
    assert find_build(text, FACTS) == build


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("latest", "no build that is known"),
        ("", "four numbers"),
        ("15.1", "four numbers"),
        ("99.1.1.1", "begins with 99.1"),
        ("6.5.7638.1", "begins with 6.5"),
        ("Exchange 2016", "Like it are"),
        ("Exchange 2016 CU19 Jan21SU", r"Like it are: Exchange 2016 CU19 \(15.1.2176.2\)"),
        ("Exchange 2016 CU8 Mar21SU", "more than one build"),
        ("Exchange 2003 SP2", "no build that is known"),
    ],
)
def test_what_names_no_single_build_is_told_with_what_is_near(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        find_build(text, FACTS)


def test_every_title_in_the_table_names_its_build() -> None:
    titles = [f"{b.product} {b.cu} {b.update}" for b in FACTS.builds.values()]
    for known in FACTS.builds.values():
        title = f"{known.product} {known.cu} {known.update}"
        if titles.count(title) == 1:
            assert find_build(title, FACTS) == known.build


@given(st.text(max_size=40))
def test_no_text_is_too_odd(text: str) -> None:
    try:
        find_build(text, FACTS)
    except ValueError as error:
        assert len(str(error)) < 1_000
