"""First looks at a file, and what its outside says: marks of code, disguises, doings that go together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exopsy.detection.pages import sinks
from exopsy.detection.pages.page_report import Reason

if TYPE_CHECKING:
    from exopsy.detection.pages.encodings import Decoded
    from exopsy.detection.pages.flow import Flow
    from exopsy.detection.pages.page_parts import PageParts

CLIENT_SUFFIXES = frozenset((".js", ".aspx", ".htm", ".html", ".asp", ".cshtml", ".mjs"))
RUN_SUFFIXES = frozenset(
    ".aspx .ashx .asmx .ascx .asax .master .svc .asp .asa .cer .cdx .soap .rem .cshtml .vbhtml .shtml "
    ".stm .shtm".split()
)
"""Names that the server runs."""
_RAZOR = frozenset((".cshtml", ".vbhtml"))
_STATIC = frozenset(
    ".txt .css .js .gif .jpg .jpeg .png .bmp .ico .html .htm .xml .json .svg .woff .woff2 .ttf .eot "
    ".log .dat .bak .old .map .pdf .zip .tmp .swf .mp3 .mp4 .webp .md .ini".split()
)
_PICTURES = frozenset(
    ".gif .jpg .jpeg .png .bmp .ico .svg .css .woff .ttf .eot .webp .mp3 .mp4 .pdf .zip .swf .dat "
    ".log .tmp .bak".split()
)
_MARKS = (
    b"<%", b"<\0%", b"r\0u\0n\0a\0t", b"<\0\0\0%", b"r\0\0\0u\0\0\0n", b"+adw", b"runat", b"#@~^", b":script",
    b"#include",
)  # fmt: skip
_BLOCK = 8 << 20
_OVERLAP = 64
_HEAD = 4_096
_SPAN = 64 << 10
_DIRECTIVE = re.compile(
    rb"<%@\s{0,64}(?:page|webhandler|webservice|control|servicehost|application|master|language|codepage"
    rb"|import|assembly)\b|<script\b[^<>]{0,400}\brunat\s{0,9}=\s{0,9}[\"']?server",
    re.IGNORECASE,
)
_CONTAINERS = (
    (b"!BDN", "a mailbox"),
    (b"\x30\x82", "a certificate or request in DER"),
    (b"GIF8", "a picture"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"BM", "a picture"),
    (b"%PDF", "a document"),
    (b"PK\x03\x04", "an archive"),
    (b"RIFF", "a sound or picture"),
    (b"-----BEGIN", "a certificate or request"),
)
_SHEET_LINE = re.compile(r"^[ \t]{0,8}\w[\w \t]{1,60}:[ \t]", re.MULTILINE)
_SPACE = re.compile(r"[ \t\r\n\0\u00a0]{1500,}|(?:\r?\n[ \t]{0,40}){300,}")
_MAPPING = re.compile(
    r"""<add\b[^<>]{0,600}?\b(?:path|extension)\s{0,9}=\s{0,9}["'][^"']{0,40}\.(\w{2,8})["'][^<>]{0,600}?>""",
    re.IGNORECASE,
)
_RUNS = re.compile(
    r"pagehandlerfactory|simplehandlerfactory|asp\.dll|aspnet_isapi|pagebuildprovider|"
    r"webhandlerbuildprovider|webservicehandlerfactory|razorbuildprovider",
    re.IGNORECASE,
)


def may_hold_code(data: bytes, suffix: str) -> bool:
    """Say whether a file can hold server code at all; few searches over its bytes."""
    if suffix in _RAZOR:
        return b"@" in data or b"<%" in data
    if suffix == ".config":
        return (
            b"<%" in data or b"&lt;%" in data or b"uildProvider" in data or b"andlerFactory" in data
        )
    if b"<%" in data:
        return True
    for start in range(0, len(data), _BLOCK):
        block = data[max(start - _OVERLAP, 0) : start + _BLOCK].lower()
        if any(mark in block for mark in _MARKS):
            return True
    head = data[:_HEAD]
    # EBCDIC: its "<" is 4C, its space 40.
    return (
        head.count(0x40) * 40 >= len(head) > 0
        and b"\x4c" in head
        and head.count(0x40) > 2 * head.count(0x20)
    )


def spans_of_code(data: bytes, most: int) -> list[tuple[int, int]]:
    """Return the first half of ``most``, and stretches around marks of code in the rest of the file.

    Code goes on from where it is marked, so what stands in the first half is kept whole.
    """
    spans: list[list[int]] = [[0, min(max(most // 2, _SPAN), most, len(data))]]
    left = most - spans[0][1]
    marks = (b"<%", b"runat", b"RUNAT", b"Runat", b"runAt", b"<\0%")
    at = spans[0][1]
    while left > 0 and at < len(data):
        found = min(
            (p for mark in marks if (p := data.find(mark, at, at + _BLOCK)) >= 0), default=-1
        )
        if found < 0:
            at += _BLOCK - _OVERLAP
            continue
        start = max(found - 512, spans[-1][1])
        end = min(start + min(_SPAN, left), len(data))
        left -= end - start
        if start == spans[-1][1]:
            spans[-1][1] = end
        else:
            spans.append([start, end])
        at = end
    return [(a, b) for a, b in spans]


def reasons_of(
    data: bytes, page: Decoded, parts: PageParts, suffix: str, acts: bool
) -> list[Reason]:
    """Return the reasons that a file's outside gives.

    Args:
        data: of the file.
        page: the same as text.
        parts: of the page.
        suffix: of its name.
        acts: its code does something that weighs.
    """
    found: list[Reason] = []

    def add(name: str, text: str, at: int, weight: int, technique: str, excerpt: str = "") -> None:
        line = page.text.count("\n", 0, max(at, 0)) + 1
        offset = page.offset_of(max(at, 0))
        found.append(
            Reason(
                name=name,
                text=text,
                line=line,
                offset=offset,
                weight=weight,
                technique=technique,
                excerpt=excerpt[:160],
            )
        )

    directive = _DIRECTIVE.search(data)
    has_code = bool(parts.codes or parts.kinds)
    if directive is not None or acts:
        for magic, what in _CONTAINERS:
            if data.startswith(magic) and not (magic == b"BM" and not acts):
                weight = 90 if acts or directive is not None else 60
                add(
                    "container", f"Server code stands inside what begins as {what}", max(parts.first, 0),
                    weight, "T1027.009",
                )  # fmt: skip
                break
        else:
            if has_code and _in_sheet(page.text, parts.first):
                add(
                    "container", "Server code stands as a value in a list of properties",
                    parts.first, 92 if suffix in RUN_SUFFIXES else 70, "T1505.003",
                )  # fmt: skip
    tricks = set(page.tricks)
    if has_code and "odd-encoding" in tricks:
        strange = page.codec.startswith(("utf-7", "cp", "utf-32"))
        add(
            "odd-encoding",
            f"The page is written in {page.codec}",
            0,
            56 if strange else 12,
            "T1027",
        )
    if has_code and "embedded-nul" in tricks:
        add("embedded-nul", "NUL bytes are strewn into the code", max(parts.first, 0), 45, "T1027")
    if has_code and (space := _SPACE.search(page.text)):
        add("padding", "Code is moved out of sight by blank space", space.start(), 16, "T1027.001")
    for name, at in parts.includes[:16]:
        ending = name.lower().rpartition(".")[2]
        if f".{ending}" in _PICTURES:
            add("odd-include", "What is no page is included and run as one", at, 52, "T1027", name)
        elif suffix in RUN_SUFFIXES and ending == "txt":
            add("odd-include", "A text file is included and run as a page", at, 20, "T1027", name)
    if "#@~^" in page.text and has_code:
        add(
            "encoded-script",
            "Script is encoded (Script Encoder)",
            page.text.find("#@~^"),
            44,
            "T1027.013",
        )
    if suffix in _STATIC and (has_code and (acts or _begins_as_page(data, directive))):
        add(
            "mislabelled",
            "Server code stands in a file of a static kind",
            max(parts.first, 0),
            40,
            "T1036.008",
        )
    if suffix == ".config":
        _of_config(page.text, parts, acts, add)
    if re.search(r"<!--\s{0,64}#exec\b", page.text, re.IGNORECASE) and suffix in (
        ".shtml",
        ".stm",
        ".shtm",
    ):
        add(
            "process",
            "A server-side include starts a program",
            page.text.lower().find("#exec"),
            62,
            "T1059",
        )
    return found


def _begins_as_page(data: bytes, directive: re.Match[bytes] | None) -> bool:
    """Say whether nothing but a mark, blanks or a comment stands before the first directive."""
    return directive is not None and not data[: directive.start()].strip(b" \t\r\n\xef\xbb\xbf\0")


def _in_sheet(text: str, first: int) -> bool:
    """Say whether code begins inside ``Name : value`` lines, many before and after it."""
    if first < 0:
        return False
    before = text[max(first - 6_000, 0) : first]
    after = text[first : first + 6_000]
    line = before.rpartition("\n")[2]
    lines = before.count("\n") + 1
    listed = len(_SHEET_LINE.findall(before))
    return (
        _SHEET_LINE.match(line) is not None
        and listed >= 3
        and listed * 3 >= lines
        and len(_SHEET_LINE.findall(after)) + listed >= 6
    )


def _of_config(text: str, parts: PageParts, acts: bool, add: object) -> None:
    assert callable(add)
    for found in _MAPPING.finditer(text):
        if f".{found[1].lower()}" in _STATIC | {".config"} and _RUNS.search(found[0]):
            add(
                "mapped",
                "The configuration makes the server run a static kind of file",
                found.start(),
                58,
                "T1505.004",
                found[0],
            )
            break
    if parts.codes and acts:
        add(
            "mislabelled",
            "Server code stands in a configuration file",
            max(parts.first, 0),
            60,
            "T1505.004",
        )


def together(kinds: set[str], everything: set[str], flow: Flow) -> list[tuple[str, str, int, str]]:
    """Return what several doings make of each other: (name, text, weight, technique).

    Args:
        kinds: of what data of the request reaches.
        everything: of all that the page does.
        flow: the walk that found them.
    """
    found: list[tuple[str, str, int, str]] = []
    words, texts = flow.effects.words, flow.effects.texts
    writes = kinds & {"write-any", "write-named", "write-page", "write-edited"}
    reach = kinds & {
        "read",
        "list",
        "delete",
        "timestamps",
        "write-any",
        "write-named",
        "write-edited",
    }
    if writes and len(reach) >= 3 and not flow.effects.checks_names:
        weight = 66 if kinds & {"write-any", "write-edited"} or "timestamps" in kinds else 50
        if "drives" in everything or kinds & {"timestamps", "registry", "registry-write"}:
            weight = 82
        found.append(
            (
                "file-manager",
                "It lists, reads and writes whatever files the request names",
                weight,
                "T1083",
            )
        )
    elif "drives" in everything and len(reach) >= 2:
        found.append(
            (
                "file-manager",
                "It lists the drives and reads whatever the request names",
                64,
                "T1083",
            )
        )
    if "connect" in kinds and "feeds-socket" in everything:
        found.append(("tunnel", sinks.KINDS["tunnel"].text, 90, "T1572"))
    if {"sql", "sql-connection"} <= kinds:
        found.append(
            ("sql-console", "The request says which server is asked, and what", 63, "T1505.001")
        )
    if any("xp_cmdshell" in t or "sp_oacreate" in t for t in texts):
        kind = sinks.KINDS["sql-shell"]
        found.append(
            ("sql-shell", kind.text, kind.tainted if kinds else kind.plain, kind.technique)
        )
    if any("registervirtualpathproviderinternal" in t for t in texts):
        found.append(
            (
                "hook",
                "The page makes the server take pages from it, by an internal call",
                72,
                "T1505.003",
            )
        )
    native = [w for w in sinks.NATIVE_MEMORY if w in words or any(w in t for t in texts)]
    runs = [w for w in sinks.NATIVE_RUN if w in words or any(w in t for t in texts)]
    if native and runs and words & {"dllimport", "declare", "getprocaddress", "marshal"}:
        kind = sinks.KINDS["native-code"]
        found.append(("native-code", kind.plain_text, kind.plain, kind.technique))
    return found
