"""First bytes and path of an artifact -> whether it is an event log, and of which kind."""

from __future__ import annotations

import io

from exopsy.evidence.events.chunk import CHUNK_MAGIC, FILE_MAGIC, SECTOR
from exopsy.evidence.events.flatten import flatten
from exopsy.evidence.events.json_log import read_json_events
from exopsy.schema.event import EventLogFacts
from exopsy.schema.row import Row

HEAD_BYTES = 1 << 16
_TRIED = 5
"""Objects that are looked at: the first may be damaged."""


def name_of(head: bytes, path: str) -> str | None:
    """Return ``evtx``, ``event-json`` or None.

    An export is known by its objects, whatever it is called. A file named ``.evtx`` whose beginning
    is damaged is one if a chunk stands in its first bytes, or if it is no text at all: it must not
    pass for something that nobody needed.
    """
    head = head[:HEAD_BYTES]
    if head.startswith((FILE_MAGIC, CHUNK_MAGIC)):
        return "evtx"
    if _holds_events(head):
        return "event-json"
    if head and path.lower().endswith(".evtx"):
        starts = (head.startswith(CHUNK_MAGIC, at) for at in range(0, len(head), SECTOR))
        if any(starts) or b"\0" in head[:512]:
            return "evtx"
    return None


def _holds_events(head: bytes) -> bool:
    """Say whether one of the first objects says a number, and where the event is from."""
    first = head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1]
    if first not in (b"{", b"["):
        return False
    tried = 0
    for batch in read_json_events(io.BytesIO(head), EventLogFacts()):
        for text in batch.texts[:_TRIED]:
            row = flatten(text, artifact="", host="", offset=0, number=0)
            if isinstance(row, Row) and "EventID" in row.fields:
                return "Channel" in row.fields or "Provider_Name" in row.fields
            tried += 1
            if tried == _TRIED:
                return False
    return False
