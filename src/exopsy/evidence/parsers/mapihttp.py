r"""MAPI over HTTP back-end log -> one row a request.

Reference: https://learn.microsoft.com/exchange/clients/mapi-over-http (``Logging\MAPI Client Access``,
``Logging\MapiHttp``); columns by the header.
"""

from __future__ import annotations

from exopsy.evidence.exchange_csv import CsvFormat
from exopsy.evidence.recognition import recogniser

_FORMAT = CsvFormat("exchange-mapihttp")
recognise = recogniser("exchange-mapihttp")
is_header = _FORMAT.is_header
read_header = _FORMAT.read_header
parse_record = _FORMAT.parse_record
parse = _FORMAT.parse
