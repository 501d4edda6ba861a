"""The exit codes of the command line; documented in README, never renumbered."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a process tells its caller. Codes of a verdict are those of the strongest host."""

    NO_EVIDENCE_FOUND = 0
    """Done; nothing found, and the logs that would show it were read. Also: a command succeeded."""
    INCONCLUSIVE = 10
    ATTEMPTED = 20
    SUSPICIOUS = 25
    EXPLOITED = 30
    COMPROMISED = 40
    WRONG_COMMAND = 64
    UNUSABLE_CONTENT = 65
    COLLECTION_UNREADABLE = 66
    DEFECT = 70
    """Ours: nothing in the evidence or the command explains it."""
