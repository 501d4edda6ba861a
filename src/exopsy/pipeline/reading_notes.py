"""What had to be chosen in reading event logs (``Row.notes``) -> sentences for the analyst."""

from __future__ import annotations

from collections.abc import Iterable

from exopsy.evidence.events import notes
from exopsy.schema.artifact import ArtifactFacts

_NAMED = 5
"""Artifacts with the same note that are named; the rest is counted."""
_WORDS = {
    notes.TIME_FROM_UTC_TIME: (
        "carry a time that is not the UTC time which the event states of itself, as local time "
        "marked as UTC would be; the event's own was taken where it has one, and where it has none "
        "times of this export may be off"
    ),
    notes.TIME_FROM_TIMESTAMP: (
        "carry local time, by its distance from the exporter's own stamp, which was taken instead"
    ),
    notes.TIME_ZONE_ASSUMED: (
        "carry a time without a zone, which was read as UTC; if the export holds local time, the "
        "times of all its records are off by that zone: export again in UTC, or copy the .evtx"
    ),
    notes.CUT: "have more or longer values than are looked at; what is beyond was left out",
    notes.REPEATED_KEYS: "say one name twice, as no exporter does; all the values were kept",
    notes.INCOMPLETE: "are a script of which some parts are not in the log",
}
_NAMES_LOST = (
    "The export kept the values of events without their names (of {count} of {looked} records "
    "looked at), so that rules which ask for a field find nothing there: its silence says nothing. "
    "Copy the .evtx, or export the events' XML."
)


def why_in_part(facts: ArtifactFacts) -> str:
    """Return why an event log that was read to its end was read in part only; "" if it was not."""
    count = facts.notes.get(notes.NAMES_LOST, 0)
    return _NAMES_LOST.format(count=count, looked=facts.looked) if count else ""


def tell_notes(artifacts: Iterable[ArtifactFacts]) -> list[str]:
    """Return a sentence for each artifact and note; of many with one note some are named."""
    noted = sorted((a for a in artifacts if a.notes), key=lambda a: a.path)
    told = []
    for word, text in _WORDS.items():
        found = [facts for facts in noted if word in facts.notes]
        told += [
            f"{a.path}: of the {a.looked} records looked at closely, {a.notes[word]} {text}."
            for a in found[:_NAMED]
        ]
        if len(found) > _NAMED:
            more = len(found) - _NAMED
            told.append(f"{found[_NAMED - 1].path}: the same is true of {more} more artifacts.")
    return told
