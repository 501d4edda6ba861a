"""The JSON text of one event -> a ``Row`` with Sigma's field names, whatever exporter wrote it.

What the fields are called is decision 10; what happens to data with names of the system part is
``field_bag``; which time is taken is ``event_time``; the shapes are ``shapes``.
"""

from __future__ import annotations

from exopsy.core.limits import Limits
from exopsy.evidence.events.cmdlets import name_cmdlet
from exopsy.evidence.events.field_bag import FieldBag
from exopsy.evidence.events.json_object import read_object
from exopsy.evidence.events.notes import NO_EVENT, REPEATED_KEYS, TOO_LONG
from exopsy.evidence.events.shapes import shape_of, time_of, unwrapped
from exopsy.evidence.events.usual import UsualEvent, read_usual
from exopsy.schema.event import EVENT_LOG
from exopsy.schema.row import Origin, Row, Skipped

_MOST = Limits().record_bytes


def flatten(
    text: str,
    *,
    artifact: str,
    host: str,
    offset: int,
    number: int,
    usual: UsualEvent | None = None,
) -> Row | Skipped:
    """Turn the JSON text of one event into a row. Never raises.

    Args:
        text: one JSON object; a pretty-printed one too.
        artifact: path of the artifact inside the collection.
        host: the collection's name of the server.
        offset: where to look for the record in the artifact.
        number: ``EventRecordID``, or the number of the line.
        usual: what ``read_usual`` says of the text, if somebody has asked already.

    Returns:
        A row, or why there is none: ``json``, ``depth``, ``no-event`` or ``too-long``.
    """
    origin = Origin(artifact=artifact, offset=offset, line=number)
    if len(text) > _MOST:
        return Skipped(reason=TOO_LONG, origin=origin)
    if usual is None:
        usual = read_usual(text)
        if usual is None:
            return flatten_plainly(text, origin, host)
    return Row(
        log=EVENT_LOG,
        host=host,
        timestamp=usual.moment,
        fields=usual.fields(),
        origin=origin,
        raw=usual.raw,
    )


def flatten_plainly(text: str, origin: Origin, host: str = "") -> Row | Skipped:
    """Turn the text into a row whatever its layout: the definition."""
    raw = text.encode("utf-8", "backslashreplace")
    found = read_object(raw)
    if isinstance(found, str):
        return Skipped(reason=found, origin=origin)
    doc, repeated = found
    shape = shape_of(doc)
    if shape is None:
        doc = unwrapped(doc)
        shape = shape_of(doc)
        if shape is None:
            return Skipped(reason=NO_EVENT, origin=origin)
    bag = FieldBag()
    if repeated:
        bag.note(REPEATED_KEYS)
    times = shape(doc, bag)
    if "EventID" not in bag.fields and "Channel" not in bag.fields:
        return Skipped(reason=NO_EVENT, origin=origin)
    if bag.items:
        name_cmdlet(bag)
    timestamp = time_of(times, bag)
    fields, many = bag.finish()
    return Row(
        log=EVENT_LOG,
        host=host,
        timestamp=timestamp,
        fields=fields,
        many=many,
        notes=tuple(bag.notes),
        origin=origin,
        raw=raw,
    )
