from __future__ import annotations

from datetime import date

from exopsy.core.content import CONTENT
from exopsy.exposure.builds import load_facts
from exopsy.exposure.of_build import ORDER, expose
from exopsy.schema.exposure import BuildExposure, Hole

FACTS = load_facts(CONTENT / "facts")


def hole(found: BuildExposure, cve: str) -> Hole:
    return next(h for h in found.holes if h.cve == cve)


def test_a_listed_build() -> None:
    found = expose("15.01.2106.002", facts=FACTS)
    assert (found.build, found.is_listed, found.released) == ("15.1.2106.2", True, "2020-09-15")
    logon = hole(found, "CVE-2021-26855")
    assert (logon.state, logon.published) == ("vulnerable", "2021-03-02")
    assert logon.fixed_in == "Exchange 2016 CU18 Mar21SU (15.1.2106.13)"
    assert logon.exploited.startswith("yes")
    assert logon.is_public is None
    assert len(found.holes) == len(FACTS.cves)
    states = [ORDER.index(h.state) for h in found.holes]
    assert states == sorted(states)
    assert found.holes[0].exploited


def test_what_a_build_number_does_not_decide_is_said() -> None:
    found = expose("15.1.2507.37", facts=FACTS)
    relay = hole(found, "CVE-2024-21410")
    assert relay.state == "needs-config-check"
    assert "Extended Protection" in relay.note


def test_a_day_says_what_was_public_and_whether_it_can_be() -> None:
    found = expose("15.1.2106.2", facts=FACTS, day=date(2021, 3, 1))
    assert hole(found, "CVE-2021-26855").is_public is False
    assert hole(found, "CVE-2020-17083").is_public is True
    assert hole(found, "ADV190018").is_public is None
    assert found.remarks == []
    early = expose("15.1.2106.2", facts=FACTS, day=date(2020, 1, 1))
    assert "2020-09-15" in early.remarks[0]


def test_an_unlisted_build_names_its_neighbours() -> None:
    between = expose("15.1.2106.5", facts=FACTS)
    assert not between.is_listed
    assert "15.1.2106.4" in between.remarks[0] and "15.1.2106.6" in between.remarks[0]
    newest = expose("15.2.9999.1", facts=FACTS)
    assert "newer than the list" in newest.remarks[-1]


def test_a_base_alone_leaves_open_which_update_it_has() -> None:
    found = expose("15.1.2106", facts=FACTS)
    assert found.name == "Exchange 2016 CU18 (15.1.2106, update not known)"
    logon = hole(found, "CVE-2021-26855")
    assert logon.state == "presumed-vulnerable"
    assert "which update of it is installed is not known" in logon.why
    assert hole(found, "CVE-2020-0688").state == "not-affected"
    assert "cumulative update" in found.remarks[0]
