"""Patterns that pass over the records which innocent traffic is full of.

A rule such as "an executable page that no build ships was asked for" needs only ``.aspx``, and half
of all innocent records hold that. The busiest shipped pages are taken out inside the automaton: the
pattern demands that what stands before the suffix is *not* one of their names, spelled out as
character classes, since the automaton knows no look-behind. Escaped forms are never taken out.
"""

from __future__ import annotations

import msgspec

from exopsy.detection.sieve.encodings import escaped_character, pattern_of
from exopsy.schema.columns import Codec

_MOST_BRANCHES = 1_500

Trie = dict[str, "Trie"]


class PassedOver(msgspec.Struct, frozen=True, kw_only=True):
    """Values that a pattern passes over."""

    suffix: str
    """The necessary literal, such as ``.aspx``, at the end of a value."""
    codec: Codec
    """Of its column."""
    values: frozenset[str]
    """Whole values (case-folded) to pass over: those that start with "/" and end in suffix."""
    csv: bool
    """The log's cells are quoted CSV."""
    absolute: bool
    """``http://host`` before one of the values is passed over as well."""

    def ways(self) -> tuple[list[str], list[str]] | None:
        """Return patterns of every way to step off the values, and of the values (no suffix).

        None when nothing can be passed over.
        """
        suffix = self.suffix
        known = {v for v in self.values if v[:1] == "/" and v.endswith(suffix) and v.isascii()}
        if not known or suffix[0] in _PIECES_OF_UNDECODABLE or "\\" in suffix:
            return None
        trie: Trie = {}
        for value in sorted(known):
            node = trie
            for character in reversed(value.removesuffix(suffix)):
                node = node.setdefault(character, {})
            node[""] = {}
        branches: list[str] = []
        wholes: list[str] = []
        _leave(trie, "", branches, wholes)
        return None if len(branches) + len(wholes) > _MOST_BRANCHES else (branches, wholes)


def excluding_pattern(over: PassedOver) -> str:
    """Return a pattern for the suffix at the end of a value that is not to be passed over."""
    encoded = pattern_of(over.suffix, over.codec, csv=over.csv)
    steps = over.ways()
    if steps is None:
        return encoded + end_of_value(csv=over.csv)
    branches, wholes = steps
    # The whole of a known value counts only where something else than its column begins before it.
    delimiter = "," if over.csv else " "
    before = _before_value(delimiter, absolute=over.absolute)
    others = "|".join([*branches, f"{before}(?:{'|'.join(wholes)})"])
    plain = pattern_of(over.suffix, "text", csv=over.csv)
    # The first value of a block has nothing before it.
    ways = [
        f"(?:{others}){plain}",
        rf"^[^\n{delimiter}]*{plain}",
        *_escaped(over.suffix, over.codec, csv=over.csv),
    ]
    ends = end_of_value(csv=over.csv)
    return f"(?:(?:{'|'.join(ways)}){ends}|{plain}{_other_end(csv=over.csv)})"


def excluding_triggers(over: PassedOver) -> tuple[str, ...]:
    """Return what ``sieve.triggers`` asks for: the same spelled out, as many short patterns.

    Each is a literal with a character class before it, which the automaton finds at little cost.
    """
    steps = over.ways()
    if steps is None:
        return (excluding_pattern(over),)
    branches, wholes = steps
    plain = pattern_of(over.suffix, "text", csv=over.csv)
    delimiter = "," if over.csv else " "
    before = _before_value(delimiter, absolute=over.absolute, host=_HOST_MOST)
    end = end_of_value(csv=over.csv)
    found = [f"{branch}{plain}{end}" for branch in branches]
    found.append(f"{before}(?:{'|'.join(wholes)}){plain}{end}")
    if over.csv:
        found.append(plain + _other_end(csv=True))
    return tuple(found)


_HOST_MOST = 32
"""A host's name is looked at so far: what is longer is not passed over."""
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


def _before_value(delimiter: str, *, absolute: bool, host: int = 0) -> str:
    """Return a pattern for what stands before a known value that is only the end of a longer one.

    It is passed over behind the delimiter, and behind ``http(s)://host`` behind the delimiter: the
    referer of half of all requests ends so, and a target in absolute form means its path. All other
    ways are spelled out, from the value backwards.

    Args:
        delimiter: what stands between values.
        absolute: whether ``http(s)://host`` may stand before the value.
        host: characters of the host that are looked at; 0: all of them.
    """
    d = f"\\x{ord(delimiter):02x}"
    if not absolute:
        return f"[^{d}]"
    one = "[a-z0-9.:-]"
    name = f"{one}{{1,{host}}}" if host else f"{one}+"
    ways = [
        f"[^a-z0-9.:{d}-]",
        f"[^a-z0-9.:/-]{name}",
        f"[^/]/{name}",
        f"[^:]//{name}",
        f"[^sp]://{name}",
        f"[^p]s://{name}",
        f"[^t]ps?://{name}",
        f"[^t]tps?://{name}",
        f"[^h]ttps?://{name}",
        f"[^{d}]https?://{name}",
    ]
    if host:
        ways.append(f"{one}{{{host + 1}}}")
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
