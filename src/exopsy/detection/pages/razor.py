"""Code in a Razor page: ``@{ }``, ``@functions { }``, ``@( )``, ``@name.chain(...)``, ``@if`` ..."""

from __future__ import annotations

import re
from collections.abc import Iterator

_AT = re.compile(r"@(?:(\{)|(\()|([A-Za-z_]\w{0,80}))")
_BRACKETS = re.compile(r"[{}()\[\]\"]")
_OPENERS = {"{": "}", "(": ")", "[": "]"}
_STATEMENTS = {
    "if", "for", "foreach", "while", "switch", "using", "try", "lock", "do", "functions", "code",
    "section", "helper",
}  # fmt: skip
_CHAIN = re.compile(r"\.?\w+")
_WORK = 4


def code_of(text: str) -> Iterator[tuple[int, str, bool]]:
    """Yield where it begins, the code, and whether it is a value that is written out."""
    at = 0
    spent = 0
    while (found := _AT.search(text, at)) and spent < _WORK * len(text):
        start = found.start()
        if start and (text[start - 1].isalnum() or text[start - 1] == "@"):
            at = found.end()  # an address, or @@
            continue
        if found[3] is None:
            end = _closing(text, found.end() - 1)
            yield found.end(), text[found.end() : end], found[2] is not None
            at = end + 1
        elif found[3] in _STATEMENTS:
            brace = text.find("{", found.end(), found.end() + 2_000)
            end = _closing(text, brace) if brace >= 0 else found.end()
            yield start + 1, text[start + 1 : end + 1], False
            at = end + 1
        else:
            end = _chain_end(text, found.end())
            yield start + 1, text[start + 1 : end], True
            at = end
        spent += max(at - start, 1)


def _closing(text: str, at: int) -> int:
    """Return where the bracket that opens at ``at`` is closed, or the end of the text."""
    depth = 0
    while found := _BRACKETS.search(text, at):
        mark = found[0]
        at = found.end()
        if mark == '"':
            end = text.find('"', at)
            if end >= 0 and text.find("\n", at, end) < 0:
                at = end + 1
        elif mark in _OPENERS:
            depth += 1
        else:
            depth -= 1
            if depth <= 0:
                return found.start()
    return len(text)


def _chain_end(text: str, at: int) -> int:
    while at < len(text):
        if text[at] in "([":
            at = _closing(text, at) + 1
        elif text[at] == "." and (found := _CHAIN.match(text, at)):
            at = found.end()
        else:
            break
    return min(at, len(text))
