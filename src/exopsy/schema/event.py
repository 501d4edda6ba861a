"""Records of event logs between reading and matching: JSON text that nobody has decoded yet."""

from __future__ import annotations

import msgspec

EVENT_LOG = "windows-event"
"""``log`` of the rows of event logs. Their keywords are looked for in the values, not in the text."""


class EventBatch(msgspec.Struct, kw_only=True):
    """Consecutive records of one artifact; the three lists run in step."""

    texts: list[str]
    """One JSON text a record, as the exporter or the library wrote it; no line end inside."""
    numbers: list[int]
    """``EventRecordID`` where the reader knows it without decoding, else the number of the line."""
    offsets: list[int]
    """Where to look for the record in the artifact: of an ``.evtx`` the start of its 64 KiB chunk,
    of a text the start of its line."""
