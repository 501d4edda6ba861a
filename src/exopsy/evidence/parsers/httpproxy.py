"""Exchange front-end proxy log (``HttpProxy_2021030304-1.LOG``) -> one row a request.

Reference: sample lines of eight protocols in https://github.com/Qazeer/artefacts.help (CC0); builds
of 2013 lack some columns, so everything goes by the header.
"""

from __future__ import annotations

from exopsy.evidence.exchange_csv import CsvFormat
from exopsy.evidence.recognition import recogniser

_FORMAT = CsvFormat("exchange-httpproxy")
recognise = recogniser("exchange-httpproxy")
is_header = _FORMAT.is_header
read_header = _FORMAT.read_header
parse_record = _FORMAT.parse_record
parse = _FORMAT.parse
