"""One thing that somebody did, in the same few words whatever log it was read from.

Made from the rows that a rule matched and from the rows that the pivot brought; it is what
``correlation`` reads and what the table ``activity`` of a case holds.
``content/mappings/activity.yml`` says which column of which log is which field.
"""

from __future__ import annotations

from datetime import datetime

import msgspec


class Activity(msgspec.Struct, kw_only=True):
    """One row of ``activity``."""

    time: datetime
    """UTC."""
    host: str
    log: str
    site: str = ""
    """``W3SVC1``/``W3SVC2`` for IIS rows where known: front end, back end."""
    client: str = ""
    """Address of the peer; behind a load balancer this is not the client. "" = not recorded."""
    method: str = ""
    stem: str = ""
    """URL path, decoded."""
    query: str = ""
    status: int | None = None
    user: str = ""
    user_agent: str = ""
    bytes_in: int | None = None
    bytes_out: int | None = None
    request_id: str = ""
    """Lower-case GUID that joins front end, back end and HttpProxy (``cafeReqId``, ``RequestId``)."""
    what: str = ""
    """Cmdlet, SOAP action, mail event: the verb of logs that are not about URLs."""
    detail: str = ""
    """Its parameters, bounded."""
    rule_ids: tuple[str, ...] = ()
    """Rules that this row matched; empty for a row that only the pivot brought."""
    grades: tuple[str, ...] = ()
    """Grade by each of those rules, in the same order."""
    artifact: str
    offset: int
    line: int
