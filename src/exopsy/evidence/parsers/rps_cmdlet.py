"""Remote PowerShell cmdlet log (``Rps_Cmdlet_2021030304-1.LOG``) -> one row a cmdlet.

Reference: sample line in https://github.com/Qazeer/artefacts.help (CC0); ``Parameters`` is quoted as a
whole with its inner quotes doubled.
"""

from __future__ import annotations

from exopsy.evidence.exchange_csv import CsvFormat
from exopsy.evidence.recognition import recogniser

_FORMAT = CsvFormat("exchange-rps-cmdlet")
recognise = recogniser("exchange-rps-cmdlet")
is_header = _FORMAT.is_header
read_header = _FORMAT.read_header
parse_record = _FORMAT.parse_record
parse = _FORMAT.parse
