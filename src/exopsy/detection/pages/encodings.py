"""The bytes of a page -> its text as the server would read it.

IIS reads a page by its byte order mark, by the code page that a directive declares, or as the
configuration says; intruders use the two former to keep words from scanners. So: marks of UTF-8, 16,
32 and 7, the pattern of NUL bytes that UTF-16 and 32 leave where there is no mark, a declared code
page, EBCDIC, and single NUL bytes strewn in.

References:
    https://learn.microsoft.com/dotnet/api/system.text.encoding (numbers of code pages)
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

import msgspec

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le", 4),
    (codecs.BOM_UTF32_BE, "utf-32-be", 4),
    (codecs.BOM_UTF8, "utf-8", 3),
    (codecs.BOM_UTF16_LE, "utf-16-le", 2),
    (codecs.BOM_UTF16_BE, "utf-16-be", 2),
)
_UTF7_MARK = re.compile(rb"\+/v[89+/]-?")
_DECLARED = re.compile(
    rb"""(?:code-?page|(?:file)?encoding|charset)\s{0,8}=\s{0,8}["']?\s{0,8}([\w-]{2,20})""", re.I
)
_NO_TEXT = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")
_HEAD = 4_096
_SAMPLE = 65_536
# What is no letter and stands in every page: spaces, tags, line ends.
_EBCDIC = ("cp037", "cp500", "cp1140", "cp273")


class Decoded(msgspec.Struct, frozen=True):
    """A page as text."""

    text: str
    codec: str
    tricks: tuple[str, ...]
    """Names out of ``page_report.TRICKS``."""
    offset_of: Callable[[int], int]
    """Character -> byte of the file, near enough to be found where bytes could not be decoded."""


def decode(data: bytes) -> Decoded:
    """Decode; never raises, and takes time in proportion to the bytes."""
    for mark, codec, length in _BOMS:
        if data.startswith(mark):
            odd = ("odd-encoding",) if codec.startswith("utf-32") else ()
            return _wide_or_text(data, length, codec, odd)
    if utf7 := _UTF7_MARK.match(data[:8]):
        return _decoded(data, utf7.end(), "utf-7", ("odd-encoding",))
    if codec := _by_nul_pattern(data[:_HEAD]):
        return _decoded(data, 0, codec, ("odd-encoding",))
    if codec := _ebcdic(data[:_HEAD]):
        return _decoded(data, 0, codec, ("odd-encoding",))
    if codec := _declared(data):
        return _decoded(data, 0, codec, ("odd-encoding",))
    return _wide_or_text(data, 0, "utf-8", ())


def _wide_or_text(data: bytes, start: int, codec: str, tricks: tuple[str, ...]) -> Decoded:
    if codec != "utf-8":
        return _decoded(data, start, codec, tricks)
    body = data[start:]
    if b"\0" in body and not _is_binary(body):
        # NUL bytes strewn into text: taken out, as parsers that skip them do.
        text = body.replace(b"\0", b"").decode("latin-1")
        return Decoded(text, "latin-1", ("embedded-nul",), _Strewn(body, start))
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        # One character a byte: nothing is lost, and offsets are the file's own.
        return Decoded(body.decode("latin-1"), "latin-1", tricks, lambda i: start + i)
    if len(text) == len(body):
        return Decoded(text, "ascii", tricks, lambda i: start + i)
    return Decoded(text, "utf-8", tricks, lambda i: start + len(text[:i].encode("utf-8")))


def _decoded(data: bytes, start: int, codec: str, tricks: tuple[str, ...]) -> Decoded:
    text = data[start:].decode(codec, "replace")
    width = {"utf-16": 2, "utf-32": 4}.get(codec[:6], 0)
    if width:
        return Decoded(text, codec, tricks, lambda i: start + i * width)
    if codec == "utf-7":
        return Decoded(text, codec, tricks, lambda i: start + len(text[:i].encode("utf-7")))
    return Decoded(text, codec, tricks, lambda i: start + i)


class _Strewn:
    """Where the n-th byte that is no NUL stands."""

    def __init__(self, body: bytes, start: int) -> None:
        self._body = body
        self._start = start

    def __call__(self, index: int) -> int:
        seen = 0
        at = 0
        for piece in self._body.split(b"\0"):
            if seen + len(piece) > index:
                return self._start + at + index - seen
            seen += len(piece)
            at += len(piece) + 1
        return self._start + len(self._body)


def _is_binary(data: bytes) -> bool:
    """Say whether NUL bytes are what one expects: among other bytes that no text has, or in runs."""
    sample = data[:_SAMPLE]
    return b"\0\0\0\0" in sample or _NO_TEXT.search(sample) is not None


def _by_nul_pattern(head: bytes) -> str:
    if head.count(0) * 3 < len(head) or len(head) < 4:
        return ""
    by_place = [head[place::4].count(0) for place in range(4)]
    quarter = len(head) // 4 or 1
    full = [count * 10 >= quarter * 9 for count in by_place]
    if full == [False, True, True, True]:
        return "utf-32-le"
    if full == [True, True, True, False]:
        return "utf-32-be"
    if head[1::2].count(0) * 10 >= len(head) // 2 * 6 and head[::2].count(0) * 10 < len(head):
        return "utf-16-le"
    if head[::2].count(0) * 10 >= len(head) // 2 * 6 and head[1::2].count(0) * 10 < len(head):
        return "utf-16-be"
    return ""


def _ebcdic(head: bytes) -> str:
    """Return the EBCDIC code page in which this is a page; its space is ``0x40``, its ``<`` 0x4C."""
    if head.count(0x40) * 40 < len(head) or head.count(0x40) <= 2 * head.count(0x20):
        return ""
    if b"\x4c" not in head:
        return ""
    for codec in _EBCDIC:
        text = head.decode(codec, "replace").lower()
        if "<%" in text or "runat" in text or "language" in text:
            return codec
    return ""


def _declared(data: bytes) -> str:
    """Return the codec of a declared code page that changes what ASCII bytes mean."""
    found = _DECLARED.search(data[:_SAMPLE])
    if found is None:
        return ""
    name = found[1].decode("ascii", "replace").lower()
    if name.isdigit():
        name = {"65000": "utf-7", "1200": "utf-16-le", "1201": "utf-16-be"}.get(
            name, f"cp{int(name):03d}" if len(name) < 6 else ""
        )
    name = {"unicodefffe": "utf-16-be", "unicode": "utf-16-le"}.get(name, name)
    try:
        codec = codecs.lookup(name).name if name else ""
    except (LookupError, ValueError):
        return ""
    if codec == "utf-7":
        return "utf-7" if b"+" in data[:_SAMPLE] else ""
    if codec.startswith(("utf-16", "utf-32")) or not codec.startswith("cp"):
        return ""  # what reads as ASCII here is not in these; others agree with ASCII
    probe = b"<%request"
    return "" if probe.decode(codec, "replace") == probe.decode("ascii") else codec
