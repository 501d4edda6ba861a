"""POP3 protocol log (``POP32021030304-1.LOG``) -> one row a command.

Reference: https://learn.microsoft.com/exchange/clients/pop3-and-imap4/protocol-logging-reference.
"""

from __future__ import annotations

from exopsy.evidence.exchange_csv import CsvFormat
from exopsy.evidence.recognition import recogniser

_FORMAT = CsvFormat("exchange-pop3")
recognise = recogniser("exchange-pop3")
is_header = _FORMAT.is_header
read_header = _FORMAT.read_header
parse_record = _FORMAT.parse_record
parse = _FORMAT.parse
