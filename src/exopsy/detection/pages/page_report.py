"""What weighing a page yields: a score with its reasons."""

from __future__ import annotations

import msgspec


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in a page that weighs."""

    name: str
    """Short and stable, for rules and counts: ``process``, ``assembly-load``, ``hidden-name``."""
    text: str
    """A sentence for a person; holds no text of the page."""
    line: int
    """From 1, in the page as decoded."""
    offset: int
    """Byte in the file; of what was decoded out of a text, where that text begins."""
    weight: int
    """0 to 100; reasons are not simply added, see ``scoring``."""
    technique: str = ""
    """ATT&CK, such as ``T1505.003``."""
    excerpt: str = ""
    """The code as decoded, bounded. Hostile text: escape it wherever it goes."""
    sources: tuple[str, ...] = ()
    """What of the request reaches it: ``request``, ``body``, ``control`` ..."""


class PageReport(msgspec.Struct, kw_only=True):
    """A page, weighed."""

    score: int = 0
    """0 to 100."""
    level: str = "informational"
    """``informational``, ``low``, ``medium``, ``high`` or ``critical``."""
    reasons: list[Reason] = []
    """The heaviest first, then as they stand in the page."""
    language: str = ""
    """Of its server code: ``csharp``, ``vb``, ``jscript``, ``vbscript``, ``client``, or ``""``."""
    encoding: str = ""
    layers: list[str] = []
    """Texts that were decoded out of it, each bounded. Hostile."""
    includes: list[str] = []
    """Other files whose code it runs, as it names them. Hostile."""
    cut: str = ""
    """Why not all of it was looked at; empty when it was."""

    @property
    def tricks(self) -> list[str]:
        """Return the names of the reasons that are about hiding, each once, in order."""
        return list(dict.fromkeys(r.name for r in self.reasons if r.name in TRICKS))


TRICKS = frozenset(
    (
        "hidden-name",
        "hidden-code",
        "escaped-name",
        "split-name",
        "invisible-characters",
        "odd-encoding",
        "embedded-nul",
        "padding",
        "odd-include",
        "mislabelled",
        "encoded-script",
        "embedded-program",
        "container",
    )
)
"""Names of reasons that are about hiding, not about doing."""

LEVELS = ("informational", "low", "medium", "high", "critical")
