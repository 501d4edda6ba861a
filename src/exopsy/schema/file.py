"""Files that are evidence as a whole: a page, a configuration, a task, what an attacker left."""

from __future__ import annotations

from datetime import datetime

import msgspec


class FileFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a file before anybody looks into it."""

    path: str
    """Inside the collection, as ``ArtifactFacts.path``."""
    size: int
    """Bytes it has, all of it."""
    sha256: str
    """Of all its bytes, lower case; ``""`` where its reading stopped."""
    modified: datetime | None = None
    """Its last change as the collection states it, UTC; an intruder may have set it."""
    created: datetime | None = None
    """The same for its creation; few containers keep it."""
    is_whole: bool = True
    """The bytes handed over are all of it, not only the first ``Limits.file_bytes``."""
