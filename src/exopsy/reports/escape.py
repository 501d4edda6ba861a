"""Text from the evidence -> text that does nothing but be read, whatever shows it."""

from __future__ import annotations

# Letters and marks that Unicode calls printable and that show nothing: Hangul fillers, the Braille
# blank, the grapheme joiner, variation selectors.
_BLANK = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0").union(
    map(chr, range(0xFE00, 0xFE10)), map(chr, range(0xE0100, 0xE01F0))
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # full-width forms too
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def visible(text: str, limit: int = 500) -> str:
    r"""Show every character and bound the length.

    Control characters become ``\x1b``; those that turn the direction of text, hide or only look
    like a space become ``<U+202E>``. What is past ``limit`` characters is cut, and the cut says how
    much is missing.
    """
    head = text[:limit]
    if not head.isprintable() or not (head.isascii() or _BLANK.isdisjoint(head)):
        head = "".join(map(_shown, head))[:limit]
    left = len(text) - limit
    return f"{head}…(+{left} more)" if left > 0 else head


def _shown(char: str) -> str:
    if char.isprintable() and char not in _BLANK:
        return char
    code = ord(char)
    return _SHORT.get(char) or (f"\\x{code:02x}" if code < 0xA0 else f"<U+{code:04X}>")


def visible_bytes(data: bytes, limit: int = 500) -> str:
    r"""Show bytes as text; what is not UTF-8 becomes ``\xff``."""
    return visible(data.decode("utf-8", "backslashreplace"), limit)


def formula_safe(cell: str) -> str:
    """Disarm a spreadsheet cell: what would be read as a formula gets a leading apostrophe."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
