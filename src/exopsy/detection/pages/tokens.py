r"""Server code -> tokens, such that what only hides a name is gone.

Two grammars: C# and JScript share one, VB and VBScript the other. Names are lower case (VB does not
mind; of C# no two names that matter differ by case), without ``@``, brackets, ``\u0065`` escapes and
invisible characters; texts are without quotes and escapes; comments are gone, also between the parts
of a name. VB becomes C#-like: a line end is ``;``, ``&`` is ``+``, ``Sub`` to ``End Sub`` is in braces.
Every byte is looked at a bounded number of times.
"""

from __future__ import annotations

import re
from typing import NamedTuple

NAME = "n"
TEXT = "s"
NUMBER = "d"
LIST = "a"
"""Only made by folding: a list of constants."""
MARK = "p"


class Token(NamedTuple):
    """One token; ``value`` of a list is its items, joined by NUL."""

    kind: str
    value: str
    at: int
    trick: str = ""


_INVISIBLE = "\u00ad\u034f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
_FORMAT = re.compile(f"[{_INVISIBLE}]")
_INSIDE = re.compile(rf"\w[{_INVISIBLE}]+\w")
"""At the ends of a name they are what is left of text in another script, and split no word."""
_C_TOKEN = re.compile(
    rf"""
    (?P<space>[\s\0{_INVISIBLE}]+ | //[^\n]* | /\*(?s:.*?)(?:\*/|\Z)
      | \#(?:region|endregion|if|else|elif|endif|pragma|define|undef|line|warning|error)\b[^\n]*
      | <!--|-->|<!\[CDATA\[|\]\]>)
  | (?P<verbatim>(?:\$@|@\$|@)"(?:[^"]+|"")*(?:"|\Z))
  | (?P<holes>\$"(?:[^"\\\n]+|\\.)*"?)
  | (?P<text>"(?:[^"\\\n]+|\\(?s:.))*"? | '(?:[^'\\\n]+|\\(?s:.))*'? | `(?:[^`\\]+|\\(?s:.))*`?)
  | (?P<number>0[xX][0-9a-fA-F]+[uUlL]* | \d+(?:\.\d+)?(?:[eE][+-]?\d+)?[a-zA-Z]*)
  | (?P<name>@?(?:[^\W\d]|\$|\\u[0-9a-fA-F]{{4}}|\\U[0-9a-fA-F]{{8}})
             (?:[\w$]|\\u[0-9a-fA-F]{{4}}|\\U[0-9a-fA-F]{{8}}|[{_INVISIBLE}])*)
  | (?P<mark>\?\.|\?\?=?|=>|[=!]==?|<=|>=|&&|\|\||[+\-*/%&|^]=|\+\+|--|::|.)
    """,
    re.VERBOSE,
)
_VB_TOKEN = re.compile(
    rf"""
    (?P<space>[ \t\0{_INVISIBLE}]+ | _[ \t]*\r?\n | <!--|-->)
  | (?P<line>(?:'[^\n]* | \brem\b[^\n]*)?\r?\n | ['][^\n]* | \#(?:region|end|if|else|const)\b[^\n]* | :(?!=))
  | (?P<text>\$?["\u201c\u201d](?:[^"\u201c\u201d\n]+|""|\u201d\u201d)*["\u201c\u201d]?c?)
  | (?P<number>&[hH][0-9a-fA-F]+&? | &[oO][0-7]+&? | \d+(?:\.\d+)?(?:[eE][+-]?\d+)?[a-zA-Z%&!@]?)
  | (?P<name>\[[^\W\d][\w]*\] | [^\W\d](?:\w|[{_INVISIBLE}])*[$%]?)
  | (?P<mark>:=|<>|<=|>=|[&+\-*/^\\]=|\?\.|.)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ESCAPE = re.compile(
    r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{1,4})|([0-7]{1,3})|(?s:(.)))"
)
_SIMPLE = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "a": "\a",
    "\n": "",
    "e": "\x1b",
}
_REGEX = re.compile(r"/(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.){0,200}\]){1,400}/[a-z]{0,6}")
_BEFORE_REGEX = frozenset("(,=:[!&|?{};+-*%<>~^")
_PROCEDURE = frozenset(("sub", "function", "property"))
_HEADERS = frozenset(("public", "private", "protected", "friend", "shared", "overrides", "async"))
_VB_QUOTES = frozenset(('"', "\u201c", "\u201d"))
_HOLE_DEPTH = 3


def tokenize(code: str, start: int, *, vb: bool, most: int) -> list[Token]:
    """Return the tokens of code.

    Args:
        code: without the marks around it.
        start: of the code in the page.
        vb: it is VB or VBScript.
        most: tokens to return at the most.
    """
    return _vb(code, start, most) if vb else _c(code, start, most, 0)


def _c(code: str, start: int, most: int, depth: int) -> list[Token]:
    out: list[Token] = []
    at = 0
    match = _C_TOKEN.match
    size = len(code)
    while at < size and len(out) < most:
        found = match(code, at)
        if found is None:
            at += 1
            continue
        kind = found.lastgroup
        begin = at
        at = found.end()
        if kind == "space":
            continue
        value = found[0]
        if kind == "name":
            out.append(_name(value, start + begin))
        elif kind == "mark":
            if value == "/" and (not out or _may_begin_regex(out[-1])):
                regex = _REGEX.match(code, begin)
                if regex is not None:
                    at = regex.end()
                    out.append(Token(TEXT, regex[0][:80], start + begin, "regex"))
                    continue
            out.append(Token(MARK, "==" if value == "===" else value, start + begin))
        elif kind == "number":
            out.append(Token(NUMBER, _number(value), start + begin))
        elif kind == "text":
            out.append(_text(value, start + begin))
        elif kind == "verbatim" and "$" not in value[:2]:
            out.append(Token(TEXT, value[2:].removesuffix('"').replace('""', '"'), start + begin))
        else:
            out.extend(_holes(value, start + begin, most - len(out), depth))
    return out


def _may_begin_regex(before: Token) -> bool:
    if before.kind == MARK:
        return before.value[-1] in _BEFORE_REGEX
    return before.kind == NAME and before.value in ("return", "typeof", "case", "in")


def _name(value: str, at: int) -> Token:
    trick = ""
    if "\\" in value:
        plain = _ESCAPE.sub(_unescaped, value)
        # Letters outside ASCII may be written so for a reason; these not.
        trick = "escaped-name" if plain.isascii() else ""
        value = plain
    if not value.isascii() and _FORMAT.search(value):
        trick = "invisible-characters" if _INSIDE.search(value) else trick
        value = _FORMAT.sub("", value)
    return Token(NAME, value.removeprefix("@").lower(), at, trick)


def _text(value: str, at: int) -> Token:
    quote = value[0]
    body = value[1:-1] if len(value) > 1 and value[-1] == quote else value[1:]
    if "\\" not in body:
        return Token(TEXT, body, at)
    escaped = 0

    def undo(found: re.Match[str]) -> str:
        nonlocal escaped
        made = _unescaped(found)
        if found[5] is None and " " <= made <= "~":
            escaped += 1
        return made

    body = _ESCAPE.sub(undo, body)
    # One or two may be there for a reason; letter after letter is not.
    return Token(TEXT, body, at, "escapes" if escaped > 3 else "")


def _unescaped(found: re.Match[str]) -> str:
    for group, base in ((1, 16), (2, 16), (3, 16), (4, 8)):
        if found[group]:
            number = int(found[group], base)
            return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "?"
    return _SIMPLE.get(found[5], found[5])


def _number(value: str) -> str:
    value = value.rstrip("uUlLfFdDmM%&!@") if value[:2].lower() != "0x" else value.rstrip("uUlL")
    try:
        if value[:2].lower() in ("0x", "&h"):
            return str(int(value[2:].rstrip("&"), 16))
        if value[:2].lower() == "&o":
            return str(int(value[2:].rstrip("&"), 8))
        return str(int(value[:20]))
    except ValueError:
        return value[:20]


def _holes(value: str, at: int, most: int, depth: int) -> list[Token]:
    """Return ``$"a{b}c"`` as ``"a"+(b)+"c"``."""
    first = value.find('"') + 1
    body = value[first:].removesuffix('"')
    out: list[Token] = []
    text = ""
    place = 0
    while place < len(body) and len(out) < most:
        open_ = body.find("{", place)
        if open_ < 0 or depth >= _HOLE_DEPTH:
            text += body[place:]
            break
        text += body[place:open_]
        if body[open_ : open_ + 2] == "{{":
            text += "{"
            place = open_ + 2
            continue
        close = body.find("}", open_)
        close = close if close >= 0 else len(body)
        out += [Token(TEXT, text, at), Token(MARK, "+", at), Token(MARK, "(", at)]
        out += _c(body[open_ + 1 : close], at + first + open_ + 1, most, depth + 1)
        out += [Token(MARK, ")", at), Token(MARK, "+", at)]
        text = ""
        place = close + 1
    out.append(Token(TEXT, text, at))
    return out


def _vb(code: str, start: int, most: int) -> list[Token]:
    out: list[Token] = []
    at = 0
    depth = 0
    match = _VB_TOKEN.match
    size = len(code)
    while at < size and len(out) < most:
        found = match(code, at)
        if found is None:
            at += 1
            continue
        kind = found.lastgroup
        place = start + at
        at = found.end()
        if kind == "space":
            continue
        value = found[0]
        if kind == "line":
            if depth and out and out[-1].kind == MARK and out[-1].value in ",(+=.{":
                continue  # goes on in the next line
            depth = 0
            if value == ":" or "\n" in value:
                _end_line(out, place)
        elif kind == "name":
            trick = ""
            if not value.isascii() and _FORMAT.search(value):
                trick = "invisible-characters" if _INSIDE.search(value) else ""
                value = _FORMAT.sub("", value)
            out.append(Token(NAME, value.strip("[]$%").lower(), place, trick))
        elif kind == "text":
            body = value.removeprefix("$")[1:]
            if body[-1:] in "cC" and body[-2:-1] in _VB_QUOTES:
                body = body[:-1]  # "a"c is a character
            body = body[:-1] if body[-1:] in _VB_QUOTES else body
            out.append(Token(TEXT, body.replace('""', '"'), place))
        elif kind == "number":
            out.append(Token(NUMBER, _number(value), place))
        else:
            depth += (value in "({") - (value in ")}")
            depth = max(depth, 0)
            value = {"&": "+", "&=": "+=", "<>": "!="}.get(value, value)
            out.append(Token(MARK, value, place))
    _end_line(out, start + size)
    return _procedures(out)


def _end_line(out: list[Token], at: int) -> None:
    if out and not (out[-1].kind == MARK and out[-1].value == ";"):
        out.append(Token(MARK, ";", at))


def _procedures(tokens: list[Token]) -> list[Token]:
    """Put braces around what stands between ``Sub`` and ``End Sub``."""
    out: list[Token] = []
    header = False
    for index, token in enumerate(tokens):
        if token.kind == NAME and token.value in _PROCEDURE:
            before = tokens[index - 1].value if index else ";"
            if before == "end":
                out[-1] = Token(MARK, "}", token.at)
                continue
            header = before in (";", "get", ">") or before in _HEADERS or not index
        elif header and token.kind == MARK and token.value == ";":
            out.append(Token(MARK, "{", token.at))
            header = False
            continue
        out.append(token)
    return out
