"""Exchange Web Services log (``Ews_2021030304-1.LOG``) -> one row a SOAP call; bodies are not logged.

Reference: sample lines in https://github.com/Qazeer/artefacts.help (CC0); builds of 2013 have no
``Ring`` and end at ``Puid``, so everything goes by the header.
"""

from __future__ import annotations

from exopsy.evidence.exchange_csv import CsvFormat
from exopsy.evidence.recognition import recogniser

_FORMAT = CsvFormat("exchange-ews")
recognise = recogniser("exchange-ews")
is_header = _FORMAT.is_header
read_header = _FORMAT.read_header
parse_record = _FORMAT.parse_record
parse = _FORMAT.parse
