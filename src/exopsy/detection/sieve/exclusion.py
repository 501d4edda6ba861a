"""Patterns that pass over the records which innocent traffic is full of.

A rule such as "an executable page that no build ships was asked for" needs only ``.aspx``, and half
of all innocent records hold that. The busiest shipped pages are taken out inside the automaton: the
pattern demands that what stands before the suffix is *not* one of their names, spelled out as
character classes, since the automaton knows no look-behind. Escaped forms are never taken out.
"""

from __future__ import annotations

from collections.abc import Iterable

from exopsy.detection.sieve.encodings import pattern_of
from exopsy.schema.columns import Codec

_MOST_BRANCHES = 1_500

Trie = dict[str, "Trie"]


def excluding_pattern(
    suffix: str,
    codec: Codec,
    values: Iterable[str],
    *,
    csv: bool,
    delimiter: str,
    end: str,
) -> str:
    """Return a pattern for ``suffix`` not at the end of one of ``values``.

    Args:
        suffix: the necessary literal, such as ``.aspx``.
        codec: of its column.
        values: whole values (case-folded) to pass over; those that don't end in suffix are ignored.
        csv: the log's cells are quoted CSV.
        delimiter: the byte that stands before the column's value in a record.
        end: pattern of what stands behind it.
    """
    plain = pattern_of(suffix, "text", csv=csv)
    encoded = pattern_of(suffix, codec, csv=csv)
    trie: Trie = {}
    known = sorted({v for v in values if v.endswith(suffix) and v.isascii()})
    if not known:
        return encoded + end
    for value in known:
        node = trie
        for character in reversed(value.removesuffix(suffix)):
            node = node.setdefault(character, {})
        node[""] = {}
    branches: list[str] = []
    wholes: list[str] = []
    _leave(trie, "", branches, wholes)
    if len(branches) + len(wholes) > _MOST_BRANCHES:
        return encoded + end
    # The whole of a known value counts only where something else than its column begins before it.
    before = _before_value(delimiter)
    pattern = f"(?:{'|'.join(branches)}|{before}(?:{'|'.join(wholes)})){plain}"
    if encoded != plain:
        pattern = f"(?:{pattern}|{_escaped_only(suffix, codec)})"
    return pattern + end


def _before_value(delimiter: str) -> str:
    """Return a pattern for what stands before a known value that is only the end of a longer one.

    It is passed over behind the delimiter, and behind ``http(s)://host`` behind the delimiter: the
    referer of half of all requests ends so, and a target in absolute form means its path. All other
    ways are spelled out, from the value backwards.
    """
    d = f"\\x{ord(delimiter):02x}"
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


def _escaped_only(suffix: str, codec: Codec) -> str:
    """Return a pattern for the suffix with its first character escaped (``%2easpx``)."""
    first, rest = suffix[0], suffix[1:]
    return f"%(?:25)*(?:u00)?{ord(first):02x}{pattern_of(rest, codec, csv=False)}"
