"""Bytes of evidence -> text, such that no damaged byte turns into letters.

A byte that belongs to no valid UTF-8 sequence becomes ``⟨E9⟩``: its value stays readable (an ANSI
log is full of them), and the marks around it are not ASCII, so that no rule's word can match across
or inside it, and none that stands in the text was not in the bytes.
"""

from __future__ import annotations

import codecs

_HANDLER = "exopsy.marked"


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(f"\u27e8{byte:02X}\u27e9" for byte in bad), error.end


codecs.register_error(_HANDLER, _mark)


def decode_utf8(data: bytes) -> str:
    """Decode; undecodable bytes are marked as ``⟨E9⟩``."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", _HANDLER)
