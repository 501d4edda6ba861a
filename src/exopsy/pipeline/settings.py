"""What one run is asked to do; built once in ``cli`` and handed down."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import msgspec

from exopsy.core.content import CONTENT
from exopsy.core.limits import Limits
from exopsy.detection.selection import Selection


class RunSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of ``examine``."""

    collection: Path
    case: Path
    """Folder for the case; made if missing."""
    since: date | None = None
    """First day of the question; None: from when each hole is known to have been used."""
    until: date | None = None
    """Last day of the question; None: the last day of the evidence."""
    plain: bool = False
    """Parse and evaluate every record instead of sieving first."""
    workers: int = 2
    passwords: tuple[bytes, ...] = ()
    trusted: tuple[str, ...] = ()
    """Addresses and networks of the organisation's own scanners and monitoring."""
    content: tuple[Path, ...] = (CONTENT,)
    """Folders of content and of rules from outside; the first is ours."""
    selection: Selection = Selection()
    """Which rules from outside are wanted."""
    indicators: tuple[Path, ...] = ()
    """Files of indicators."""
    hashes: tuple[Path, ...] = ()
    """Files of hashes, which are compared with files only."""
    baselines: tuple[Path, ...] = ()
    """Files that say what clean servers hold."""
    yara: tuple[Path, ...] = ()
    """Folders or files of YARA rules that are asked about pages, beside ours."""
    cache: Path | None = None
    """Folder for compiled rules."""
    started: datetime
    """For the log only: nothing in the case depends on it."""
    limits: Limits = Limits()

    def options(self) -> dict[str, object]:
        """Return what the case states of these settings: all that can change its content.

        How it was read (plain or sieved, how many workers) can't, and stays out.
        """
        own_only = len(self.content) == 1
        chosen = (
            {}
            if own_only
            else {"rules_from_outside": msgspec.to_builtins(self.selection, order="deterministic")}
        )
        return {
            "since": None if self.since is None else self.since.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
            "trusted": sorted(self.trusted),
            "own_content_only": own_only,
            **chosen,
        }
