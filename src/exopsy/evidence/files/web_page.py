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
_DIRECTIVE = re.compile(rb"<%@\s*(?:page|webhandler|webservice|control|application|master)", re.I)
_RAW = 4_096


def recognise(head: bytes, path: str) -> bool:
    """Recognise what the server runs by its name, and what is hidden by a page's directive."""
    return _RUN.search(path) is not None or _DIRECTIVE.search(head) is not None


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
