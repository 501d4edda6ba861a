"""Request filtering log of Exchange's AMSI integration -> one row a scanned request.

Reference: https://learn.microsoft.com/exchange/antispam-and-antimalware/amsi-integration-with-exchange.
Some builds write the time as ``3/14/2023 1:05:09 PM``.
"""

from __future__ import annotations

from exopsy.evidence.exchange_csv import CsvFormat
from exopsy.evidence.recognition import recogniser
from exopsy.evidence.times import read_iso_or_us

_FORMAT = CsvFormat("exchange-amsi", read_time=read_iso_or_us)
recognise = recogniser("exchange-amsi")
is_header = _FORMAT.is_header
read_header = _FORMAT.read_header
parse_record = _FORMAT.parse_record
parse = _FORMAT.parse
