r"""Data without names of an event that records a cmdlet -> fields with names.

Which events these are, and what each item means, is ``content/mappings/exchange_cmdlets.yml``. The
parameters stand in one item, in one of two ways; of both, values are not escaped:

    -Identity "OAB (Default Web Site)" -ExternalUrl "http://x/<a b="c">"
    {Identity=OAB (Default Web Site), ExternalUrl=http://x/}

so a parameter begins where a name can begin (behind a closing quote, behind a comma), and its value
ends where the next one begins. A value that holds such a beginning reads as two parameters: nobody
can tell. Message texts are in the language of the server and never looked at.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from exopsy.core.content import CONTENT, read_yaml
from exopsy.evidence.events.field_bag import FieldBag

_DASHED = re.compile(r'(?:^|(?<=") )-([A-Za-z]\w{0,127}) "')
_BRACED = re.compile(r"(?:(?<=^\{)|, )([A-Za-z]\w{0,127})=")


@functools.cache
def _mapping() -> dict[str, Any]:
    found: dict[str, Any] = read_yaml(CONTENT / "mappings" / "exchange_cmdlets.yml")
    for name in ("channels", "providers"):
        found[name] = frozenset(found[name])
    return found


def cmdlet_mark() -> str:
    """Return what the text of every event that records a cmdlet has in it, if unescaped."""
    return str(_mapping()["mark"])


def is_cmdlet(fields: Mapping[str, str]) -> bool:
    """Say whether an event is one of those that record cmdlets."""
    mapping = _mapping()
    return (
        fields.get("Channel") in mapping["channels"]
        or fields.get("Provider_Name") in mapping["providers"]
    )


def name_cmdlet(bag: FieldBag) -> None:
    """Add ``Cmdlet``, ``Parameters``, ``Caller`` and the others, if the event is of that kind."""
    fields, mapping = bag.fields, _mapping()
    if not is_cmdlet(fields):
        return
    items = bag.items
    for place, meaning in mapping["items"].items():
        if place < len(items):
            bag.put(meaning["field"], items[place].removeprefix(meaning.get("prefix", "")))
    bag.put("Succeeded", mapping["succeeded"].get(fields.get("EventID")))
    for name, value in parameters_of(fields.get("Parameters", "")):
        bag.put(f"Parameters.{name}", value)


def parameters_of(text: str) -> list[tuple[str, str]]:
    """Return names and values of a cmdlet's parameters, in order."""
    text = text.strip()
    braced = text.startswith("{") and text.endswith("}")
    if braced:
        text = text[:-1]
    starts = list((_BRACED if braced else _DASHED).finditer(text))
    if not starts:
        return []
    ends = [start.start() for start in starts[1:]] + [len(text)]
    return [
        (start[1], text[start.end() : end].removesuffix("" if braced else '"'))
        for start, end in zip(starts, ends, strict=True)
    ]
