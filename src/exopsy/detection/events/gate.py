r"""The text of one event -> its channel and number, without decoding; None where that is not sure.

Only the layout of the event's own XML as JSON, system part first, is read here (what the ``evtx``
library and most exporters write). The system part is walked name by name, so nothing that
stands in the event's data can pass for it. Whatever looks otherwise, and be it by one space, is decoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple


class Gate(NamedTuple):
    """Where an event is from, as its row will say."""

    channel: str | None
    event: str | None


_NAME = r'"[^"\\]*+"'
# Nothing is ever tried twice (possessive and atomic forms): a text that is made to be slow is not.
_SCALAR = rf"(?>{_NAME}|-?\d++|true|false|null)"
_FLAT = rf"\{{(?:{_NAME}:{_SCALAR}(?:,{_NAME}:{_SCALAR})*+)?+\}}"
_VALUE = rf"(?>{_SCALAR}|{_FLAT})"
_INNER = rf"\{{(?:{_NAME}:{_VALUE}(?:,{_NAME}:{_VALUE})*+)?+\}}"
_OTHERS = rf'(?:"(?!EventID"|Channel")[^"\\]*+":(?>{_SCALAR}|{_INNER}),)*+'
_NUMBER = (
    r'"EventID":(?>(\d++)|"(\d++)"|'
    r'\{"#attributes":\{"Qualifiers":"?\d*+"?\},"#text":"?(\d++)"?\}),'
)
_KIND = (
    r'\{"Event":\{'
    rf'(?:"#attributes":{_FLAT},)?+'
    rf'"System":\{{{_OTHERS}{_NUMBER}{_OTHERS}'
)
_CHANNEL = r'"Channel":"([^"\\]{2,200}+)"'
_HEAD = re.compile(_KIND + _CHANNEL, re.ASCII).match


def gate_of(text: str) -> Gate | None:
    """Return what a row of this text would say of its channel and number.

    Returns:
        None when the text has to be decoded to know.
    """
    found = _HEAD(text)
    if found is None:
        return None
    number = _number(found)
    return None if number is None else Gate(found[4], number)


def _number(found: re.Match[str]) -> str | None:
    plain, quoted, inside = found.group(1, 2, 3)
    number: str = plain or quoted or inside
    # what an integer of JSON is read as: 007 is none, and one of a thousand digits is text
    if (number[0] == "0" and len(number) > 1 and quoted is None) or len(number) > 18:
        return None
    return number


_TIME = '"TimeCreated":{'
# The names that stand between the number and the channel: what ``_OTHERS`` takes, spelled out.
_REST = re.compile(
    r'"TimeCreated":\{"#attributes":\{"SystemTime":"[^"\\]*+"\}\},"EventRecordID":\d++,'
    rf'(?:"Correlation":(?>null|\{{"#attributes":{_FLAT}\}}),)?+'
    rf'(?:"Execution":\{{"#attributes":{_FLAT}\}},)?+'
    r'"Channel":"([^"\\]{2,200}+)"',
    re.ASCII,
).match
_KIND_WHOLE = re.compile(_KIND, re.ASCII).fullmatch
_LONGEST = 2_000
_MOST = 1_024


class Gates:
    """``gate_of`` for many texts: what stands before the time is walked once for each kind of event.

    That part is the same to the byte in all events of one kind. So it is remembered with the number
    that it says; behind it only the names that usually come before the channel are looked for, and
    any other text is left to ``gate_of``.
    """

    def __init__(self) -> None:
        self._known: dict[str, str | None] = {}
        self._gates: dict[tuple[str, str], Gate] = {}

    def of(self, texts: Iterable[str]) -> list[Gate | None]:
        """Return what ``gate_of`` says of each text."""
        known, gates, rest, mark = self._known, self._gates, _REST, _TIME
        made: list[Gate | None] = []
        for text in texts:
            at = text.find(mark)
            head = text[:at] if 0 < at < _LONGEST else ""
            number = known[head] if head in known else self._look(head)
            if number is not None and (found := rest(text, at)) is not None:
                key = (found[1], number)
                made.append(gates[key] if key in gates else self._add(key))
            else:
                made.append(gate_of(text))
        return made

    def _look(self, head: str) -> str | None:
        """Return the number that is said before the time; None where it is not sure."""
        found = _KIND_WHOLE(head)
        number = None if found is None else _number(found)
        if len(self._known) >= _MOST:  # evidence can make up no end of them
            self._known.clear()
        self._known[head] = number
        return number

    def _add(self, key: tuple[str, str]) -> Gate:
        if len(self._gates) >= _MOST:
            self._gates.clear()
        made = self._gates[key] = Gate(*key)
        return made
