"""What the tree of processes adds to the story."""

from __future__ import annotations

from exopsy.schema.process import ProcessTie

EVENTS = "windows-event"


def tie(later, earlier, *, by_guid=True):
    return ProcessTie(
        artifact=later.artifact,
        offset=later.offset,
        from_artifact=earlier.artifact,
        from_offset=earlier.offset,
        by_guid=by_guid,
    )


def told(lab, ties):
    """A shell is used; that starts something at once, which does something an hour later."""
    request = lab.hit(0, "192.0.2.7", rule="shell", grade="use")
    started = lab.row(0.01, "", "mailrule", "use", log=EVENTS, artifact="e", what="cmd.exe")
    later = lab.row(60, "", "door", "success", log=EVENTS, artifact="e", what="x.exe")
    other = lab.row(61, "", "door", "success", log=EVENTS, artifact="e", what="y.exe")
    findings = [
        lab.used(0),
        lab.finding("mailrule", "use", 0.01, number=2, log=EVENTS, subject={"Image": "cmd.exe"}),
        lab.finding("door", "success", 60, number=3, log=EVENTS, subject={"Image": "x.exe"}),
        lab.finding("door", "success", 61, number=4, log=EVENTS, subject={"Image": "y.exe"}),
    ]
    rows = [request, started, later, other]
    return lab.story(findings, rows, ties=ties(started, later, other))


def tree_of(story):
    return [(j.a, j.b, j.strength) for j in story.joins if j.by == "process-tree"]


def owners(story):
    return {a.finding_id: o.addresses for o in story.operators for a in o.actions}


def test_without_a_tree_nothing_of_one_log_is_joined(lab):
    story = told(lab, lambda *rows: [])
    assert tree_of(story) == []
    assert owners(story)["F2"] == ["192.0.2.7"]
    assert owners(story)["F3"] == []


def test_what_a_known_process_did_is_joined_to_it_and_its_owner_s(lab):
    story = told(lab, lambda started, later, other: [tie(later, started)])
    assert tree_of(story) == [("F2", "F3", "strong")]
    assert owners(story)["F3"] == ["192.0.2.7"]
    assert owners(story)["F4"] == []


def test_a_link_by_number_is_weak_and_one_by_id_beats_it(lab):
    story = told(lab, lambda started, later, other: [tie(later, started, by_guid=False)])
    assert tree_of(story) == [("F2", "F3", "weak")]
    story = told(
        lab,
        lambda started, later, other: [tie(other, later, by_guid=False), tie(other, started)],
    )
    assert tree_of(story) == [("F2", "F4", "strong")]


def test_what_hangs_on_nobody_s_hangs_together(lab):
    started = lab.row(0, "", "mailrule", "use", log=EVENTS, artifact="e", user="a", what="p")
    later = lab.row(60, "", "door", "success", log=EVENTS, artifact="e", what="q")
    findings = [
        lab.finding("mailrule", "use", 0, number=1, log=EVENTS),
        lab.finding("door", "success", 60, number=2, log=EVENTS),
    ]
    apart = lab.story(findings, [started, later])
    (one,) = lab.story(findings, [started, later], ties=[tie(later, started)]).operators
    assert len(apart.operators) == 2
    assert one.accounts == ["a"]


def test_ties_of_rows_that_are_not_there_or_the_wrong_way_round_say_nothing(lab):
    story = told(lab, lambda started, later, other: [tie(started, later)])
    assert tree_of(story) == []
    lost = ProcessTie(artifact="x", offset=1, from_artifact="x", from_offset=2, by_guid=True)
    assert tree_of(told(lab, lambda *rows: [lost])) == []
