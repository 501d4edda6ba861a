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
        for character in reversed(delimiter + value.removesuffix(suffix)):
            node = node.setdefault(character, {})
        node[""] = {}
    branches: list[str] = []
    _leave(trie, "", branches)
    if len(branches) > _MOST_BRANCHES:
        return encoded + end
    pattern = f"(?:{'|'.join(branches)}){plain}"
    if encoded != plain:
        pattern = f"(?:{pattern}|{_escaped_only(suffix, codec)})"
    return pattern + end


def _leave(node: Trie, behind: str, branches: list[str]) -> None:
    """Collect every way to step off the trie; ``behind`` is the pattern of what was matched."""
    if "" in node:
        return
    stay = "".join(f"\\x{ord(c):02x}" for c in sorted(node))
    upper = "".join(f"\\x{ord(c.upper()):02x}" for c in sorted(node) if c.isalpha())
    branches.append(f"[^{stay}{upper}]{behind}")
    for character, child in sorted(node.items()):
        _leave(child, f"\\x{ord(character):02x}{behind}", branches)


def _escaped_only(suffix: str, codec: Codec) -> str:
    """Return a pattern for the suffix with its first character escaped (``%2easpx``)."""
    first, rest = suffix[0], suffix[1:]
    return f"%(?:25)*(?:u00)?{ord(first):02x}{pattern_of(rest, codec, csv=False)}"
