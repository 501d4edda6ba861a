"""Bytes of a text file -> its text, and where each character stands in the bytes.

The bytes decide, then the declaration: a byte order mark, the zeros of UTF-16 before or after the
first character, an XML declaration. ``schtasks`` writes ``encoding="UTF-16"`` into files that a
console saved in one byte a character, so a declared UTF-16 without its zeros is not believed.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_.:-]{1,40})["']""")
_ONE_BYTE = re.compile(r"(?:iso-?8859-?\d+|latin-?1|windows-?125\d|cp125\d|us-ascii|ascii)", re.I)
_STEP = 4_096
_ESCAPED = re.compile("[\udc80-\udcff]")
_LONE = re.compile("[\ud800-\udfff]")


class EncodedText:
    """The text of a file with its way back to bytes.

    ``text`` has the length of what was written: a byte that is no character stands in it as one
    lone surrogate, which ``shown`` turns into ``⟨E9⟩``.
    """

    def __init__(self, data: bytes) -> None:
        """Decode ``data``; never raises."""
        self.encoding, self._begin, self.is_known = _encoding_of(data)
        """``is_known``: False where a declared encoding is none of ours and UTF-8 was taken."""
        body = data[self._begin :]
        wide = {"utf-16-le": 2, "utf-16-be": 2, "utf-32-le": 4}.get(self.encoding, 1)
        self._errors = "surrogatepass" if wide == 2 else "surrogateescape"
        if wide > 1:
            body = body[: len(body) // wide * wide]
        if wide == 4:
            self._errors = "replace"
        self.text = body.decode(self.encoding, self._errors)
        self._is_flat = len(self.text) == len(body)
        self._bytes: list[int] | None = None
        self._lines: list[int] | None = None

    def offset(self, position: int) -> int:
        """Return the byte at which a character begins."""
        if self._is_flat:
            return self._begin + position
        if self._bytes is None:
            self._bytes = _sums(len(self._encode(part)) for part in self._parts())
        block, rest = divmod(position, _STEP)
        before = self.text[block * _STEP : block * _STEP + rest]
        return self._begin + self._bytes[block] + len(self._encode(before))

    def line(self, position: int) -> int:
        """Return the line of a character, from 1."""
        if self._lines is None:
            self._lines = _sums(part.count("\n") for part in self._parts())
        block = position // _STEP
        return 1 + self._lines[block] + self.text.count("\n", block * _STEP, position)

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield each line without its end, and where it begins."""
        start = 0
        while start < len(self.text):
            end = self.text.find("\n", start)
            end = len(self.text) if end < 0 else end
            yield start, self.text[start:end].rstrip("\r")
            start = end + 1

    def _parts(self) -> list[str]:
        return [self.text[at : at + _STEP] for at in range(0, len(self.text), _STEP)]

    def _encode(self, text: str) -> bytes:
        return text.encode(self.encoding, self._errors)


def shown(text: str) -> str:
    """Return a piece of the text as rules and people may see it: no lone surrogates."""
    marked = _ESCAPED.sub(lambda m: f"\u27e8{ord(m[0]) - 0xDC00:02X}\u27e9", text)
    return _LONE.sub("\ufffd", marked)


def holds(head: bytes, *words: str) -> bool:
    """Say whether one of some ASCII words may stand in a file's beginning, whatever its encoding.

    Most files of a collection are none of ours: this looks at bytes and decodes nothing.
    """
    return any(
        word.encode("ascii") in head or word.encode("utf-16-le")[:-1] in head for word in words
    )


def head_text(head: bytes) -> str:
    """Return the beginning of a file as text, to recognise it by."""
    return EncodedText(head).text


def _sums(counts: Iterable[int]) -> list[int]:
    sums = [0]
    for count in counts:
        sums.append(sums[-1] + count)
    return sums


def _encoding_of(data: bytes) -> tuple[str, int, bool]:
    """Return the codec, where the text begins, and whether the declaration was understood."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding, len(mark), True
    start = data[:64].lstrip(b" \t\r\n")[:4]
    if len(data) > 3 and data[1] == 0 and data[0] and data[3] == 0 and data[2]:
        return "utf-16-le", 0, True
    if len(data) > 3 and data[0] == 0 and data[1] and data[2] == 0 and data[3]:
        return "utf-16-be", 0, True
    declared = _DECLARED.match(data[:400].lstrip(b" \t\r\n")) if start.startswith(b"<?xm") else None
    if declared is None:
        return "utf-8", 0, True
    name = declared[1].decode("ascii")
    if _ONE_BYTE.fullmatch(name):
        try:
            # Bytes that Windows left undefined are escaped like broken UTF-8.
            return codecs.lookup(name).name, 0, True
        except LookupError:
            return "utf-8", 0, False
    is_known = name.lower().replace("_", "-") in {"utf-8", "utf8", "utf-16", "unicode", "ucs-2"}
    return "utf-8", 0, is_known
