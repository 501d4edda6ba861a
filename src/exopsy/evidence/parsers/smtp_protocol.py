"""SMTP receive and send protocol logs (``RECV2021030304-1.LOG``) -> one row a protocol line.

Reference: https://learn.microsoft.com/exchange/mail-flow/connectors/protocol-logging. ``event`` is one of
``+ - > < *``: here ``-`` is a value (disconnect), not an absent one.
"""

from __future__ import annotations

from exopsy.evidence.exchange_csv import CsvFormat
from exopsy.evidence.recognition import recogniser

_FORMAT = CsvFormat("exchange-smtp")
recognise = recogniser("exchange-smtp")
is_header = _FORMAT.is_header
read_header = _FORMAT.read_header
parse_record = _FORMAT.parse_record
parse = _FORMAT.parse
