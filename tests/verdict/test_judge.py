"""The ladder and its four laws."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from exopsy.schema.case import CONCLUSIONS, Backdoor, Chain, Coverage, Exposure, Finding, Verdict
from exopsy.schema.chain import ChainSpec
from exopsy.schema.rule import RuleInfo
from exopsy.schema.story import Story
from exopsy.verdict.judge import judge, strongest

DAYS = [(date(2021, 3, 1) + timedelta(n)).isoformat() for n in range(10)]
FIRST, LAST = date(2021, 3, 1), date(2021, 3, 10)
UPPER = ("compromised", "exploited", "suspicious")
COMFORT = ("attempted", "no-evidence-found")


def chain(name: str = "first-hole", **more: Any) -> ChainSpec:
    fields = {
        "chain": name,
        "name": f"The {name}",
        "cves": [f"CVE-{name}"],
        "published": "2021-03-02",
        "first_known_use": "2021-01-03",
        "success_logs": [["iis-w3c"], ["exchange-httpproxy", "exchange-ecp-server"]],
        "steps": [],
    }
    return msgspec.convert(fields | more, ChainSpec)


def finding(id_: str = "F1", **more: Any) -> Finding:
    fields = {
        "id": id_,
        "key": id_,
        "rule_id": f"rule-{id_}",
        "title": f"Rule {id_}",
        "level": "high",
        "grade": "success",
        "chain": "first-hole",
        "host": "EX01",
        "log": "iis-w3c",
        "first_seen": "2021-03-03T04:05:06Z",
        "last_seen": "2021-03-03T05:05:06Z",
        "count": 3,
    }
    return msgspec.convert(fields | more, Finding)


def shell(*finding_ids: str, **more: Any) -> Backdoor:
    fields = {
        "id": "B1",
        "key": "b",
        "kind": "web-shell",
        "path": "/owa/auth/x.aspx",
        "finding_ids": finding_ids,
    }
    return msgspec.convert(fields | more, Backdoor)


def read(log: str = "iis-w3c", days: dict[str, str] | None = None, **more: Any) -> Coverage:
    fields = {
        "log": log,
        "from": "2021-03-01T00:00:00Z",
        "to": "2021-03-10T23:59:59Z",
        "bytes": 1,
        "classes": {},
        "lines": 1,
        "days": dict.fromkeys(DAYS, "full") if days is None else days,
        "state": "read",
    }
    return msgspec.convert(fields | more, Coverage)


def exposed(
    state: str = "vulnerable",
    start: str | None = DAYS[0],
    end: str | None = None,
    cve: str = "CVE-first-hole",
) -> Exposure:
    return msgspec.convert(
        {"cve": cve, "from": start, "to": end, "state": state, "basis": "b"}, Exposure
    )


def conclude(**more: Any) -> Verdict:
    given_: dict[str, Any] = {
        "host": "EX01",
        "story": Story(host="EX01"),
        "findings": [],
        "rules": {},
        "coverage": [read()],
        "exposure": [exposed()],
        "chains": [chain()],
        "since": FIRST,
        "until": None,
    }
    return judge(**(given_ | more))


ATTEMPT = finding("F9", grade="attempt")


# --- the three upper words -----------------------------------------------------------------


def test_a_backdoor_with_a_high_success_is_a_compromise():
    story = Story(host="EX01", backdoors=[shell("F1")])
    assert conclude(findings=[finding()], story=story).conclusion == "compromised"


def test_the_summary_names_a_used_backdoor_before_an_unused_one():
    doors = [shell("F1", path="/idle.aspx"), shell("F1", path="/busy.aspx", used_by=["O1"])]
    made = conclude(findings=[finding()], story=Story(host="EX01", backdoors=doors))
    assert "/busy.aspx was found, and 1 other way back in" in made.summary


def test_an_intruders_action_is_a_compromise_without_a_backdoor():
    assert conclude(findings=[finding(grade="use", chain=None)]).conclusion == "compromised"


def test_a_backdoor_that_rests_on_attempts_or_low_signs_is_none():
    for weak in (finding(grade="attempt"), finding(level="low")):
        made = conclude(findings=[weak], story=Story(host="EX01", backdoors=[shell("F1")]))
        assert made.conclusion in COMFORT


def test_a_success_with_nothing_after_it_is_an_exploit():
    made = conclude(findings=[finding()])
    assert made.conclusion == "exploited"
    assert made.windows[0].conclusion == "exploited"
    assert made.confidence == "moderate"


def test_the_story_can_tie_a_success_to_a_chain():
    told = msgspec.convert(
        {
            "chain": "first-hole",
            "grade": "success",
            "first_seen": "a",
            "last_seen": "b",
            "finding_ids": ["F1"],
        },
        Chain,
    )
    story = Story(host="EX01", chains=[told])
    assert conclude(findings=[finding(chain=None)], story=story).conclusion == "exploited"


def test_a_high_success_of_no_chain_or_a_medium_one_needs_a_person():
    assert conclude(findings=[finding(chain=None)]).conclusion == "suspicious"
    assert conclude(findings=[finding(level="medium")]).conclusion == "suspicious"
    assert conclude(findings=[finding(level="medium", grade="use")]).conclusion == "suspicious"


def test_what_was_seen_counts_whatever_was_not_read():
    for coverage in ([], [read(days={DAYS[0]: "part"})]):
        assert conclude(findings=[finding()], coverage=coverage).conclusion == "exploited"


def test_a_weaker_sign_beside_an_exploit_does_not_weaken_it():
    both = [finding(), finding("F2", level="medium", chain=None)]
    assert conclude(findings=both).conclusion == "exploited"


def test_two_kinds_of_evidence_or_a_used_backdoor_give_high_confidence():
    two = [finding("F1"), finding("F2", log="exchange-httpproxy")]
    assert conclude(findings=two).confidence == "high"
    story = Story(host="EX01", backdoors=[shell("F1", used_by=["O1"])])
    assert conclude(findings=[finding()], story=story).confidence == "high"
    assert conclude(findings=[finding(log="")]).confidence == "low"
    rules = {
        "rule-F1": msgspec.convert(
            {"id": "rule-F1", "title": "t", "level": "high", "logs": ["iis-w3c"]}, RuleInfo
        )
    }
    assert conclude(findings=[finding(log="")], rules=rules).confidence == "moderate"


# --- silence -------------------------------------------------------------------------------


def test_silence_of_complete_logs_is_no_evidence_found():
    made = conclude()
    assert (made.conclusion, made.coverage, made.confidence) == (
        "no-evidence-found",
        "sufficient",
        "high",
    )
    window = made.windows[0]
    assert (window.from_, window.to, window.basis) == ("2021-03-01", "2021-03-10", "logs")


def test_attempts_with_complete_logs_are_attempts():
    made = conclude(findings=[ATTEMPT])
    assert (made.conclusion, made.attempts_seen) == ("attempted", True)
    probe = finding(chain=None, behaviour="P01", grade="attempt", level="low")
    assert conclude(findings=[probe]).conclusion == "attempted"
    other = finding(chain=None, behaviour="P05", grade="attempt", level="high")
    assert conclude(findings=[other]).conclusion == "no-evidence-found"


def test_one_day_without_logs_makes_silence_inconclusive():
    days = dict.fromkeys(DAYS, "full") | {DAYS[4]: "part"}
    made = conclude(coverage=[read(days=days)], findings=[ATTEMPT])
    assert (made.conclusion, made.coverage, made.attempts_seen) == ("inconclusive", "partial", True)
    assert any(g.log == "iis-w3c" and g.from_ == g.to == DAYS[4] for g in made.gaps)
    assert made.confidence == "low"


def test_the_alternative_log_covers_only_when_its_whole_group_is_there():
    days = dict.fromkeys(DAYS, "full") | {DAYS[4]: "none"}
    proxy, panel = read("exchange-httpproxy"), read("exchange-ecp-server")
    assert conclude(coverage=[read(days=days), proxy]).conclusion == "inconclusive"
    assert conclude(coverage=[read(days=days), proxy, panel]).conclusion == "no-evidence-found"


def test_a_hole_that_opened_before_the_logs_is_an_open_question():
    made = conclude(since=None)
    assert (made.conclusion, made.coverage) == ("inconclusive", "insufficient")
    assert made.windows[0].from_ == "2021-01-03"


def test_a_patched_server_needs_no_logs():
    made = conclude(exposure=[exposed("patched")])
    assert (made.conclusion, made.windows) == ("no-evidence-found", [])
    days = {DAYS[0]: "full", DAYS[1]: "full", DAYS[9]: "full"}
    half = [exposed(end=DAYS[0]), exposed("patched", DAYS[1])]
    made = conclude(exposure=half, coverage=[read(days=days)])
    # The day of the patch is asked about as well: it was installed at some hour of it.
    assert (made.conclusion, made.windows[0].to) == ("no-evidence-found", DAYS[1])
    assert (
        conclude(exposure=half, coverage=[read(days={DAYS[0]: "full", DAYS[9]: "full"})]).conclusion
        == "inconclusive"
    )


def test_days_before_the_first_sighting_of_a_build_count_as_open():
    made = conclude(exposure=[exposed("patched", DAYS[5])])
    assert (made.windows[0].from_, made.windows[0].to) == (DAYS[0], DAYS[5])
    assert conclude(exposure=[]).windows[0].to == DAYS[9]


def test_one_open_alternative_keeps_the_hole_open():
    two = chain(cves=["CVE-a", "CVE-b"])
    closed = exposed("patched", cve="CVE-a")
    assert conclude(chains=[two], exposure=[closed, exposed(cve="CVE-b")]).windows
    assert not conclude(
        chains=[two], exposure=[closed, exposed("not-affected", cve="CVE-b")]
    ).windows
    entry = chain(cves=["CVE-a", "CVE-b"], entry_cves=["CVE-a"])
    assert not conclude(chains=[entry], exposure=[closed]).windows


def test_a_hole_whose_success_no_log_shows_stays_open_to_question():
    dark = chain("dark-hole", success_logs=[], not_visible_because="Only memory shows it.")
    made = conclude(chains=[chain(), dark], exposure=[exposed(), exposed(cve="CVE-dark-hole")])
    assert (made.conclusion, made.coverage) == ("inconclusive", "insufficient")
    assert "Only memory shows it" in made.windows[1].text
    assert any("Only memory shows it" in gap.text for gap in made.gaps)


def test_a_hole_that_only_the_configuration_closes_is_still_asked_about():
    days = dict.fromkeys(DAYS, "full") | {DAYS[4]: "none"}
    made = conclude(exposure=[exposed("needs-config-check")], coverage=[read(days=days)])
    assert made.conclusion == "inconclusive" and made.windows


def test_a_chain_without_known_use_opens_no_window():
    assert conclude(chains=[chain(first_known_use=None)]).windows == []


def test_without_windows_each_asked_day_must_have_been_read():
    patched = [exposed("patched")]
    gone = {d: "full" for d in DAYS if d != DAYS[4]}
    assert conclude(exposure=patched, coverage=[read(days=gone)]).conclusion == "inconclusive"
    assert conclude(exposure=patched, until=date(2021, 3, 12)).conclusion == "inconclusive"
    after = conclude(exposure=patched, since=date(2022, 1, 1))
    assert (after.conclusion, after.coverage) == ("inconclusive", "insufficient")


def test_days_asked_about_past_the_evidence_were_not_read():
    made = conclude(until=date(2021, 3, 12))
    assert made.conclusion == "inconclusive"
    assert any("Nothing was read from 2021-03-11 to 2021-03-12" in gap.text for gap in made.gaps)


def test_when_nothing_was_read_nothing_comforting_is_said():
    for coverage in ([], [read(days={}, state="absent")], [read(days={}, state="failed")]):
        for exposure in ([exposed()], [exposed("patched")], []):
            for until in (None, LAST):
                made = conclude(coverage=coverage, exposure=exposure, until=until)
                assert (made.conclusion, made.coverage) == ("inconclusive", "insufficient")


def test_attempts_on_a_patched_build_are_called_background():
    made = conclude(findings=[ATTEMPT], exposure=[exposed("patched")])
    (text,) = [r.text for r in made.reasons if "F9" in r.finding_ids]
    assert "patched on those days" in text and "background" in text
    made = conclude(findings=[ATTEMPT])
    assert not any("background" in reason.text for reason in made.reasons)


# --- words ---------------------------------------------------------------------------------


def _all_text(made: Verdict) -> str:
    parts = [
        made.summary,
        *made.would_change,
        *(r.text for r in made.reasons),
        *(g.text for g in made.gaps),
    ]
    return " ".join([*parts, *(w.text for w in made.windows)])


def _every_conclusion() -> dict[str, Verdict]:
    story = Story(host="EX01", backdoors=[shell("F1")])
    return {
        "compromised": conclude(findings=[finding()], story=story),
        "exploited": conclude(findings=[finding()]),
        "suspicious": conclude(findings=[finding(level="medium")]),
        "attempted": conclude(findings=[ATTEMPT]),
        "inconclusive": conclude(since=None),
        "no-evidence-found": conclude(),
    }


def test_no_verdict_promises_anything():
    for name, made in _every_conclusion().items():
        assert made.conclusion == name
        assert not re.search(r"\b(clean|safe|secure|guarantee)", _all_text(made), re.IGNORECASE), (
            name
        )
        assert made.would_change and made.reasons, name


def test_the_summary_is_three_sentences():
    for name, made in _every_conclusion().items():
        plain = made.summary.replace("/owa/auth/x.aspx", "page")
        assert len(re.findall(r"\.(?: |$)", plain)) == 3, (name, made.summary)


def test_evidence_in_sentences_is_bounded_and_disarmed():
    evil = "/x\x1b[31m\u202e\r\n" + "A" * 5000
    story = Story(host="EX01", backdoors=[shell("F1", path=evil)])
    made = conclude(findings=[finding(title=evil)], story=story)
    text = _all_text(made)
    assert not re.search(r"[\x00-\x1f\x7f\u202e]", text)
    assert "A" * 121 not in text


# --- laws ----------------------------------------------------------------------------------

_FINDINGS = st.builds(
    finding,
    st.integers(1, 5).map(lambda n: f"F{n}"),
    level=st.sampled_from(["informational", "low", "medium", "medium", "high", "high", "critical"]),
    grade=st.sampled_from(["attempt", "success", "success", "success", "use"]),
    chain=st.sampled_from(["first-hole", "dark-hole", None]),
    behaviour=st.sampled_from(["P01", "P13", None]),
    log=st.sampled_from(["iis-w3c", "exchange-httpproxy", ""]),
)
_SOME = st.lists(_FINDINGS, max_size=4, unique_by=lambda f: f.id)
_WEAK = _SOME.map(lambda found: [msgspec.structs.replace(f, grade="attempt") for f in found])
_STORIES = st.lists(st.integers(1, 5).map(lambda n: f"F{n}"), max_size=3).map(
    lambda ids: Story(host="EX01", backdoors=[shell(*ids)] if len(ids) > 1 else [])
)
# Complete logs with a few damaged days: wholly random days would hardly ever give comfort.
_LOSSES = st.dictionaries(st.sampled_from(DAYS), st.sampled_from(["part", "none"]), max_size=2)
_COVERAGE = st.lists(
    st.builds(
        read,
        st.sampled_from(["iis-w3c", "exchange-httpproxy", "exchange-ecp-server"]),
        _LOSSES.map(lambda lost: dict.fromkeys(DAYS, "full") | lost),
    ),
    max_size=3,
    unique_by=lambda c: c.log,
)
_EXPOSURE = st.lists(
    st.builds(
        exposed,
        st.sampled_from(
            ["vulnerable", "patched", "not-affected", "presumed-vulnerable", "needs-config-check"]
        ),
        st.sampled_from([None, *DAYS]),
        st.sampled_from([None, *DAYS]),
        st.sampled_from(["CVE-first-hole", "CVE-dark-hole"]),
    ),
    max_size=4,
)
_CHAINS = st.sampled_from([[chain()], [chain(), chain("dark-hole", success_logs=[])], []])
_SINCE = st.sampled_from([None, FIRST, date(2021, 3, 4)])
_RANK = {word: CONCLUSIONS.index(word) for word in UPPER}
_ARGUMENTS = {
    "story": _STORIES,
    "coverage": _COVERAGE,
    "exposure": _EXPOSURE,
    "chains": _CHAINS,
    "since": _SINCE,
}


# Questions that better logs could answer: elsewhere nearly every case is beyond rescue.
_ANSWERABLE = {
    "chains": st.just([chain()]),
    "since": st.sampled_from([FIRST, date(2021, 3, 4)]),
    "exposure": st.sampled_from(
        [[], [exposed()], [exposed(end=DAYS[7]), exposed("patched", DAYS[8])]]
    ),
}


@settings(max_examples=150, deadline=None)
@given(_SOME, _SOME, st.fixed_dictionaries(_ARGUMENTS))
def test_adding_findings_never_lowers_an_upper_conclusion(
    few: list[Finding], more: list[Finding], rest: dict[str, Any]
):
    before = conclude(findings=few, **rest)
    assume(before.conclusion in UPPER)
    ids = {f.id for f in few}
    after = conclude(findings=[*few, *(f for f in more if f.id not in ids)], **rest)
    assert after.conclusion in UPPER and _RANK[after.conclusion] >= _RANK[before.conclusion]


@settings(max_examples=200, deadline=None)
@given(
    _WEAK,
    st.fixed_dictionaries(_ARGUMENTS | _ANSWERABLE),
    st.lists(
        st.tuples(
            st.integers(0, 2), st.sampled_from(DAYS), st.sampled_from(["part", "none", "gone"])
        ),
        max_size=8,
    ),
    st.sampled_from(["9", *DAYS]),
    st.sampled_from([LAST, date(2021, 3, 12)]),
)
def test_removing_coverage_never_turns_the_open_question_into_comfort(
    findings: list[Finding],
    rest: dict[str, Any],
    losses: list[tuple[int, str, str]],
    cut: str,
    until: date,
):
    before = conclude(findings=findings, until=until, **rest)
    assume(before.conclusion == "inconclusive")
    # An intruder's way of deleting: everything from some day on.
    less = [{d: s for d, s in c.days.items() if d < cut} for c in rest["coverage"]]
    for at, day, state in losses:
        if at < len(less) and state == "gone":
            less[at].pop(day, None)
        elif at < len(less) and less[at].get(day, "none") != "none":
            less[at][day] = state
    coverage = [read(c.log, days) for c, days in zip(rest["coverage"], less, strict=True)]
    after = conclude(findings=findings, until=until, **(rest | {"coverage": coverage}))
    assert after.conclusion == "inconclusive"


@settings(max_examples=150, deadline=None)
@given(_WEAK, st.fixed_dictionaries(_ARGUMENTS), st.sampled_from([None, LAST]))
def test_silence_is_good_news_only_about_evidence_that_was_read(
    findings: list[Finding], rest: dict[str, Any], until: date | None
):
    made = conclude(findings=findings, until=until, **rest)
    if made.conclusion not in COMFORT:
        return
    full = {c.log: {d for d, s in c.days.items() if s == "full"} for c in rest["coverage"]}
    assert any(full.values())
    for window in made.windows:
        (spec,) = [s for s in rest["chains"] if s.chain == window.chain]
        closed = [
            e
            for e in rest["exposure"]
            if e.cve in spec.cves and e.state in ("patched", "not-affected")
        ]
        for day in (d for d in DAYS if (window.from_ or "") <= d <= (window.to or "")):
            is_read = any(all(day in full.get(x, ()) for x in group) for group in spec.success_logs)
            is_closed = any((e.from_ or "") <= day <= (e.to or "9") for e in closed)
            assert is_read or is_closed


@settings(max_examples=150, deadline=None)
@given(_SOME, st.fixed_dictionaries(_ARGUMENTS))
def test_attempts_never_give_an_upper_conclusion(findings: list[Finding], rest: dict[str, Any]):
    tried = [msgspec.structs.replace(f, grade="attempt") for f in findings]
    assert conclude(findings=tried, **rest).conclusion not in UPPER


@settings(max_examples=100, deadline=None)
@given(_SOME, _SOME, st.fixed_dictionaries(_ARGUMENTS))
def test_low_findings_never_lead_up(few: list[Finding], more: list[Finding], rest: dict[str, Any]):
    before = conclude(findings=few, **rest)
    ids = {f.id for f in few}
    low = [msgspec.structs.replace(f, level="low") for f in more if f.id not in ids]
    after = conclude(findings=[*few, *low], **rest)
    assert (after.conclusion in UPPER) == (before.conclusion in UPPER)
    if before.conclusion in UPPER:
        assert after.conclusion == before.conclusion


# --- the collection ------------------------------------------------------------------------


def test_the_strongest_host_speaks_for_the_collection_and_names_the_others():
    every = _every_conclusion()
    made = strongest(
        [
            ("EX01", every["no-evidence-found"]),
            ("EX02", every["exploited"]),
            ("EX03", every["inconclusive"]),
        ]
    )
    assert made.conclusion == "exploited"
    assert made.coverage == "insufficient"
    assert any("EX03" in reason.text for reason in made.reasons)
    assert every["exploited"].coverage == "sufficient"  # the host's own document is not changed


def test_a_collection_without_servers_is_no_comfort():
    made = strongest([])
    assert (made.conclusion, made.coverage, made.confidence) == (
        "inconclusive",
        "insufficient",
        "low",
    )
