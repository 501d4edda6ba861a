from __future__ import annotations

from datetime import UTC, datetime

from exopsy.pipeline.losses import note_losses, tell_losses
from exopsy.schema.artifact import ArtifactFacts, ArtifactState, ByteClasses

WHEN = datetime(2021, 3, 1, tzinfo=UTC)


def artifact(
    path: str, classes: ByteClasses, *, state: ArtifactState = "read", timed: bool = False
) -> ArtifactFacts:
    return ArtifactFacts(
        path=path,
        kind="iis-w3c",
        host="EX01",
        size=classes.total(),
        sha256=None,
        state=state,
        classes=classes,
        spans=[(WHEN, WHEN)] if timed else [],
    )


def test_a_log_that_gave_nothing_has_failed() -> None:
    nul = artifact("W3SVC1/u_ex210301.log", ByteClasses(nul=9))
    no_header = artifact("W3SVC1/u_ex210302.log", ByteClasses(records=9))
    note_losses([nul, no_header])
    assert (nul.state, no_header.state) == ("failed", "failed")
    assert "NUL" in nul.why
    assert "header" in no_header.why


def test_a_quiet_or_a_partly_damaged_log_has_not_failed() -> None:
    only_header = artifact("W3SVC1/u_ex210301.log", ByteClasses(headers=9))
    damaged = artifact("W3SVC1/u_ex210302.log", ByteClasses(records=9, nul=9), timed=True)
    note_losses([only_header, damaged])
    assert [f.state for f in (only_header, damaged)] == ["read", "read"]
    assert tell_losses([only_header, damaged]) == []


def test_only_what_is_named_like_a_log_is_missed() -> None:
    log = artifact("W3SVC1/u_ex210301.log", ByteClasses(unread=9), state="not-evidence")
    empty = artifact("W3SVC1/u_ex210302.log", ByteClasses(), state="not-evidence")
    other = artifact("notes.txt", ByteClasses(unread=9), state="not-evidence")
    note_losses([log, empty, other])
    assert "UTF-16" in log.why
    assert "empty" in empty.why
    assert other.why == ""


def test_many_of_a_kind_are_named_in_part() -> None:
    many = [artifact(f"W3SVC1/u_ex2103{n:02}.log", ByteClasses(nul=9)) for n in range(1, 9)]
    note_losses(many)
    told = tell_losses(many)
    assert len(told) == 6
    assert told[-1].endswith("the same is true of 3 more artifacts.")


def test_a_file_that_is_no_log_needs_neither_header_nor_times() -> None:
    page = artifact("C/inetpub/wwwroot/x.aspx", ByteClasses(records=9))
    page.kind = "web-page"
    note_losses([page])
    assert (page.state, page.why) == ("read", "")
