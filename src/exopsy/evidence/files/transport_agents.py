r"""The transport service's list of agents (``agents.config``) -> one row for each agent.

``TransportRoles\Shared\agents.config`` and ``fetagents.config``, whatever they were renamed to.
"""

from __future__ import annotations

from collections.abc import Iterator

from exopsy.evidence.files import web_page
from exopsy.evidence.files.encoded_text import head_text, holds
from exopsy.evidence.files.markup import Markup, first_name
from exopsy.evidence.files.place import place_fields
from exopsy.evidence.files.windows_path import canonical_path
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Row, Skipped

NAME = "transport-agents"
_RAW = 4_096


def recognise(head: bytes, path: str) -> bool:
    """Recognise the section that lists agents."""
    if not holds(head, "<mexRuntime") or web_page.recognise(b"", path):
        return False
    return first_name(head_text(head)) == "configuration"


def read_file(data: bytes, file: FileFacts) -> Iterator[Row | Skipped]:
    """Yield a row for each agent."""
    markup = Markup(data)
    for element in markup.walk():
        if element.name != "agent" or not element.get("classFactory"):
            continue
        path = canonical_path(element.get("assemblyPath"))
        fields = place_fields(file.path) | {
            "Name": element.get("name"),
            "BaseType": element.get("baseType"),
            "Factory": element.get("classFactory"),
            "Image": element.get("assemblyPath"),
            "ImagePath": path,
            "ImageName": path.rpartition("\\")[2],
            "Enabled": element.get("enabled"),
            "Priority": element.get("priority"),
        }
        yield Row(
            log=NAME,
            host="",
            timestamp=None,
            fields={name: value for name, value in fields.items() if value},
            origin=markup.origin(element, file.path),
            raw=markup.raw(element, _RAW),
        )
    yield from markup.skipped(file.path)
