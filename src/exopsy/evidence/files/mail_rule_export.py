"""Exports of mail rules and forwarding -> one row for each object that sends mail somewhere.

``Get-InboxRule``, ``Get-TransportRule``, ``Get-JournalRule`` and ``Get-Mailbox``, in any form that
PowerShell writes. An object that neither forwards, copies, hides nor deletes gives no row.
"""

from __future__ import annotations

from collections.abc import Iterator

from exopsy.evidence.files import web_page
from exopsy.evidence.files.encoded_text import head_text, holds
from exopsy.evidence.files.object_export import Exported, has_field, read_objects
from exopsy.evidence.files.place import place_fields
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Origin, Row, Skipped

NAME = "mail-rule-export"
_RAW = 4_096
_TARGETS = (
    "ForwardTo",
    "ForwardAsAttachmentTo",
    "RedirectTo",
    "RedirectMessageTo",
    "BlindCopyTo",
    "CopyTo",
    "ForwardingSmtpAddress",
    "ForwardingAddress",
    "JournalEmailAddress",
)
_TELLING = ("ForwardAsAttachmentTo", "BlindCopyTo", "ForwardingSmtpAddress", "JournalEmailAddress")
_OTHERS = (
    "Name",
    "MailboxOwnerId",
    "Identity",
    "Enabled",
    "State",
    "DeleteMessage",
    "MoveToFolder",
    "MarkAsRead",
    "DeliverToMailboxAndForward",
    "SubjectContainsWords",
    "SubjectOrBodyContainsWords",
    "WhenChanged",
)
_EMPTY = frozenset({"", "{}", "$null"})


def recognise(head: bytes, path: str) -> bool:
    """Recognise an export that has one of the fields which tell such objects apart."""
    if not holds(head, *_TELLING) or web_page.recognise(b"", path):
        return False
    return has_field(head_text(head), _TELLING)


def read_file(data: bytes, file: FileFacts) -> Iterator[Row | Skipped]:
    """Yield a row for each object that does something with mail."""
    for item in read_objects(data, file.path):
        if isinstance(item, Skipped):
            yield item
            continue
        fields = _fields(item)
        target = "\n".join(fields[name] for name in _TARGETS if name in fields)
        hides = fields.get("DeleteMessage", "").lower() == "true" or "MoveToFolder" in fields
        if target or hides:
            yield Row(
                log=NAME,
                host="",
                timestamp=None,
                fields=place_fields(file.path) | fields | ({"Target": target} if target else {}),
                origin=Origin(artifact=file.path, offset=item.start, line=item.line),
                raw=data[item.start : min(item.end, item.start + _RAW)],
            )


def _fields(item: Exported) -> dict[str, str]:
    known = {name.lower(): value.strip() for name, value in item.fields.items()}
    found = {name: known.get(name.lower(), "") for name in (*_TARGETS, *_OTHERS)}
    return {name: value for name, value in found.items() if value not in _EMPTY}
