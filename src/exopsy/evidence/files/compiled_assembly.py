r"""``App_Web_*.dll``: what ASP.NET compiled pages into -> the pages' paths, classes and build time.

The generated code of a page names its own path (``~/auth/x.aspx``) in a constant, which stands in the
``#US`` heap of the assembly's metadata (ECMA-335 II.24.2); its class is in ``#Strings``. A handler
(.ashx) is compiled as its author wrote it and names no path: of that only its ``.compiled`` tells.
The folder says which application it is: ``...\Temporary ASP.NET Files\owa\<hash>\<hash>\``.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from exopsy.core.clock import format_utc, from_unix
from exopsy.evidence.files.place import file_fields
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Origin, Row, Skipped

NAME = "compiled-assembly"
_PAGES_MOST = 200
_NAME = re.compile(r"(?:^|/)app_web_[^/]*\.dll$", re.IGNORECASE)
_APPLICATION = re.compile(r"temporary asp\.net files/([^/]{1,200})/", re.IGNORECASE)
_EXECUTABLE = re.compile(
    r"\.(?:aspx|ashx|asmx|ascx|master|svc|asp|soap|rem|cshtml|vbhtml)$", re.IGNORECASE
)
_CLASS = re.compile(rb"[a-z0-9_]{1,200}_(?:aspx|ashx|asmx|ascx|master)", re.IGNORECASE)
_LONGEST = 1_024


def recognise(head: bytes, path: str) -> bool:
    """Recognise it by its name and a program's first bytes."""
    return head.startswith(b"MZ") and _NAME.search(path) is not None


def read_file(data: bytes, file: FileFacts) -> Iterator[Row | Skipped]:
    """Yield a row for each page that the assembly names, or one row if it names none."""
    origin = Origin(artifact=file.path, offset=0, line=1)
    fields = file_fields(file)
    built = _built(data)
    if built is None:
        yield Skipped(reason="no-program", origin=origin)
        return
    if moment := from_unix(built):
        fields["Built"] = format_utc(moment)
    strings = dict(_heaps(data))
    if not strings:
        yield Skipped(reason="no-metadata", origin=origin)
    names = strings.get("#Strings", b"").split(b"\0")
    classes = sorted({name.decode() for name in names if _CLASS.fullmatch(name)})
    if classes:
        fields["Classes"] = "\n".join(classes[:_PAGES_MOST])
    pages = dict.fromkeys(_pages(strings.get("#US", b"")))
    application = _application(file.path)
    for page in [*pages][:_PAGES_MOST] or [""]:
        own = dict(fields)
        if page:
            own["PagePath"] = page
            if application is not None:
                own["VirtualPath"] = application + page[1:]
        yield Row(log=NAME, host="", timestamp=None, fields=own, origin=origin, raw=data[:512])
    if len(pages) > _PAGES_MOST:
        yield Skipped(reason="too-many-pages", origin=origin)


def _pages(heap: bytes) -> Iterator[str]:
    """Yield the constants that are paths of pages; each stands behind its length (II.24.2.4)."""
    at = 1
    while at < len(heap):
        first = heap[at]
        if first < 0x80:
            length, at = first, at + 1
        elif first < 0xC0:
            length, at = int.from_bytes(heap[at : at + 2]) & 0x3FFF, at + 2
        else:
            length, at = int.from_bytes(heap[at : at + 4]) & 0x1FFFFFFF, at + 4
        if length <= _LONGEST and heap.startswith(b"~\0/\0", at):
            text = heap[at : at + length - 1].decode("utf-16-le", "replace")
            if _EXECUTABLE.search(text):
                yield text
        at += length


def _application(path: str) -> str | None:
    """Return the application's own path: ``/owa``, "" for the site's root, None if unknown."""
    found = _APPLICATION.search(path.replace("\\", "/"))
    if found is None:
        return None
    return "" if found[1].lower() == "root" else f"/{found[1]}"


def _built(data: bytes) -> int | None:
    """Return the build time of a program's header (seconds since 1970); None: no program."""
    header = _header(data)
    return None if header is None else int(struct.unpack_from("<I", data, header + 8)[0])


def _header(data: bytes) -> int | None:
    """Return where a program's header is."""
    if len(data) < 64:
        return None
    at = int(struct.unpack_from("<I", data, 60)[0])
    return at if data[at : at + 4] == b"PE\0\0" and len(data) >= at + 24 else None


def _heaps(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the heaps of an assembly's metadata, as far as they are sound."""
    root = _metadata(data)
    if root is None or data[root : root + 4] != b"BSJB" or len(data) < root + 16:
        return
    (length,) = struct.unpack_from("<I", data, root + 12)
    at = root + 16 + length
    if at + 4 > len(data):
        return
    (count,) = struct.unpack_from("<H", data, at + 2)
    at += 4
    for _ in range(min(count, 16)):
        if at + 8 > len(data):
            return
        offset, size = struct.unpack_from("<2I", data, at)
        end = data.find(b"\0", at + 8, at + 40)
        if end < 0:
            return
        yield data[at + 8 : end].decode("latin-1"), data[root + offset : root + offset + size]
        at = at + 8 + (end - at - 8) // 4 * 4 + 4


def _metadata(data: bytes) -> int | None:
    """Follow header, CLR directory and sections to the metadata's offset in the file."""
    header = _header(data)
    if header is None or len(data) < header + 26:
        return None
    sections, optional = struct.unpack_from("<H12xH", data, header + 6)
    (magic,) = struct.unpack_from("<H", data, header + 24)
    directory = header + 24 + (112 if magic == 0x20B else 96) + 14 * 8
    table = header + 24 + optional
    if len(data) < directory + 8:
        return None
    clr = _at(data, table, sections, struct.unpack_from("<I", data, directory)[0])
    if clr is None or len(data) < clr + 12:
        return None
    return _at(data, table, sections, struct.unpack_from("<I", data, clr + 8)[0])


def _at(data: bytes, table: int, sections: int, address: int) -> int | None:
    """Turn an address in memory into an offset in the file."""
    for number in range(min(sections, 96)):
        entry = table + 40 * number
        if entry + 40 > len(data):
            return None
        size, start, raw, offset = struct.unpack_from("<4I", data, entry + 8)
        if start <= address < start + max(size, raw):
            return int(offset + address - start)
    return None
