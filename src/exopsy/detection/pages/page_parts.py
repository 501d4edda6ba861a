"""The text of a page -> its directives, its server code, its controls, what it includes.

Tolerant on purpose: a directive counts wherever it stands (in a mailbox, a certificate request, a
property sheet), attributes in any order, with or without quotes. Every expression here passes over
the text once.
"""

from __future__ import annotations

import html
import re

import msgspec

from exopsy.detection.pages import razor

_BLOCK = re.compile(r"<%(--|@|[=#:$!]?)")
_SCRIPT = re.compile(r"<script\b", re.IGNORECASE)
_TAG_END = 4_096
_END_SCRIPT = re.compile(r"</script", re.IGNORECASE)
_RUNAT = re.compile(r"""runat\s{0,64}=\s{0,64}["']?\s{0,64}(?:server|&#115;erver)""", re.IGNORECASE)
_LANGUAGE = re.compile(r"""\blanguage\s{0,64}=\s{0,64}["']?\s{0,8}([\w.#+]{1,40})""", re.IGNORECASE)
_SOURCE = re.compile(r"""\bsrc\s{0,64}=\s{0,64}["']?\s{0,64}([^"'\s>]{1,260})""", re.IGNORECASE)
_NAME = re.compile(r"""\b(?:id|name)\s{0,64}=\s{0,64}["']?\s{0,64}([\w.]{1,80})""", re.IGNORECASE)
_PROGID = re.compile(
    r"""\b(?:progid|classid)\s{0,64}=\s{0,64}["']?\s{0,64}([\w.:{}-]{1,80})""", re.IGNORECASE
)
_TAG = re.compile(r"<(?:asp:(\w{1,40})|(input|textarea|select|object))\b", re.IGNORECASE)
_INCLUDE = re.compile(
    r"""<!--\s{0,64}#include\s{1,64}(?:file|virtual)\s{0,64}=\s{0,64}["']?([^"'>]{1,260})""",
    re.IGNORECASE,
)
_XSL_SCRIPT = re.compile(r"<([\w.-]{1,40}):script\b", re.IGNORECASE)
_CDATA = re.compile(r"<!\[CDATA\[|\]\]>")
_WORD = re.compile(r"[A-Za-z]+")
_HANDLERS = {"webhandler", "webservice", "servicehost"}
_NET_DIRECTIVES = _HANDLERS | {
    "page", "control", "master", "application", "import", "assembly", "register", "implements",
    "reference", "outputcache", "previouspagetype", "mastertype",
}  # fmt: skip
_ASP_SUFFIXES = (".asp", ".asa", ".cer", ".cdx")
_RAZOR_SUFFIXES = (".cshtml", ".vbhtml")
_LANGUAGES = {
    "c#": "csharp",
    "cs": "csharp",
    "csharp": "csharp",
    "vb": "vb",
    "vbs": "vb",
    "visualbasic": "vb",
    "vbscript": "vbscript",
    "js": "jscript",
    "jscript": "jscript",
    "javascript": "jscript",
    "jscript.encode": "jscript",
    "vbscript.encode": "vbscript",
}
_VALUES = frozenset("=#:")
_CONTROL_LIMIT = 2_000
CODES = 20_000
"""Stretches of code that are taken out of one page."""


class Code(msgspec.Struct, frozen=True):
    """A stretch of server code."""

    text: str
    start: int
    """Where it begins in the text of the page."""
    language: str
    """As declared, or ``""``."""
    expression: bool = False
    """Between ``<%=`` and ``%>``: what it yields is written out."""
    handler: bool = False
    """A whole file of code after its directive; public methods may be called from outside."""
    xslt: bool = False


class PageParts(msgspec.Struct, kw_only=True):
    """What a page is made of."""

    codes: list[Code] = []
    language: str = ""
    kinds: list[str] = []
    """Directives, lower case: ``page``, ``webhandler`` ..."""
    first: int = -1
    """Where the first server code or directive begins."""
    controls: dict[str, str] = {}
    """Server controls that a client fills in: name -> kind, both lower case."""
    objects: dict[str, str] = {}
    """``<object runat=server>``: name -> ProgID or class id, lower case."""
    includes: list[tuple[str, int]] = []
    more: bool = False
    """There are more stretches of code than were taken."""


def split_page(text: str, suffix: str) -> PageParts:
    """Split.

    Args:
        text: the page, decoded.
        suffix: of its name, lower case, with the dot.
    """
    parts = PageParts()
    comments = _blocks(text, parts)
    _scripts(text, parts, comments)
    _handler_file(text, parts)
    for found in _INCLUDE.finditer(text):
        parts.includes.append((found[1].strip(), found.start()))
    if suffix in _RAZOR_SUFFIXES:
        language = "vb" if suffix == ".vbhtml" else "csharp"
        for start, code, value in razor.code_of(text):
            if len(parts.codes) >= CODES:
                parts.more = True
                break
            parts.codes.append(Code(code, start, language, expression=value))
            parts.first = start if parts.first < 0 else min(parts.first, start)
    if suffix in (".xsl", ".xslt") or "xsl/transform" in text[:4096].lower():
        _xsl_scripts(text, parts)
    if "runat" in text or "RUNAT" in text or _RUNAT.search(text):
        _controls(text, parts)
    parts.codes.sort(key=lambda c: c.start)
    if not parts.language and (suffix in _ASP_SUFFIXES) and parts.codes:
        parts.language = "vbscript"
    return parts


