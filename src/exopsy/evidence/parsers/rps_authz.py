"""Remote PowerShell authorisation log (``Rps_AuthZ_2021030304-1.LOG``) -> one row a decision.

Reference: https://github.com/Qazeer/artefacts.help (CC0), CmdletInfra logs; written like the request log.
"""

from __future__ import annotations

from exopsy.evidence.exchange_csv import CsvFormat
from exopsy.evidence.recognition import recogniser

_FORMAT = CsvFormat("exchange-rps-authz")
recognise = recogniser("exchange-rps-authz")
is_header = _FORMAT.is_header
read_header = _FORMAT.read_header
parse_record = _FORMAT.parse_record
parse = _FORMAT.parse
