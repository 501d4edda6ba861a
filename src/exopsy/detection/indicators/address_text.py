"""Text -> the IP addresses in it. An IPv4 address mapped into IPv6 is that IPv4 address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from exopsy.detection.indicators.runs import RUN, is_word

Address = IPv4Address | IPv6Address

_COLONS = re.compile(rb"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_QUAD = re.compile(rb"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})")
LONGEST = 45
"""Characters of the longest IPv6 address."""


def addresses_in(text: bytes) -> Iterator[tuple[int, int, Address]]:
    """Yield (start, end, address) of every address that stands alone."""
    for found in RUN.finditer(text):
        if _QUAD.fullmatch(found[0]) and (four := parse_address(found[0])) is not None:
            yield found.start(), found.end(), four
    for found in _COLONS.finditer(text):
        if (six := six_in(text, found.start(), found.end())) is not None:
            yield six


def six_in(text: bytes, start: int, end: int) -> tuple[int, int, Address] | None:
    """Return the IPv6 address in a maximal piece of digits, colons and dots, if it is one."""
    if is_word(text, start - 1):  # ClientIp:2001:db8::1, Source:2001:db8::1
        start = text.index(b":", start, end)
    if text[start] == ord(":") and text[start : start + 2] != b"::":
        start += 1
    elif is_word(text, start - 1):
        return None
    while end > start and text[end - 1] in b".:" and text[end - 2 : end] != b"::":
        end -= 1
    if is_word(text, end) or not 2 <= end - start <= LONGEST:
        return None
    address = parse_address(text[start:end])
    return None if address is None else (start, end, address)


def parse_address(text: bytes) -> Address | None:
    """Read a whole text as an address."""
    try:
        if b":" not in text:
            return IPv4Address(text.decode("ascii"))
        six = IPv6Address(text.decode("ascii"))
    except ValueError:
        return None
    return six.ipv4_mapped or six
