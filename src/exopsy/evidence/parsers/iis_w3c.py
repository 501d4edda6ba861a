"""IIS request log (``u_ex210303.log``) -> one row a request.

Reference: https://learn.microsoft.com/iis/configuration/system.applicationhost/sites/site/logfile/
and plaso's ``iis`` parser (issue 3529: raw spaces in queries of Exchange servers).
"""

from __future__ import annotations

import re

from exopsy.evidence.recognition import recogniser
from exopsy.evidence.w3c import W3cFormat

# ...&CorrelationID=<empty>;&cafeReqId=6c6f1f27-3d2c-4c92-bb0f-7d7a9d1e2b55;&encoding=;
_CAFE = re.compile(r"cafeReqId=([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})")

_FULL = tuple(
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs-user-agent "
    "cs-referer sc-status sc-substatus sc-win32-status time-taken".split()
)
_WITHOUT_REFERER = tuple(name for name in _FULL if name != "cs-referer")


def _derive(fields: dict[str, str]) -> None:
    """Take the front end's request id out of the query; the same id stands in HttpProxy logs."""
    query = fields.get("cs-uri-query")
    if query is not None and "cafeReqId=" in query and (found := _CAFE.search(query)):
        fields["cafeReqId"] = found[1].lower()


_FORMAT = W3cFormat("iis-w3c", guesses=(_FULL, _WITHOUT_REFERER), derive=_derive)
recognise = recogniser("iis-w3c")
is_header = _FORMAT.is_header
read_header = _FORMAT.read_header
parse_record = _FORMAT.parse_record
parse = _FORMAT.parse