def language_of(name: str) -> str:
    """Return our name of a declared language, or ``""``."""
    return _LANGUAGES.get(name.strip().lower(), "")


def _seen(parts: PageParts, start: int) -> None:
    parts.first = start if parts.first < 0 else min(parts.first, start)


def _blocks(text: str, parts: PageParts) -> list[tuple[int, int]]:
    """Take ``<% %>``; return the server comments."""
    comments = []
    at = 0
    while found := _BLOCK.search(text, at):
        mark = found[1]
        close = "--%>" if mark == "--" else "%>"
        end = text.find(close, found.end())
        stop = end if end >= 0 else len(text)
        at = stop + len(close) if end >= 0 else len(text)
        if mark == "--":
            comments.append((found.start(), at))
            continue
        body = text[found.end() : stop]
        if mark == "@":
            _directive(body, found.start(), parts)
        elif mark != "$":  # <%$ names a setting
            _seen(parts, found.start())
            if len(parts.codes) >= CODES:
                parts.more = True
                break
            if body and not body.isspace():
                parts.codes.append(Code(body, found.end(), "", expression=mark in _VALUES))
    return comments


def _directive(body: str, start: int, parts: PageParts) -> None:
    body = body[:_TAG_END]
    if "&" in body:
        body = html.unescape(body)
    word = _WORD.search(body)
    kind = word[0].lower() if word else ""
    _seen(parts, start)
    parts.kinds.append(kind)
    if (named := _LANGUAGE.search(body)) and (language := language_of(named[1])):
        classic = kind not in _NET_DIRECTIVES  # <%@ Language=VBScript %>
        dialects = {"vb": "vbscript"} if classic else {"vbscript": "vb"}
        # The first counts, as the server has it.
        parts.language = parts.language or dialects.get(language, language)
    if kind in ("page", "control", "webhandler", "webservice", "master") and (
        source := _SOURCE.search(body)
    ):
        parts.includes.append((source[1], start))


def _scripts(text: str, parts: PageParts, comments: list[tuple[int, int]]) -> None:
    at = 0
    while found := _SCRIPT.search(text, at):
        end_of_tag = text.find(">", found.end(), found.end() + _TAG_END)
        if end_of_tag < 0:
            at = found.end()
            continue
        tag = text[found.end() : end_of_tag]
        if not _RUNAT.search(tag):
            at = end_of_tag
            continue
        at = end_of_tag + 1
        if any(a <= found.start() < b for a, b in comments[:100]):
            continue
        if len(parts.codes) >= CODES:
            parts.more = True
            return
        end = _END_SCRIPT.search(text, at)
        stop = end.start() if end else len(text)
        named = _LANGUAGE.search(tag)
        language = language_of(named[1]) if named else ""
        _seen(parts, found.start())
        parts.codes.append(Code(text[at:stop], at, language))
        if source := _SOURCE.search(tag):
            parts.includes.append((source[1], found.start()))
        at = stop


def _handler_file(text: str, parts: PageParts) -> None:
    """Take the code that fills a handler's file after its directive."""
    if not _HANDLERS.intersection(parts.kinds):
        return
    start = text.find("%>", max(parts.first, 0))
    rest = text[start + 2 :] if start >= 0 else ""
    if rest.strip():
        parts.codes = [c for c in parts.codes if c.start < start]
        parts.codes.append(Code(rest, start + 2, "", handler=True))


def _xsl_scripts(text: str, parts: PageParts) -> None:
    at = 0
    while found := _XSL_SCRIPT.search(text, at):
        at = found.end()
        end_of_tag = text.find(">", at, at + _TAG_END)
        if end_of_tag < 0 or found[1].lower() == "xsl" or len(parts.codes) >= CODES:
            continue
        tag = text[at:end_of_tag]
        at = end_of_tag + 1
        end = text.find(f"</{found[1]}:", at)
        stop = end if end >= 0 else len(text)
        code = _CDATA.sub(" " * 3, text[at:stop])
        if "&" in code:
            code = html.unescape(code)
        named = _LANGUAGE.search(tag)
        _seen(parts, found.start())
        # What MSXML and System.Xml take where no language is named.
        language = (language_of(named[1]) if named else "") or "jscript"
        parts.codes.append(Code(code, at, language, xslt=True))
        at = stop


def _controls(text: str, parts: PageParts) -> None:
    done = 0
    for found in _TAG.finditer(text):
        if found.start() < done:
            continue  # inside the tag before it
        end = text.find(">", found.end(), found.end() + _TAG_END)
        done = end if end >= 0 else found.end() + _TAG_END
        tag = text[found.end() : done]
        if not _RUNAT.search(tag):
            continue
        named = _NAME.search(tag)
        if named is None:
            continue
        if (found[2] or "").lower() == "object":
            if progid := _PROGID.search(tag):
                parts.objects[named[1].lower()] = progid[1].lower()
                _seen(parts, found.start())
            continue
        kind = (found[1] or found[2]).lower()
        parts.controls[named[1].lower()] = kind
        if len(parts.controls) >= _CONTROL_LIMIT:
            return
