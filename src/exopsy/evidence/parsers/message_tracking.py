"""Message tracking log (``MSGTRK2021030304-1.LOG``) -> one row a mail event.

Reference: https://learn.microsoft.com/exchange/mail-flow/transport-logs/message-tracking: 30 columns from
2016 on, 27 in 2013, fewer in 2010; all by the header.
"""

from __future__ import annotations

from exopsy.evidence.exchange_csv import CsvFormat
from exopsy.evidence.recognition import recogniser

_FORMAT = CsvFormat("exchange-message-tracking")
recognise = recogniser("exchange-message-tracking")
is_header = _FORMAT.is_header
read_header = _FORMAT.read_header
parse_record = _FORMAT.parse_record
parse = _FORMAT.parse
