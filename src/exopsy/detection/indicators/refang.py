"""Defanged values (``hxxp://evil[.]example``) -> the values that were meant."""

from __future__ import annotations

import re

_MARKS = re.compile(r"[\[\](){}]|hxxp|fxp|h\*\*p", re.IGNORECASE)
"""Without one of these nothing is defanged; most values have none."""
_SCHEME = re.compile(
    r"^(?:h(?:xx|XX|\*\*)p(s?)|(fxp))(?=(?:\[:\]|\[:?//\]?|:|\(:\)|\{:\}))", re.IGNORECASE
)
_DOT = re.compile(r"\s?(?:\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\{dot\})\s?", re.IGNORECASE)
_HALF_DOT = re.compile(r"(?<=\w)(?:\[\.|\.\])(?=\w)")
_COLON = re.compile(r"\[:\]|\(:\)|\{:\}")
_SLASHES = re.compile(r"\[://\]|:\[//\]")
_AT = re.compile(r"\s?(?:\[@\]|\(@\)|\{@\}|\[at\]|\(at\)|\{at\})\s?", re.IGNORECASE)


def refang(value: str) -> str:
    """Undo the usual ways of making a value harmless to click on."""
    if _MARKS.search(value) is None:
        return value
    value = _SLASHES.sub("://", value)
    value = _SCHEME.sub(lambda m: "ftp" if m[2] else "http" + (m[1] or "").lower(), value)
    value = _COLON.sub(":", value)
    value = _DOT.sub(".", value)
    value = _AT.sub("@", value)
    return _HALF_DOT.sub(".", value)
