r"""Emergency mitigation service log -> one row a mitigation that was looked at or applied.

Reference: https://learn.microsoft.com/exchange/exchange-emergency-mitigation-service (log folder
``V15\Logging\MitigationService``); columns by the header.
"""

from __future__ import annotations

from exopsy.evidence.exchange_csv import CsvFormat
from exopsy.evidence.recognition import recogniser

_FORMAT = CsvFormat("exchange-mitigation")
recognise = recogniser("exchange-mitigation")
is_header = _FORMAT.is_header
read_header = _FORMAT.read_header
parse_record = _FORMAT.parse_record
parse = _FORMAT.parse
