"""Pages and handlers of web roots: one row a file. What is in them is weighed by ``detection``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from exopsy.evidence.files.place import file_fields
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Origin, Row, Skipped

NAME = "web-page"
# What the server runs, whatever it was collected as: pages, handlers, their fragments.
_RUN = re.compile(
    r"\.(?:aspx|ashx|asmx|ascx|asax|master|svc|asp|asa|cer|cdx|soap|rem|cshtml|vbhtml|shtml|stm)$",
    re.IGNORECASE,
)
# What a web root serves as it is, and an intruder changes or hides code in.
_SERVED = re.compile(
    r"(?:inetpub|wwwroot|httpproxy|clientaccess)[/\\].{0,400}\.(?:js|html?|xslt?)$", re.IGNORECASE
)
_CODE = re.compile(
    rb"<%@\s*(?:page|webhandler|webservice|control|application|master|language|import|assembly)\b"
    rb"|<script\b[^<>]{0,200}\brunat\s*=\s*[\"']?server",
    re.IGNORECASE,
)
_CODE_UTF16 = re.compile(rb"<\x00?%\x00?@\x00|<\x00s\x00c\x00r\x00i\x00p\x00t\x00", re.IGNORECASE)
_RAW = 4_096


def recognise(head: bytes, path: str) -> bool:
    """Recognise what the server runs or serves by its name, and server code under any other name.

    A log is a log whatever stands in its records: an intruder writes part of them.
    """
    if _RUN.search(path) is not None or _SERVED.search(path) is not None:
        return True
    if _CODE.search(head) is None and _CODE_UTF16.search(head) is None:
        return False
    from exopsy.evidence import registry  # it lists this module

    return registry.recognise(head, path) is None and (
        registry.recognise_events(head, path) is None
    )


def read_file(data: bytes, file: FileFacts) -> Iterator[Row | Skipped]:
    """Yield the one row of a page."""
    fields = file_fields(file)
    yield Row(
        log=NAME,
        host="",
        timestamp=None,
        fields=fields,
        origin=Origin(artifact=file.path, offset=0, line=1),
        raw=data[:_RAW],
    )
