from __future__ import annotations

from datetime import UTC, datetime

from exopsy.schema.artifact import ArtifactFacts, ByteClasses
from exopsy.verdict.event_coverage import cover_events


def facts(
    name: str, *days: tuple[int, int], channels: list[str] | None = None, state: str = "read"
) -> ArtifactFacts:
    spans = [
        (datetime(2021, 3, a, 6, tzinfo=UTC), datetime(2021, 3, b, 18, tzinfo=UTC)) for a, b in days
    ]
    return ArtifactFacts(
        path=name,
        kind="evtx",
        host="EX01",
        size=10,
        sha256="0",
        state=state,  # type: ignore[arg-type]
        classes=ByteClasses(records=7, nul=3),
        lines=5,
        spans=spans,
        channels=["Security"] if channels is None else channels,
    )


def test_silence_between_records_is_no_hole() -> None:
    (security,) = cover_events([facts("a.evtx", (1, 1), (4, 4))])
    assert security.log == "windows-event: Security"
    assert security.days == {
        "2021-03-01": "part",
        "2021-03-02": "full",
        "2021-03-03": "full",
        "2021-03-04": "part",
    }
    assert (security.state, security.gaps) == ("read", [])


def test_a_missing_archive_is_a_gap() -> None:
    (security,) = cover_events([facts("b.evtx", (6, 8)), facts("a.evtx", (1, 3))])
    assert security.days["2021-03-02"] == "full"
    assert security.days["2021-03-05"] == "none"
    assert [(g.from_, g.to) for g in security.gaps] == [
        ("2021-03-03T18:00:00Z", "2021-03-06T06:00:00Z")
    ]


def test_losses_leave_no_day_full() -> None:
    (security,) = cover_events([facts("a.evtx", (1, 4), state="partial")])
    assert set(security.days.values()) == {"part"}
    assert security.state == "partial"


def test_each_channel_speaks_for_itself_and_bytes_add_up() -> None:
    made = cover_events(
        [
            facts("a.evtx", (1, 2)),
            facts("c.evtx", (1, 2), channels=["Sys\u202etem"]),
            facts("d.evtx", (1, 2), channels=["A", "B"]),
            facts("e.evtx", channels=[]),
        ]
    )
    assert [c.log for c in made] == [
        "windows-event",
        "windows-event: Security",
        "windows-event: Sys?tem",
        "windows-event: several channels",
    ]
    assert all(sum(c.classes.values()) == c.bytes for c in made)
    assert made[0].days == {}


def test_forged_times_do_not_make_a_day_each() -> None:
    forged = facts("a.evtx", (1, 1))
    forged.spans.append((datetime(1601, 1, 1, tzinfo=UTC), datetime(1601, 1, 1, tzinfo=UTC)))
    (security,) = cover_events([forged])
    assert list(security.days) == ["1601-01-01", "2021-03-01"]
