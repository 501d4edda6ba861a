"""``*.compiled``: what ASP.NET notes of a page when it compiles it, and keeps when the page is gone.

XML of one element ``preserve``: ``virtualPath`` is the page's path in the site, ``assembly`` what it
was compiled into, ``filedep`` the files that went in.
"""

from __future__ import annotations

from collections.abc import Iterator

from exopsy.evidence.files.markup import Markup
from exopsy.evidence.files.place import file_fields
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Origin, Row, Skipped

NAME = "compiled-page"
_RAW = 4_096
_DEPENDS_MOST = 50
_VALUE_MOST = 2_048


def recognise(head: bytes, path: str) -> bool:
    """Recognise it by name and element."""
    return path.lower().endswith(".compiled") and b"<preserve" in head[:4_096].replace(b"\0", b"")


def read_file(data: bytes, file: FileFacts) -> Iterator[Row | Skipped]:
    """Yield the one row of a note."""
    markup = Markup(data)
    note = next((e for e in markup.walk() if e.name == "preserve" and e.get("virtualPath")), None)
    if note is None:
        origin = Origin(artifact=file.path, offset=0, line=1)
        yield Skipped(reason="no-virtual-path", origin=origin)
    else:
        fields = file_fields(file)
        for field, key in (
            ("VirtualPath", "virtualPath"),
            ("Assembly", "assembly"),
            ("Type", "type"),
        ):
            if value := note.get(key):
                fields[field] = value[:_VALUE_MOST]
        depends = tuple(
            name[:_VALUE_MOST]
            for element in note.walk()
            if element.name == "filedep" and (name := element.get("name"))
        )[:_DEPENDS_MOST]
        if depends:
            fields["Depends"] = "\n".join(depends)
        yield Row(
            log=NAME,
            host="",
            timestamp=None,
            fields=fields,
            many={"Depends": depends} if depends else {},
            origin=markup.origin(note, file.path),
            raw=markup.raw(note, _RAW),
        )
    yield from markup.skipped(file.path)
