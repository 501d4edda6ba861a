"""HTTP.sys error log (``httperr1.log``) -> one row a refused or broken connection.

Reference: https://learn.microsoft.com/troubleshoot/developer/webapps/aspnet/site-behavior-performance/error-logging-http-apis
"""

from __future__ import annotations

from exopsy.evidence.recognition import recogniser
from exopsy.evidence.w3c import W3cFormat

_FORMAT = W3cFormat("httperr")
recognise = recogniser("httperr")
is_header = _FORMAT.is_header
read_header = _FORMAT.read_header
parse_record = _FORMAT.parse_record
parse = _FORMAT.parse
