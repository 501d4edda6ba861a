"""Tokens -> the same with constant expressions worked out: what a page hides stands there in plain.

One pass pushes tokens on a stack; whenever a bracket closes around nothing but constants, the call is
worked out (``"abc".Replace("b", "")``, ``Chr(101)``, ``FromBase64String("...")``, ``StrReverse``,
``new string(new char[] {...})``, ``String.Join``, ``Encoding.X.GetString`` ...), and constants on
both sides of a ``+`` become one. Names that are given one constant, and no other, are put in place in
the next pass; there are few passes, and what is made is bounded. No code of the page is run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from exopsy.detection.pages import constants
from exopsy.detection.pages.tokens import LIST, MARK, NAME, NUMBER, TEXT, Token

_ROUNDS = 4
_TEXT_LIMIT = 1 << 19
_BUDGET = 4 << 20
"""Characters that folding one page may make, all together."""
_CONSTANTS = frozenset((TEXT, NUMBER, LIST))
_CASTS = frozenset(("char", "string", "byte", "object", "int", "wchar"))
_NOT_CALLED = frozenset(
    (
        "return",
        "in",
        "and",
        "or",
        "not",
        "if",
        "elseif",
        "case",
        "then",
        "to",
        "is",
        "else",
        "throw",
        "await",
        "while",
        "new",
    )
)
_ASSIGN = frozenset(("=", "+="))
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z_0-9]{0,60}\Z")
_CHAIN = 8


class Folder:
    """Folds the tokens of one page; holds what was found on the way."""

    def __init__(self) -> None:
        self.made: list[tuple[str, int]] = []
        """Texts that were put together or decoded, with the place of the first piece."""
        self._left = _BUDGET

    def fold(self, tokens: Sequence[Token]) -> list[Token]:
        """Return the tokens, folded."""
        known: dict[str, Token] = {}
        found = list(tokens)
        for _ in range(_ROUNDS):
            self.made = []
            found = self._pass(found, known)
            more = _single_constants(found)
            if more.keys() == known.keys():
                break
            known = more
        return found

    def _pass(self, tokens: Sequence[Token], known: dict[str, Token]) -> list[Token]:
        stack: list[Token] = []
        # For each open bracket: where it stands, and how many tokens in it are no constants.
        opens: list[list[int]] = []
        size = len(tokens)
        for index, token in enumerate(tokens):
            kind, value = token.kind, token.value
            if kind == NAME:
                replaced = known.get(value)
                if replaced is not None and _is_read(tokens, index, size):
                    self._constant(
                        stack, opens, Token(replaced.kind, replaced.value, token.at, replaced.trick)
                    )
                    continue
                stack.append(token)
                if opens:
                    opens[-1][1] += 1
            elif kind in _CONSTANTS:
                self._constant(stack, opens, token)
            elif value in ("(", "[", "{"):
                opens.append([len(stack), 0])
                stack.append(token)
            elif value in (")", "]", "}"):
                if not opens:
                    stack.append(token)
                    continue
                self._close(stack, opens, token)
            else:
                stack.append(token)
                if opens and value != ",":
                    opens[-1][1] += 1
        return stack

    def _constant(self, stack: list[Token], opens: list[list[int]], token: Token) -> None:
        """Push a constant; join it to one before a ``+``."""
        floor = opens[-1][0] + 1 if opens else 0
        while True:
            cast = self._cast(stack, floor)
            if cast:
                if token.kind == NUMBER and cast == "char":
                    made = constants.character(token.value)
                    token = Token(TEXT, made, token.at, "made") if made else token
                del stack[-3:]
                if opens:
                    opens[-1][1] -= 3
                continue
            joined = self._joined(stack, floor, token)
            if joined is None:
                break
            del stack[-2:]
            if opens:
                opens[-1][1] -= 1
            token = joined
        stack.append(token)

    def _cast(self, stack: list[Token], floor: int) -> str:
        if (
            len(stack) >= floor + 3
            and stack[-1].value == ")"
            and stack[-1].kind == MARK
            and stack[-2].value in _CASTS
            and stack[-2].kind == NAME
            and stack[-3].value == "("
            and (len(stack) < 4 or stack[-4].kind != NAME or stack[-4].value in _NOT_CALLED)
        ):
            return stack[-2].value
        return ""

    def _joined(self, stack: list[Token], floor: int, token: Token) -> Token | None:
        if len(stack) < floor + 2 or stack[-1].kind != MARK:
            return None
        sign, before = stack[-1].value, stack[-2]
        if sign == "+" and before.kind == TEXT and token.kind == TEXT:
            if len(before.value) + len(token.value) > _TEXT_LIMIT:
                return None
            if not self._spend(len(before.value) + len(token.value)):
                return None
            # "a" + "b" over two lines is how long texts are written; that alone is no trick.
            trick = before.trick or token.trick or "joined"
            return Token(TEXT, before.value + token.value, before.at, trick)
        if before.kind == NUMBER and token.kind == NUMBER and sign in "+-*^":
            far = stack[-3] if len(stack) >= floor + 3 else None
            if far is not None and far.kind == MARK and far.value in "*/%-":
                return None
            made = constants.arithmetic(before.value, sign, token.value)
            return Token(NUMBER, made, before.at, "made") if made else None
        return None

    def _close(self, stack: list[Token], opens: list[list[int]], token: Token) -> None:
        start, impure = opens.pop()
        opener = stack[start].value
        inside = stack[start + 1 :] if not impure else []
        made: Token | None = None
        cut = start
        if not impure:
            if opener == "(":
                made, cut = self._call(stack, start, inside, opens)
            elif opener == "[":
                made, cut = self._index(stack, start, inside, opens)
            elif opener == "{" and inside:
                made, cut = self._list(stack, start, inside, opens)
        if made is None or not self._spend(len(made.value)):
            stack.append(token)
            if opens:
                opens[-1][1] += impure + 2
            return
        removed = sum(1 for t in stack[cut:start] if t.kind not in _CONSTANTS and t.value != ",")
        del stack[cut:]
        if opens:
            opens[-1][1] -= removed
        if made.kind == NAME:
            stack.append(made)
            if opens:
                opens[-1][1] += 1
            return
        if made.kind == TEXT and made.trick == "made":
            self.made.append((made.value, made.at))
        self._constant(stack, opens, made)

    def _spend(self, amount: int) -> bool:
        self._left -= amount
        return self._left > 0

    def _call(
        self, stack: list[Token], start: int, inside: list[Token], opens: list[list[int]]
    ) -> tuple[Token | None, int]:
        """Work out ``( ... )`` and what is called with it."""
        floor = opens[-1][0] + 1 if opens else 0
        names, receiver, cut = _callee(stack, start, floor)
        arguments = [t for t in inside if t.kind in _CONSTANTS]
        at = stack[cut].at
        if not names:
            if len(arguments) == 1 == len(inside) and receiver is None:
                before = stack[start - 1] if start else None
                if before is None or (before.kind == MARK and before.value not in (")", "]")):
                    return arguments[0], start
                if before.kind == NAME and before.value in _NOT_CALLED:
                    return arguments[0], start
            return None, start
        if len(arguments) * 2 - 1 != len(inside) and inside:
            return None, start
        made = constants.call(names, receiver, arguments)
        if made is None:
            return None, start
        kind, value = made
        return Token(kind, value, at, "made" if kind != NAME else ""), cut

    def _index(
        self, stack: list[Token], start: int, inside: list[Token], opens: list[list[int]]
    ) -> tuple[Token | None, int]:
        before = stack[start - 1] if start else None
        if before is not None and before.kind in (TEXT, LIST) and len(inside) == 1:
            made = constants.element(before.kind, before.value, inside[0].value)
            return (Token(TEXT, made, before.at, "made") if made else None), start - 1
        if before is None or (before.kind == MARK and before.value not in (")", "]")):
            return self._list(stack, start, inside, opens)  # ["a", "b"] of JScript
        if before.kind == NAME and before.value in ("return", "in"):
            return self._list(stack, start, inside, opens)
        return None, start

    def _list(
        self, stack: list[Token], start: int, inside: list[Token], opens: list[list[int]]
    ) -> tuple[Token | None, int]:
        items = [t for t in inside if t.kind in (TEXT, NUMBER)]
        if not items or len(items) * 2 - 1 not in (len(inside), len(inside) - 1):
            return None, start
        floor = opens[-1][0] + 1 if opens else 0
        cut = start
        # new char[] { ... }, new[] { ... }, New String() { ... }
        while cut > floor and cut > start - 6:
            before = stack[cut - 1]
            if before.kind == MARK and before.value in "[]()":
                cut -= 1
            elif before.kind == NAME and before.value != "return":
                cut -= 1
                if before.value == "new":
                    break
            elif before.kind == NUMBER and cut < start:
                cut -= 1
            else:
                break
        if cut < start and stack[cut].value != "new":
            cut = start
        if cut == start and stack[start].value == "{" and start and stack[start - 1].value != "=":
            return None, start
        return Token(LIST, constants.pack(t.value for t in items), stack[start].at), cut


def _callee(
    stack: list[Token], start: int, floor: int
) -> tuple[tuple[str, ...], Token | None, int]:
    """Return the names before a bracket, a constant that they are called on, and where it begins."""
    names: list[str] = []
    at = start - 1
    while at >= floor and len(names) < _CHAIN:
        token = stack[at]
        if token.kind != NAME or token.value in _NOT_CALLED:
            break
        names.append(token.value)
        at -= 1
        if at < floor or stack[at].kind != MARK or stack[at].value not in (".", "?."):
            break
        at -= 1
        if at >= floor and stack[at].kind in _CONSTANTS and names:
            return tuple(reversed(names)), stack[at], at
    cut = at + 1
    if names and cut > floor and stack[cut - 1].kind == NAME and stack[cut - 1].value == "new":
        return ("new", *reversed(names)), None, cut - 1
    return tuple(reversed(names)), None, cut


def _is_read(tokens: Sequence[Token], index: int, size: int) -> bool:
    """Say whether a name stands there for its value."""
    if index and tokens[index - 1].kind == MARK and tokens[index - 1].value in (".", "?."):
        return False
    if index and tokens[index - 1].kind == NAME and tokens[index - 1].value in _DECLARES:
        return False
    if index > 1 and tokens[index - 2].value == "reverse" and tokens[index - 1].value == "(":
        return False
    if index + 1 >= size:
        return True
    after = tokens[index + 1]
    if after.kind == MARK:
        return after.value not in ("(", "=", "+=", "++", "--", ":", "=>")
    return not (after.kind == NAME and after.value == "as")


_DECLARES = frozenset(
    ("dim", "const", "string", "var", "byref", "ref", "out", "byval", "char", "byte", "int")
)


def _single_constants(tokens: Sequence[Token]) -> dict[str, Token]:
    """Return the names that hold one constant, perhaps put together piece by piece."""
    values: dict[str, Token] = {}
    spoilt: set[str] = set()
    turned: set[str] = set()  # Array.Reverse(a)
    size = len(tokens)
    for index in range(1, size):
        token = tokens[index]
        if token.kind != MARK or token.value not in _ASSIGN:
            if (
                token.kind == NAME
                and token.value in ("ref", "out", "in", "each")
                and index + 1 < size
            ):
                spoilt.add(tokens[index + 1].value)
            elif token.value == "reverse" and index + 2 < size and tokens[index + 1].value == "(":
                turned.add(tokens[index + 2].value)
            continue
        place = index - 1
        if tokens[place].value in _CASTS and index >= 3 and tokens[place - 1].value == "as":
            place -= 2  # Dim a As String = "x"
        elif tokens[place].value == ")" and index >= 3 and tokens[place - 1].value == "(":
            place -= 2  # Dim a() = {...}
        name = tokens[place]
        if name.kind != NAME:
            continue
        if place and tokens[place - 1].kind == MARK and tokens[place - 1].value in (".", "?."):
            continue
        key = name.value
        right = tokens[index + 1] if index + 1 < size else None
        end = tokens[index + 2] if index + 2 < size else None
        plain = end is None or (end.kind == MARK and end.value in (";", ",", ")", "}"))
        if right is None or right.kind not in _CONSTANTS or not plain:
            if not (
                right is not None
                and right.kind == NAME
                and right.value == key
                and key in values
                and _appended(tokens, index, key, values)
            ):
                spoilt.add(key)
            continue
        if token.value == "+=" and key in values and right.kind == TEXT == values[key].kind:
            _append(values, key, right)
        elif key in values and values[key] != right and values[key].value != "":
            spoilt.add(key)
        else:
            values[key] = right
    for key in turned & values.keys():
        kind, value = constants.turned(values[key])
        values[key] = Token(kind, value, values[key].at, "made")
    return {k: v for k, v in values.items() if k not in spoilt}


def _appended(tokens: Sequence[Token], index: int, key: str, values: dict[str, Token]) -> bool:
    """Take ``a = a + "x"``."""
    rest = tokens[index + 2 : index + 5]
    if len(rest) < 2 or rest[0].value != "+" or rest[1].kind != TEXT:
        return False
    if len(rest) == 3 and not (rest[2].kind == MARK and rest[2].value in (";", "}")):
        return False
    if values[key].kind != TEXT:
        return False
    _append(values, key, rest[1])
    return True


def _append(values: dict[str, Token], key: str, more: Token) -> None:
    before = values[key]
    if len(before.value) + len(more.value) <= _TEXT_LIMIT:
        values[key] = Token(TEXT, before.value + more.value, before.at, "joined")


def plain_members(tokens: Sequence[Token], on: Callable[[str, int], None]) -> list[Token]:
    """Turn ``x["load"](...)`` into ``x.load(...)``; ``on`` hears of each."""
    out: list[Token] = []
    size = len(tokens)
    index = 0
    while index < size:
        token = tokens[index]
        if (
            token.kind == MARK
            and token.value == "["
            and index + 3 < size
            and tokens[index + 1].kind == TEXT
            and tokens[index + 2].value == "]"
            and tokens[index + 3].value == "("
            and _IDENTIFIER.match(tokens[index + 1].value)
            and out
            and (out[-1].kind == NAME or out[-1].value in (")", "]"))
        ):
            member = tokens[index + 1]
            on(member.value.lower(), member.at)
            out.append(Token(MARK, ".", member.at))
            out.append(Token(NAME, member.value.lower(), member.at, member.trick))
            index += 3
            continue
        out.append(token)
        index += 1
    return out
