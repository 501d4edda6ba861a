"""Indicators (addresses, names, hashes that somebody published) and where they were met.

An indicator is somebody else's claim about a value. A hit says that the value stands in the
evidence and whose claim it is, nothing more: alone it is at most ``suspicious``.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from exopsy.schema.case import Level

Kind = Literal[
    "address",
    "network",
    "domain",
    "url",
    "user-agent",
    "md5",
    "sha1",
    "sha256",
    "sha512",
    "imphash",
    "file-name",
    "path",
    "email",
    "account",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
HASHES: frozenset[Kind] = frozenset({"md5", "sha1", "sha256", "sha512", "imphash"})
HIT_LEVEL: Level = "medium"
"""The most that an indicator hit alone may weigh: a sign for a person, ``suspicious``."""


class Details(msgspec.Struct, frozen=True, kw_only=True, array_like=True, omit_defaults=True):
    """What its source says about an indicator; "" where it says nothing. Hostile text."""

    id: str = ""
    """The object's or attribute's own id (``indicator--...``, a UUID)."""
    label: str = ""
    confidence: str = ""
    """As the source writes it: scales differ and are not translated."""
    valid_from: str = ""
    valid_until: str = ""
    tlp: str = ""
    state: Literal["", "expired", "revoked"] = ""
    """Why its source no longer stands by it."""


class Indicator(msgspec.Struct, frozen=True, kw_only=True):
    """One value to look for."""

    number: int
    """Its place in the set of this run: the same for the same files in the same order."""
    kind: Kind
    value: str
    """Refanged and in the normal form of its kind; case is kept where it could carry meaning."""
    source: str
    """Name of the file that it came from."""
    line: int
    """1-based line in that file; of a JSON document the number of the object or attribute."""
    details: Details = Details()


class IndicatorHit(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the evidence that holds the value of one indicator: the first place in it."""

    indicator: int
    """``Indicator.number``."""
    kind: Kind
    value: str
    label: str
    source: str
    """Whose claim it is: the name of the indicator's file."""
    artifact: str
    offset: int
    """Of the value's first byte in the (uncompressed) artifact."""
    line: int
    """1-based; of an event log the record's number."""
    matched: bytes
    """The bytes of the evidence: with escapes as written, and of a domain the whole name."""


class IndicatorSummary(msgspec.Struct, kw_only=True):
    """The hits of one indicator on one host on one day."""

    indicator: int
    kind: Kind
    value: str
    label: str
    source: str
    host: str
    day: str
    """``2021-03-03`` (UTC), "" where the records carry no time."""
    count: int
    """Lines; at least as many where ``is_capped``."""
    first_seen: str | None
    last_seen: str | None
    is_capped: bool = False
    """A hub: it stands in so many lines of an artifact that the rest was not looked at."""
    samples: list[IndicatorHit] = msgspec.field(default_factory=list)
    """At most five, the first ones in the order of artifact and offset."""
