"""Exchange Control Panel activity log (``ECPActivity_11500_20210303-1.LOG``) -> one row a request.

Reference: sample lines in https://github.com/Qazeer/artefacts.help (CC0). ``EventData`` is a bag of
``S:key=value;`` pairs, ``PSA`` the user, ``URL`` the page.
"""

from __future__ import annotations

from exopsy.evidence.bag import explode_into
from exopsy.evidence.exchange_csv import CsvFormat
from exopsy.evidence.recognition import recogniser
from exopsy.schema.columns import COLUMNS

_DERIVED = frozenset(COLUMNS["exchange-ecp-activity"].derived)


def _derive(fields: dict[str, str]) -> None:
    """Take the known pairs out of the bag."""
    explode_into(fields, "EventData", _DERIVED)


_FORMAT = CsvFormat("exchange-ecp-activity", derive=_derive)
recognise = recogniser("exchange-ecp-activity")
is_header = _FORMAT.is_header
read_header = _FORMAT.read_header
parse_record = _FORMAT.parse_record
parse = _FORMAT.parse
