"""What ``exopsy exposure`` answers: a build, and the holes that it has or had."""

from __future__ import annotations

from typing import Literal

import msgspec

HoleState = Literal[
    "vulnerable", "presumed-vulnerable", "needs-config-check", "patched", "not-affected"
]


class Hole(msgspec.Struct, kw_only=True):
    """One hole, as the build decides it."""

    cve: str
    state: HoleState
    why: str
    """The end of a sentence."""
    fixed_in: str = ""
    """The update that closes it on this product; empty where no build is known to."""
    published: str | None = None
    """``2021-03-02``."""
    is_public: bool | None = None
    """Whether it was published on the day that was asked about; None: no day was, or not known."""
    exploited: str = ""
    """Whether it is known to have been used, as the sources say; empty: nothing is known of it."""
    note: str = ""
    """What a build number alone does not decide."""


class BuildExposure(msgspec.Struct, kw_only=True):
    """A build, and its holes."""

    build: str
    """``15.1.2106.2``; of three numbers where the update was not given."""
    name: str
    is_listed: bool
    released: str | None = None
    date: str | None = None
    """The day that was asked about."""
    remarks: list[str] = []
    """Sentences: the nearest builds of one that is not listed; a day before its release."""
    holes: list[Hole] = []
    """Open ones first, of these the exploited ones, then by name."""
