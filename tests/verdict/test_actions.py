from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exopsy.core.content import CONTENT
from exopsy.core.errors import ContentError
from exopsy.schema.case import Backdoor, Chain, Exposure, Finding, Gap, Operator, Verdict, Window
from exopsy.schema.chain import ChainSpec
from exopsy.schema.story import Story
from exopsy.verdict.actions import load_actions, recommend

ACTIONS = load_actions(CONTENT / "actions")
UPPER = ("compromised", "exploited", "suspicious")
EVERY = (*UPPER, "attempted", "inconclusive", "no-evidence-found")


def verdict(conclusion: str = "compromised", **more: Any) -> Verdict:
    fields = {
        "conclusion": conclusion,
        "coverage": "sufficient",
        "confidence": "high",
        "attempts_seen": False,
        "summary": "s",
    }
    return msgspec.convert(fields | more, Verdict)


def backdoor(kind: str, path: str, *ids: str) -> Backdoor:
    return msgspec.convert(
        {"id": "B1", "key": "k", "kind": kind, "path": path, "finding_ids": ids}, Backdoor
    )


def advise(conclusion: str = "compromised", **more: Any):
    given_: dict[str, Any] = {
        "host": "EX01",
        "verdict": verdict(conclusion),
        "story": Story(host="EX01"),
        "findings": [],
        "exposure": [],
        "chains": [],
        "actions": ACTIONS,
    }
    return recommend(**(given_ | more))


def test_every_conclusion_has_something_to_do_and_a_way_to_see_that_it_worked():
    for conclusion in EVERY:
        made = advise(conclusion)
        assert made, conclusion
        assert [item.order for item in made] == list(range(1, len(made) + 1))
        assert all(item.do and item.why and item.verify for item in made)


def test_the_evidence_is_preserved_before_anything_is_changed():
    for conclusion in UPPER:
        assert "copy its memory" in advise(conclusion)[0].do


def test_each_backdoor_is_named_with_its_findings():
    story = Story(
        host="EX01",
        backdoors=[
            backdoor("web-shell", "/owa/auth/a.aspx", "F1"),
            backdoor("web-shell", "/owa/auth/b.aspx", "F2"),
        ],
    )
    made = [i for i in advise(story=story) if "web shell" in i.do]
    assert [("a.aspx" in i.do, "b.aspx" in i.do, i.finding_ids) for i in made] == [
        (True, False, ["F1"]),
        (False, True, ["F2"]),
    ]


def test_the_address_book_is_reset_without_writing_the_shell_again():
    story = Story(
        host="EX01", backdoors=[backdoor("oab-external-url", "OAB (Default Web Site)", "F1")]
    )
    (item,) = [i for i in advise(story=story) if "offline address book" in i.do]
    assert item.do.index("Clear the external URL") < item.do.index(
        "Set-OabVirtualDirectory with an empty"
    )
    assert "would write the web shell again" in item.why


def test_every_kind_of_backdoor_has_an_action():
    kinds = [k for spec in ACTIONS for k in spec.each_backdoor]
    from typing import get_args

    from exopsy.schema.case import BackdoorKind

    assert sorted(kinds) == sorted(get_args(BackdoorKind))


def test_the_missing_update_is_named_and_only_for_what_is_open_now():
    def exposure(cve: str, state: str, start: str | None) -> Exposure:
        return msgspec.convert(
            {
                "cve": cve,
                "from": start,
                "to": None,
                "state": state,
                "basis": "b",
                "fixed_in": "Product CU1 Mar21SU",
            },
            Exposure,
        )

    history = [
        exposure("CVE-1", "vulnerable", "2021-03-01"),
        exposure("CVE-1", "patched", "2021-03-09"),
    ]
    assert not any("newest security update on" in i.do for i in advise(exposure=history))
    (item,) = [i for i in advise(exposure=history[:1]) if "leaves open" in i.do]
    assert "CVE-1" in item.do and "Mar21SU" in item.do
    unknown = [exposure("CVE-1", "presumed-vulnerable", None)]
    made = advise("inconclusive", exposure=unknown)
    assert any("Read the build" in i.do for i in made) and not any(
        "leaves open" in i.do for i in made
    )


