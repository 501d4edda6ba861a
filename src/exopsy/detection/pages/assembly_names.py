"""A compiled page (``App_Web_*.dll``) -> what the names and texts in its metadata say it can do.

ASP.NET keeps what it compiled out of a page after the page is gone. There is no code analysis here: a
page's assembly is small, so that what it imports says nearly what it does. Libraries import all
sorts of things and are not weighed: only what the page compiler made (a type in the namespace ``ASP``
made from a page's file name) is.

References:
    ECMA-335, II.24.2 (metadata root, streams)
"""

from __future__ import annotations

import struct

from exopsy.detection.pages.page_report import Reason

SUFFIXES = frozenset((".dll",))
_MADE_BY_PAGE_COMPILER = (
    b"FastObjectFactory",
    b"_aspx\0",
    b"_ashx\0",
    b"_asmx\0",
    b"_ascx\0",
    b"_cshtml\0",
)
_STREAMS = 16
_REQUEST = frozenset(
    "get_Request get_Item get_Form get_QueryString BinaryRead get_InputStream get_Headers get_Cookies "
    "get_Params get_Files".split()
)
_RULES: tuple[tuple[str, frozenset[str], int, str, str], ...] = (
    ("evaluate", frozenset(("JScriptEvaluate",)), 78, "T1505.003", "A compiled page runs text as script"),
    (
        "assembly-load", frozenset(("Load", "Assembly", "CreateInstance", "TransformFinalBlock")), 80,
        "T1620", "A compiled page deciphers bytes and loads them as a program",
    ),
    (
        "assembly-load", frozenset(("Load", "Assembly", "CreateInstance", "FromBase64String")), 66,
        "T1620", "A compiled page decodes bytes and loads them as a program",
    ),
    (
        "process", frozenset(("ProcessStartInfo", "set_Arguments", "Start")), 64, "T1059",
        "A compiled page starts a program with arguments of its own making",
    ),
    ("compile", frozenset(("CompileAssemblyFromSource",)), 64, "T1027.004", "A compiled page compiles code"),
    ("native-code", frozenset(("VirtualAlloc", "CreateThread")), 84, "T1055", "A compiled page runs machine code"),
    (
        "xslt-script", frozenset(("XslCompiledTransform", "get_TrustedXslt")), 62, "T1220",
        "A compiled page runs stylesheets with scripts",
    ),
    (
        "tunnel", frozenset(("Socket", "Connect", "Send", "Receive", "get_InputStream")), 66, "T1572",
        "A compiled page joins a connection to its requests",
    ),
)  # fmt: skip


def reasons_of(data: bytes) -> list[Reason]:
    """Weigh an assembly by its names; nothing for what the page compiler did not make."""
    root = data.find(b"BSJB")
    if root < 0 or not any(mark in data for mark in _MADE_BY_PAGE_COMPILER):
        return []
    names = _names(data, root)
    if not names & _REQUEST:
        return []
    found = []
    seen = set()
    for name, needed, weight, technique, text in _RULES:
        if needed <= names and name not in seen:
            seen.add(name)
            found.append(
                Reason(
                    name=name, text=text, line=1, offset=root, weight=weight, technique=technique,
                    excerpt=" ".join(sorted(needed)),
                )
            )  # fmt: skip
    return found


def _names(data: bytes, root: int) -> set[str]:
    """Return the heap of names; empty where the metadata is damaged."""
    try:
        (length,) = struct.unpack_from("<I", data, root + 12)
        at = root + 16 + length
        _, count = struct.unpack_from("<HH", data, at)
        at += 4
        for _ in range(min(count, _STREAMS)):
            offset, size = struct.unpack_from("<II", data, at)
            end = data.index(b"\0", at + 8, at + 48)
            name = data[at + 8 : end]
            at = at + 8 + ((end - at - 8) // 4 + 1) * 4
            if name == b"#Strings":
                heap = data[root + offset : root + offset + size]
                return {piece.decode("latin-1") for piece in heap.split(b"\0") if piece}
    except (struct.error, ValueError):
        pass
    return set()
