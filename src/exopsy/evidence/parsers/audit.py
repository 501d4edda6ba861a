"""Audit log of the local queue (``audit20210303-1.LOG``) -> one row an audited action.

Reference: https://learn.microsoft.com/office/office-365-management-api/office-365-management-activity-api-schema
(``Data`` holds one such document as JSON) and the sample line in
https://github.com/Qazeer/artefacts.help (CC0).
"""

from __future__ import annotations

import json
from typing import Any

from exopsy.evidence.exchange_csv import CsvFormat
from exopsy.evidence.recognition import recogniser

_PLAIN = ("ObjectId", "UserId", "ClientIP", "LogonType")
_BETWEEN = "\u204f"


def _derive(fields: dict[str, str]) -> None:
    """Take the actor, the object and the parameters out of the JSON; damaged JSON gives none."""
    document = _read(fields.get("Data", ""))
    if not isinstance(document, dict):
        return
    for name in _PLAIN:
        if (value := _text(document.get(name))) is not None:
            fields[name] = value
    # "Parameters":[{"Name":"Identity","Value":"..."},...]
    parameters = document.get("Parameters")
    for pair in parameters if isinstance(parameters, list) else ():
        if isinstance(pair, dict) and isinstance(key := pair.get("Name"), str):
            value = _text(pair.get("Value"))
            if value is not None:
                fields[f"Parameters.{key}"] = value


def _read(text: str) -> Any:  # noqa: ANN401 - JSON can hold anything; the caller looks
    """Decode JSON; numbers stay as they are written."""
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None


def _text(value: object) -> str | None:
    """Return a JSON value as the text of a field; None for null, objects and what is empty.

    Values of a list are put together with a sign that no rule can span.
    """
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, str):
        return value or None
    if isinstance(value, list):
        texts = (_text(item) for item in value if not isinstance(item, list))
        return _BETWEEN.join(text for text in texts if text) or None
    return None


_FORMAT = CsvFormat("exchange-audit", derive=_derive)
recognise = recogniser("exchange-audit")
is_header = _FORMAT.is_header
read_header = _FORMAT.read_header
parse_record = _FORMAT.parse_record
parse = _FORMAT.parse
