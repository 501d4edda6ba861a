"""Exports of virtual directories -> one row each: what Exchange or its directory says of them.

``Get-OabVirtualDirectory`` and its sisters in any form that PowerShell writes, and the objects of
the directory as LDIF or ``csvde`` wrote them. The attributes' names of the directory become those
of the cmdlets.
"""

from __future__ import annotations

from collections.abc import Iterator

from exopsy.evidence.files import web_page
from exopsy.evidence.files.encoded_text import head_text, holds
from exopsy.evidence.files.object_export import Exported, has_field, read_objects
from exopsy.evidence.files.place import place_fields
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Origin, Row, Skipped

NAME = "virtual-directory-export"
_RAW = 4_096
_ADDRESSES = ("msExchExternalHostName", "msExchInternalHostName", "ExternalUrl", "InternalUrl")
_NAMES = {
    "name": "Name",
    "identity": "Identity",
    "dn": "Identity",
    "distinguishedname": "Identity",
    "server": "Server",
    "path": "MetabasePath",
    "metabasepath": "MetabasePath",
    "msexchmetabasepath": "MetabasePath",
    "externalurl": "ExternalUrl",
    "msexchexternalhostname": "ExternalUrl",
    "internalurl": "InternalUrl",
    "msexchinternalhostname": "InternalUrl",
    "objectclass": "Class",
    "whenchanged": "WhenChanged",
    "whenchangedutc": "WhenChangedUtc",
    "whencreated": "WhenCreated",
}


def recognise(head: bytes, path: str) -> bool:
    """Recognise an export that names the addresses of a virtual directory."""
    if not holds(head, *_ADDRESSES) or web_page.recognise(b"", path):
        return False
    return has_field(head_text(head), _ADDRESSES)


def read_file(data: bytes, file: FileFacts) -> Iterator[Row | Skipped]:
    """Yield a row for each object that has an address."""
    for item in read_objects(data, file.path):
        if isinstance(item, Skipped):
            yield item
            continue
        fields = _fields(item)
        if "ExternalUrl" in fields or "InternalUrl" in fields:
            yield Row(
                log=NAME,
                host="",
                timestamp=None,
                fields=place_fields(file.path) | fields,
                origin=Origin(artifact=file.path, offset=item.start, line=item.line),
                raw=data[item.start : min(item.end, item.start + _RAW)],
            )


def _fields(item: Exported) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in item.fields.items():
        ours = _NAMES.get(name.lower())
        if ours is not None and value:
            found.setdefault(ours, value)
    return found
