"""A STIX pattern -> the comparisons in it, and what else it said.

Patterns are not evaluated: they speak of observations, and one line of a log is none. Every
comparison with a value is taken by itself, whatever joins them; what that loses is named. The reader
is ours because the official one is a generated parser with a runtime of its own that builds a tree
for each pattern, and all that is wanted are atoms that one regular expression finds.

References:
    https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html#_e8slinrhxcc9
"""

from __future__ import annotations

import re

import msgspec

MOST_CHARACTERS = 100_000
_STRING = r"'(?:[^'\\]|\\.)*'"
_TOKEN = re.compile(
    rf"""(?P<space>\s+|/\*.*?\*/|//[^\n]*)
    |(?P<object>[a-z0-9][a-z0-9-]*:(?:[\w-]+|{_STRING})(?:\.(?:[\w-]+|{_STRING})|\[(?:\d+|\*)\])*)
    |(?P<string>[tbh]?{_STRING})
    |(?P<number>[+-]?\d+(?:\.\d+)?)
    |(?P<operator><=|>=|!=|<>|==|=|<|>)
    |(?P<word>[A-Za-z]+)
    |(?P<mark>[\[\](),])""",
    re.VERBOSE | re.DOTALL,
)
_LIKE_SUBSET = frozenset({"LIKE", "ISSUBSET"})


class Atom(msgspec.Struct, frozen=True):
    """One comparison."""

    path: str
    """``ipv4-addr:value``, ``file:hashes.'SHA-256'`` with the quotes left out."""
    operator: str
    """``=``, ``IN``, ``LIKE``, ``ISSUBSET``."""
    value: str


class Pattern(msgspec.Struct, frozen=True):
    """What a pattern says."""

    atoms: tuple[Atom, ...]
    losses: tuple[str, ...]
    """What was left out: ``AND``, ``NOT``, ``FOLLOWEDBY``, ``operator MATCHES``."""


def read_pattern(text: str) -> Pattern:
    """Read the comparisons of a pattern.

    Raises:
        ValueError: it is no pattern; says at which character.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"longer than {MOST_CHARACTERS} characters")
    tokens = _tokens(text)
    atoms: list[Atom] = []
    losses: list[str] = []
    at = 0
    while at < len(tokens):
        kind, piece = tokens[at]
        at += 1
        if kind == "word" and piece in ("AND", "FOLLOWEDBY", "WITHIN", "REPEATS", "START"):
            losses.append(piece)
        if kind != "object":
            continue
        negated = at < len(tokens) and tokens[at] == ("word", "NOT")
        at += negated
        if at >= len(tokens) or tokens[at][0] not in ("operator", "word"):
            raise ValueError(f"nothing is compared with {piece}")
        operator = tokens[at][1].replace("==", "=")
        at += 1
        values, at = _values(tokens, at, is_list=operator == "IN")
        if negated or operator in ("!=", "<>"):
            losses.append("NOT")
        elif operator in ("=", "IN") or operator in _LIKE_SUBSET:
            path = piece.replace("'", "")
            atoms += (Atom(path, operator, value) for value in values)
        else:
            losses.append(f"operator {operator}")
    if not tokens or tokens[0] not in (("mark", "["), ("mark", "(")):
        raise ValueError("it does not begin with '['")
    marks = [piece for kind, piece in tokens if kind == "mark"]
    if any(marks.count(opening) != marks.count(closing) for opening, closing in ("[]", "()")):
        raise ValueError("a bracket is not closed")
    return Pattern(tuple(atoms), tuple(dict.fromkeys(losses)))


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"not understood from character {at + 1} on")
        at = token.end()
        if token.lastgroup != "space":
            found.append((str(token.lastgroup), token[0]))
    return found


def _values(tokens: list[tuple[str, str]], at: int, *, is_list: bool) -> tuple[list[str], int]:
    values: list[str] = []
    if not is_list:
        if at < len(tokens) and tokens[at][0] in ("string", "number", "word"):
            return [_literal(*tokens[at])], at + 1
        raise ValueError("a comparison has no value")
    if at >= len(tokens) or tokens[at] != ("mark", "("):
        raise ValueError("IN has no list")
    at += 1
    while at < len(tokens) and tokens[at] != ("mark", ")"):
        if tokens[at][0] in ("string", "number"):
            values.append(_literal(*tokens[at]))
        at += 1
    if at == len(tokens):
        raise ValueError("a list is not closed")
    return values, at + 1


def _literal(kind: str, piece: str) -> str:
    if kind != "string":
        return piece
    inner = piece[piece.index("'") + 1 : -1]
    return re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL)
