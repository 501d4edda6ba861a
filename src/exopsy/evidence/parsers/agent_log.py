"""Transport agent log (``AgentLog20210303-1.LOG``) -> one row an action of an agent.

Reference: https://learn.microsoft.com/exchange/antispam-and-antimalware/antispam-protection/antispam-agent-logging.
"""

from __future__ import annotations

from exopsy.evidence.exchange_csv import CsvFormat
from exopsy.evidence.recognition import recogniser

_FORMAT = CsvFormat("exchange-agent-log")
recognise = recogniser("exchange-agent-log")
is_header = _FORMAT.is_header
read_header = _FORMAT.read_header
parse_record = _FORMAT.parse_record
parse = _FORMAT.parse
