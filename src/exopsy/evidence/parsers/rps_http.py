"""Remote PowerShell request log (``Rps_Http_2021030304-1.LOG``) -> one row a request.

Reference: https://github.com/Qazeer/artefacts.help (CC0), CmdletInfra logs; log type ``Rps Http Logs``.
"""

from __future__ import annotations

from exopsy.evidence.exchange_csv import CsvFormat
from exopsy.evidence.recognition import recogniser

_FORMAT = CsvFormat("exchange-rps-http")
recognise = recogniser("exchange-rps-http")
is_header = _FORMAT.is_header
read_header = _FORMAT.read_header
parse_record = _FORMAT.parse_record
parse = _FORMAT.parse
