r"""The text of one event -> its channel and number, without decoding; None where that is not sure.

Only the layout of the event's own XML as JSON, system part first, is read here (what the ``evtx``
library and most exporters write). The system part is walked name by name, so nothing that
stands in the event's data can pass for it. Whatever looks otherwise, and be it by one space, is decoded.
"""

from __future__ import annotations

import re
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
_HEAD = re.compile(
    r'\{"Event":\{'
    rf'(?:"#attributes":{_FLAT},)?+'
    rf'"System":\{{{_OTHERS}{_NUMBER}{_OTHERS}'
    r'"Channel":"([^"\\]{2,200}+)"',
    re.ASCII,
).match


def gate_of(text: str) -> Gate | None:
    """Return what a row of this text would say of its channel and number.

    Returns:
        None when the text has to be decoded to know.
    """
    found = _HEAD(text)
    if found is None:
        return None
    plain, quoted, inside, channel = found.groups()
    number = plain or quoted or inside
    # what an integer of JSON is read as: 007 is none, and one of a thousand digits is text
    if (number[0] == "0" and len(number) > 1 and quoted is None) or len(number) > 18:
        return None
    return Gate(channel, number)