def test_the_hole_that_was_used_is_named_first():
    def made(name: str, grade: str) -> Any:
        spec = {
            "chain": name,
            "name": name,
            "cves": [f"CVE-{name}"],
            "published": "2021-01-01",
            "steps": [],
        }
        told = {"chain": name, "grade": grade, "first_seen": "a", "last_seen": "b"}
        hole = {
            "cve": f"CVE-{name}",
            "from": "2021-03-01",
            "to": None,
            "state": "vulnerable",
            "basis": "b",
            "fixed_in": "SU",
        }
        return (
            msgspec.convert(spec, ChainSpec),
            msgspec.convert(told, Chain),
            msgspec.convert(hole, Exposure),
        )

    specs, told, holes = zip(made("a", "attempt"), made("b", "success"), strict=True)
    story = Story(host="EX01", chains=list(told))
    (item,) = [
        i for i in advise(story=story, chains=specs, exposure=holes) if "leaves open" in i.do
    ]
    assert "CVE-b and CVE-a" in item.do


def test_what_to_collect_names_the_folders():
    gap = msgspec.convert(
        {
            "text": "The IIS request log is missing on 2021-03-03.",
            "log": "iis-w3c",
            "from": None,
            "to": None,
        },
        Gap,
    )
    made = advise("inconclusive", verdict=verdict("inconclusive", gaps=[gap]))
    assert any(r"inetpub\logs\LogFiles" in i.do and "u_ex*.log" in i.do for i in made)


def test_holes_that_no_log_shows_ask_for_the_servers_state():
    spec = msgspec.convert(
        {"chain": "dark", "name": "Dark hole", "cves": [], "published": "2021-01-01", "steps": []},
        ChainSpec,
    )
    window = msgspec.convert(
        {
            "from": None,
            "to": None,
            "chain": "dark",
            "conclusion": "inconclusive",
            "coverage": "insufficient",
            "basis": "none",
        },
        Window,
    )
    made = advise("inconclusive", verdict=verdict("inconclusive", windows=[window]), chains=[spec])
    assert any("Dark hole" in i.do and "web.config" in i.do for i in made)


def test_mailboxes_that_may_have_been_read_are_named_and_the_deadline_prompts_counsel():
    read = msgspec.convert(
        {"id": "F1", "key": "F1", "rule_id": "r", "title": "t", "level": "high", "grade": "use", "host": "EX01",
         "subject": {"ImpersonatedUser": "legal@example.com"}, "first_seen": "a", "last_seen": "b", "count": 1},
        Finding,
    )  # fmt: skip
    made = advise(findings=[read])
    (item,) = [i for i in made if "legal@example.com" in i.do]
    assert item.finding_ids == ["F1"]
    assert any("72 hours" in i.why and "counsel" in i.do for i in made)


def test_evidence_is_disarmed_and_never_read_as_a_template():
    evil = "{host}{gaps}\x1b]0;x\x07\u202e" + "A" * 500
    operator = msgspec.convert(
        {"id": "O1", "key": "k", "addresses": [evil], "first_seen": "a", "last_seen": "b"}, Operator
    )
    story = Story(host="EX01", backdoors=[backdoor("web-shell", evil, "F1")], operators=[operator])
    text = " ".join(i.do + i.why + i.verify for i in advise(story=story))
    assert "{host}{gaps}" in text  # as written in the evidence
    assert not re.search(r"[\x00-\x1f\x7f\u202e]", text) and "A" * 121 not in text


def test_nothing_is_promised():
    for spec in ACTIONS:
        assert not re.search(
            r"\b(clean|safe|secure)", spec.do + spec.why + spec.verify, re.IGNORECASE
        ), spec.id


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- {id: a, order: 1}", "not a list of actions"),
        (
            "- {id: a, order: 1, conclusions: [attempted], do: '{nope}', why: w, verify: v}",
            "don't exist: nope",
        ),
        (
            "- {id: a, order: 1, conclusions: [attempted], do: '{mail}', why: w, verify: v}",
            "without needing it",
        ),
        (
            "- {id: a, order: 1, conclusions: [clean], do: d, why: w, verify: v}",
            "not a list of actions",
        ),
        (
            "- &x {id: a, order: 1, conclusions: [attempted], do: d, why: w, verify: v}\n- *x",
            "two actions",
        ),
    ],
)
def test_unusable_content_is_refused_with_a_reason(tmp_path: Path, text: str, says: str):
    (tmp_path / "a.yml").write_text(text, "utf-8")
    with pytest.raises(ContentError, match=re.escape(says)):
        load_actions(tmp_path)
