"""Tokens -> the procedures in them, with parameters, and which names are local to each."""

from __future__ import annotations

from collections.abc import Container, Sequence

import msgspec

from exopsy.detection.pages.sources import PUBLISHED
from exopsy.detection.pages.tokens import MARK, NAME, Token

_NO_PROCEDURE = frozenset(
    "if for foreach while switch catch using lock fixed elseif with synclock select function return "
    "get set new when unchecked checked sizeof typeof in and or not".split()
)
_TYPES_ARE_NOT = frozenset(
    "return new in else throw case goto await out ref yield not is as do set get".split()
)
_HEADER = 16
_LOOK_BACK = 40


class Procedure(msgspec.Struct, kw_only=True):
    """One procedure of a page."""

    name: str
    number: int
    parameters: list[str]
    body: int
    """Index of the opening brace."""
    end: int
    published: bool = False
    locals: set[str] = set()
    returns: int = 0


def matching(tokens: Sequence[Token]) -> list[int]:
    """Return, for each opening bracket, the index of the one that closes it; itself elsewhere.

    A bracket that nothing closes is closed by the end.
    """
    found = list(range(len(tokens)))
    stack: list[int] = []
    wanted = {"(": ")", "[": "]", "{": "}"}
    for index, token in enumerate(tokens):
        if token.kind != MARK:
            continue
        if token.value in wanted:
            stack.append(index)
        elif token.value in ")]}":
            # A closing brace ends what was left open inside it; other strays are passed over.
            if stack and wanted[tokens[stack[-1]].value] == token.value:
                found[stack.pop()] = index
            elif token.value == "}":
                while stack and tokens[stack[-1]].value != "{":
                    found[stack.pop()] = index
                if stack:
                    found[stack.pop()] = index
    for index in stack:
        found[index] = len(tokens)
    return found


def procedures(
    tokens: Sequence[Token], match: Sequence[int], *, all_published: bool
) -> list[Procedure]:
    """Find the procedures; ``all_published`` makes every public one reachable from outside."""
    found: list[Procedure] = []
    size = len(tokens)
    for index, token in enumerate(tokens):
        if token.kind != NAME or index + 1 >= size or token.value in _NO_PROCEDURE:
            continue
        after = tokens[index + 1]
        if after.kind != MARK:
            continue
        if after.value == "(":
            close = match[index + 1]
            body = _body(tokens, close + 1, size)
            if body < 0 or (index and tokens[index - 1].value in (".", "new", "=")):
                continue
            parameters = _parameters(tokens, index + 2, close)
        elif after.value == "{" and index + 2 < size and tokens[index + 2].value in ("get", "set"):
            body, parameters = index + 1, []  # a property
        else:
            continue
        procedure = Procedure(
            name=token.value,
            number=len(found) + 1,
            parameters=parameters,
            body=body,
            end=match[body],
        )
        before = _before(tokens, index)
        procedure.published = bool(before & PUBLISHED) or (all_published and "public" in before)
        found.append(procedure)
    _locals(tokens, found)
    return found


def delegates(
    tokens: Sequence[Token], match: Sequence[int], names: Container[str]
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return what variables are called as: a procedure (``g = Ask``), or parameters (``g = z => ``).

    Args:
        tokens: of the page.
        match: of their brackets.
        names: of the page's procedures.
    """
    groups: dict[str, str] = {}
    lambdas: dict[str, list[str]] = {}
    size = len(tokens)
    for index in range(1, size - 2):
        if tokens[index].kind != MARK or tokens[index].value != "=":
            continue
        name = tokens[index - 1]
        if name.kind != NAME:
            continue
        at = index + 1
        while (
            at < size - 2 and tokens[at].kind == NAME and tokens[at].value in ("async", "addressof")
        ):
            at += 1
        if tokens[at].kind == NAME and tokens[at].value == "new":
            # new Ask(Run), new Func<string, string>(AddressOf Run)
            stop = min(at + _HEADER, size - 2)
            while at < stop and tokens[at].value not in ("(", ";", "{"):
                at += 1
            at += 1
            if tokens[at].value == "addressof":
                at += 1
        first = tokens[at]
        after = tokens[at + 1] if at + 1 < size else first
        if first.kind == NAME and after.kind == MARK and after.value == "=>":
            lambdas[name.value] = [first.value]
        elif first.kind == NAME and first.value in ("function", "delegate", "sub"):
            if after.value == "(":
                lambdas[name.value] = _parameters(tokens, at + 2, match[at + 1])
        elif first.kind == NAME and first.value in names and after.value in (";", ")", ",", "}"):
            groups[name.value] = first.value
        elif first.value == "(" and first.kind == MARK:
            close = match[at]
            if close + 1 < size and tokens[close + 1].value == "=>":
                lambdas[name.value] = _parameters(tokens, at + 1, close)
    return groups, lambdas


def _body(tokens: Sequence[Token], at: int, size: int) -> int:
    """Return where the brace after a header stands, or -1: ``) As String {``, ``: base(x) {``."""
    stop = min(at + _HEADER, size)
    while at < stop:
        token = tokens[at]
        if token.kind == MARK and token.value == "{":
            return at
        if token.kind == MARK and token.value in (";", "}", ",", "=", "+", "."):
            if token.value not in (".", ","):
                return -1
        elif token.kind not in (MARK, NAME):
            return -1
        at += 1
    return -1


def _before(tokens: Sequence[Token], index: int) -> set[str]:
    found = set()
    for back in range(index - 1, max(index - _LOOK_BACK, -1), -1):
        token = tokens[back]
        if token.kind == MARK and token.value in (";", "{", "}"):
            break
        if token.kind == NAME:
            found.add(token.value)
    # VB: the attribute stands in a line of its own, <WebMethod()> _
    return found


def _parameters(tokens: Sequence[Token], start: int, end: int) -> list[str]:
    names: list[str] = []
    last = ""
    depth = 0
    done = False
    for index in range(start, min(end, start + 400)):
        token = tokens[index]
        if token.kind == MARK:
            depth += (token.value in "([{<") - (token.value in ")]}>")
            if token.value == "," and depth <= 0:
                names.append(last)
                last, done = "", False
            elif token.value in ("=", ":"):
                done = True
        elif token.kind == NAME and not done and depth <= 0:
            if token.value == "as":
                done = True
            else:
                last = token.value
    if last:
        names.append(last)
    return names


def _locals(tokens: Sequence[Token], found: Sequence[Procedure]) -> None:
    """Fill in which names each procedure declares; of nested ones, the innermost has them."""
    owner: list[Procedure] = []
    starts = {p.body: p for p in found}
    for p in found:
        p.locals = set(p.parameters)
    size = len(tokens)
    for index, token in enumerate(tokens):
        if index in starts:
            owner.append(starts[index])
        while owner and index >= owner[-1].end:
            owner.pop()
        if not owner or token.kind != NAME or index + 1 >= size or not index:
            continue
        before, after = tokens[index - 1], tokens[index + 1]
        if before.kind == NAME:
            if before.value in _TYPES_ARE_NOT:
                continue
        elif before.value not in (">", "]", ")"):
            continue
        if (after.kind == MARK and after.value in ("=", ";", ",", ")", ":")) or (
            after.kind == NAME and after.value in ("in", "as")
        ):
            owner[-1].locals.add(token.value)
