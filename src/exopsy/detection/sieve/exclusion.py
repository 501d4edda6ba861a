"""Patterns that pass over the records which innocent traffic is full of.

A rule such as "an executable page that no build ships was asked for" needs only ``.aspx``, and half
of all innocent records hold that. The busiest shipped pages are taken out inside the automaton: the
pattern demands that what stands before the suffix is *not* one of their names, spelled out as
character classes, since the automaton knows no look-behind. Escaped forms are never taken out.
"""

from __future__ import annotations

from collections.abc import Iterable

from exopsy.detection.sieve.encodings import escaped_character, pattern_of
from exopsy.schema.columns import Codec

_MOST_BRANCHES = 1_500

Trie = dict[str, "Trie"]


def excluding_pattern(
    suffix: str, codec: Codec, values: Iterable[str], *, csv: bool, absolute: bool
) -> str:
    """Return a pattern for ``suffix`` at the end of a value that is not one of ``values``.

    Args:
        suffix: the necessary literal, such as ``.aspx``.
        codec: of its column.
        values: whole values (case-folded) to pass over: those that start with "/" and end in suffix.
        csv: the log's cells are quoted CSV.
        absolute: ``http://host`` before one of the values is passed over as well.
    """
    encoded = pattern_of(suffix, codec, csv=csv)
    known = sorted({v for v in values if v[:1] == "/" and v.endswith(suffix) and v.isascii()})
    if not known or suffix[0] in _PIECES_OF_UNDECODABLE or "\\" in suffix:
        return encoded + end_of_value(csv=csv)
    trie: Trie = {}
    for value in known:
        node = trie
        for character in reversed(value.removesuffix(suffix)):
            node = node.setdefault(character, {})
        node[""] = {}
    branches: list[str] = []
    wholes: list[str] = []
    _leave(trie, "", branches, wholes)
    if len(branches) + len(wholes) > _MOST_BRANCHES:
        return encoded + end_of_value(csv=csv)
    # The whole of a known value counts only where something else than its column begins before it.
    delimiter = "," if csv else " "
    before = _before_value(delimiter, absolute=absolute)
    others = "|".join([*branches, f"{before}(?:{'|'.join(wholes)})"])
    plain = pattern_of(suffix, "text", csv=csv)
    # The first value of a block has nothing before it.
    ways = [
        f"(?:{others}){plain}",
        rf"^[^\n{delimiter}]*{plain}",
        *_escaped(suffix, codec, csv=csv),
    ]
    return f"(?:(?:{'|'.join(ways)}){end_of_value(csv=csv)}|{plain}{_other_end(csv=csv)})"


_PIECES_OF_UNDECODABLE = frozenset("0123456789abcdefx")
_ESCAPED_END = "%(?:25)*(?:u00)?0a"


def end_of_value(*, csv: bool) -> str:
    """Return what stands behind a value; ``$`` also matches before an escaped line end."""
    ends = '[,"\\r\\n\\x00]' if csv else "[ \\r\\n\\x00]"
    return rf"(?:{ends}|\z|{_ESCAPED_END})"


def _other_end(*, csv: bool) -> str:
    """Return the ends behind which a known value need not be the whole value.

    It is the tail of a longer one before an escaped line end, and where a quoted cell with a comma
    in it ends (``"/a,/owa/auth/logon.aspx"``).
    """
    return rf'(?:["\r\n\x00]|\z|{_ESCAPED_END})' if csv else _ESCAPED_END


def _escaped(suffix: str, codec: Codec, *, csv: bool) -> list[str]:
    """Return patterns for the suffix with one of its characters written otherwise (``%2easpx``)."""
    ways = []
    for at, character in enumerate(suffix):
        if codec == "text" or character.isalnum():
            continue  # escaped letters and digits are the markers' business
        form = escaped_character(character)
        if codec == "plus" and character == " ":
            form = rf"(?:\+|{form})"
        head = pattern_of(suffix[:at], "text", csv=csv) if at else ""
        rest = suffix[at + 1 :]
        ways.append(head + form + (pattern_of(rest, codec, csv=csv) if rest else ""))
    return ways


def _before_value(delimiter: str, *, absolute: bool) -> str:
    """Return a pattern for what stands before a known value that is only the end of a longer one.

    It is passed over behind the delimiter, and behind ``http(s)://host`` behind the delimiter: the
    referer of half of all requests ends so, and a target in absolute form means its path. All other
    ways are spelled out, from the value backwards.
    """
    d = f"\\x{ord(delimiter):02x}"
    if not absolute:
        return f"[^{d}]"
    host = "[a-z0-9.:-]"
    ways = [
        f"[^a-z0-9.:{d}-]",
        f"[^a-z0-9.:/-]{host}+",
        f"[^/]/{host}+",
        f"[^:]//{host}+",
        f"[^sp]://{host}+",
        f"[^p]s://{host}+",
        f"[^t]ps?://{host}+",
        f"[^t]tps?://{host}+",
        f"[^h]ttps?://{host}+",
        f"[^{d}]https?://{host}+",
    ]
    return f"(?:{'|'.join(ways)})"


def _leave(node: Trie, behind: str, branches: list[str], wholes: list[str]) -> None:
    """Collect every way to step off the trie, and every known value.

    Args:
        node: where the walk is.
        behind: pattern of what was matched so far.
        branches: patterns of steps that leave the trie.
        wholes: patterns of known values; values start with "/", so none is the end of another
            without a step of its own.
    """
    if "" in node:
        wholes.append(behind)
    stay = "".join(f"\\x{ord(c):02x}" for c in sorted(node) if c)
    upper = "".join(f"\\x{ord(c.upper()):02x}" for c in sorted(node) if c.isalpha())
    if stay:
        branches.append(f"[^{stay}{upper}]{behind}")
    for character, child in sorted(node.items()):
        if character:
            _leave(child, f"\\x{ord(character):02x}{behind}", branches, wholes)
