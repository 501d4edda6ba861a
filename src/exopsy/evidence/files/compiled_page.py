"""``*.compiled``: what ASP.NET notes of a page when it compiles it, and keeps when the page is gone.

XML of one element ``preserve``: ``virtualPath`` is the page's path in the site, ``assembly`` what it
was compiled into, ``filedep`` the files that went in (read out of System.Web's PreservationFileReader).
"""

from __future__ import annotations

from collections.abc import Iterator

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
    origin = Origin(artifact=file.path, offset=0, line=1)
    if b"<!DOCTYPE" in data.replace(b"\0", b""):
        # a note declares nothing; what does could unfold into very much
        yield Skipped(reason="doctype", origin=origin)
        return
    from lxml import etree  # loaded where there is such a file

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(data.rstrip(b"\0"), parser)
    except (etree.XMLSyntaxError, ValueError):
        yield Skipped(reason="xml", origin=origin)
        return
    if root.tag != "preserve" or not root.get("virtualPath"):
        yield Skipped(reason="no-virtual-path", origin=origin)
        return
    fields = file_fields(file)
    for field, key in (("VirtualPath", "virtualPath"), ("Assembly", "assembly"), ("Type", "type")):
        if value := root.get(key):
            fields[field] = value[:_VALUE_MOST]
    depends = tuple(
        name[:_VALUE_MOST]
        for element in root.iterfind("filedeps/filedep")
        if (name := element.get("name"))
    )[:_DEPENDS_MOST]
    if depends:
        fields["Depends"] = "\n".join(depends)
    yield Row(
        log=NAME,
        host="",
        timestamp=None,
        fields=fields,
        many={"Depends": depends} if depends else {},
        origin=origin,
        raw=data[:_RAW],
    )
