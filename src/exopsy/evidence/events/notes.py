"""What is said of a record beside its fields: words of ``Row.notes`` and reasons of ``Skipped``."""

from __future__ import annotations

TIME_FROM_UTC_TIME = "time-from-utc-time"
"""The exporter's time was more than a minute off the event's own ``UtcTime``, which was taken."""
TIME_FROM_TIMESTAMP = "time-from-timestamp"
"""The exporter's time is local time by its distance from ``@timestamp``, which was taken."""
TIME_ZONE_ASSUMED = "time-zone-assumed"
"""The time names no zone and nothing in the record confirms one; it was read as UTC."""
NAMES_LOST = "names-lost"
"""The exporter kept the values of the event's data without their names: they are in ``Data``."""
CUT = "cut"
"""Fields past ``Limits.event_fields``, ``event_depth`` or ``event_value`` were left out."""
REPEATED_KEYS = "repeated-keys"
"""The JSON text has an object that says one name twice; all its values were kept."""
INCOMPLETE = "incomplete"
"""A text logged in several parts, of which not all were found."""

NOT_JSON = "json"
TOO_DEEP = "depth"
NO_EVENT = "no-event"
"""JSON, but no event of a shape that is known."""
TOO_LONG = "too-long"
