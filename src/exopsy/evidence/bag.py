"""A bag of typed pairs in one cell (``S:CMD=Get-Mailbox;S:RS=0;Dbl:WLM.TS=16``) -> its values.

A pair whose value holds ``;`` or ``=`` may be wrapped whole in ``'``, with ``'`` inside doubled:
``'S:CMD=Set-OabVirtualDirectory.ExternalUrl=''http://o/''.Identity=''guid''';S:REQID=``.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

# a wrapped pair up to a quote that is not doubled (or up to the end), or a bare pair
_PAIR = re.compile(r"'((?:[^']|'')*)(?:'[^;]*|\Z)|([^;]*)", re.DOTALL)
# S:CMD=...  Dbl:WLM.TS=16  I32:ADS.C[DC]=1; the type may be missing
_TYPED = re.compile(r"\s*(?:(?:S|Dbl|I32|I64|F|B|Dt):)?([^=]*)=(.*)", re.DOTALL)


def pairs(bag: str) -> Iterator[tuple[str, str]]:
    """Yield key and value of each pair in order; what is no pair is passed over."""
    at = 0
    while at < len(bag):
        found = _PAIR.match(bag, at)
        assert found is not None, "the bare pair may be empty"
        wrapped = found[1]
        text = found[2] if wrapped is None else wrapped.replace("''", "'")
        if typed := _TYPED.match(text):
            yield typed[1], typed[2]
        at = found.end() + 1  # past the ;


def explode_into(fields: dict[str, str], column: str, wanted: Container[str]) -> None:
    """Add the wanted pairs of one column's bag to the fields.

    The first pair of a name counts: a later one could have been put there by whoever wrote the URL.
    """
    for name, value in pairs(fields.get(column, "")):
        if value and name in wanted:
            fields.setdefault(name, value)
