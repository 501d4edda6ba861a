from __future__ import annotations

import logging

import pytest

from exopsy.pipeline.stage import guarded
from exopsy.schema.artifact import ArtifactFacts
from exopsy.sources.byte_stream import ChunkStream, Stream
from exopsy.sources.member import Member


def _never() -> Stream:
    raise OSError("gone")


MEMBER = Member("logs/a.log", 7, None, _never)


def _raise(error: BaseException) -> ArtifactFacts:
    raise error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(5, "Input/output error"), "Input/output error"),
        (OSError("torn"), "torn"),
        (MemoryError(), "not enough memory"),
        (ValueError("ours"), "A defect of ours"),
        (RecursionError(), "A defect of ours"),
    ],
)
def test_a_lost_artifact_is_a_state_and_no_crash(
    error: BaseException, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL + 1):
        facts = guarded(lambda _: _raise(error), MEMBER)
    assert (facts.path, facts.state, facts.size, facts.sha256) == ("logs/a.log", "failed", 7, None)
    assert words in facts.why


def test_only_defects_are_logged_with_their_trace(caplog: pytest.LogCaptureFixture) -> None:
    guarded(lambda _: _raise(OSError("torn")), MEMBER)
    assert caplog.records == []
    guarded(lambda _: _raise(KeyError("x")), MEMBER)
    (record,) = caplog.records
    assert record.exc_info is not None
    assert "logs/a.log" in record.getMessage()


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_who_stops_the_run_stops_it(stop: type[BaseException]) -> None:
    with pytest.raises(stop):
        guarded(lambda _: _raise(stop()), MEMBER)


def test_what_went_well_is_passed_on() -> None:
    facts = ArtifactFacts(path="a", kind="", host="", size=0, sha256=None, state="read")
    assert guarded(lambda _: facts, MEMBER) is facts


def test_a_lost_artifact_keeps_its_kind() -> None:
    """Which log is missing decides what may be said."""
    iis = b"#Software: Microsoft Internet Information Services 10.0\r\n"
    iis += b"#Fields: date time cs-method cs-uri-stem sc-status\r\n"
    member = Member("renamed.bin", len(iis), None, lambda: ChunkStream(iter([iis])))
    assert guarded(lambda _: _raise(KeyError("x")), member).kind == "iis-w3c"
    assert guarded(lambda _: _raise(KeyError("x")), MEMBER).kind == ""
