"""The one place where anything may go wrong: a lost artifact is a gap in the case, not a crash."""

from __future__ import annotations

import logging
from collections.abc import Callable

from exopsy.evidence import registry
from exopsy.schema.artifact import ArtifactFacts
from exopsy.sources.member import Member

_HEAD = 4 << 10

logger = logging.getLogger(__name__)


def guarded(work: Callable[[Member], ArtifactFacts], member: Member) -> ArtifactFacts:
    """Do one artifact's work; whatever fails becomes the artifact's state.

    An error of reading is a sentence for the analyst; anything else is a defect of ours, told as
    such, with its trace in the log.
    """
    try:
        return work(member)
    except OSError as error:
        why = f"It could not be read: {error.strerror or error}."
    except MemoryError:
        why = "There was not enough memory to read it."
    except Exception:
        logger.exception("defect while reading %r", member.path)
        why = "A defect of ours stopped its reading; please report it with the log (--traceback)."
    return lost(member, why)


def lost(member: Member, why: str) -> ArtifactFacts:
    """Return the facts of an artifact of which nothing was read."""
    return ArtifactFacts(
        path=member.path,
        kind=_kind_of(member),
        host="",
        size=member.size or 0,
        sha256=None,
        state="failed",
        why=why,
    )


def _kind_of(member: Member) -> str:
    """Recognise a lost artifact all the same: which log is missing decides what may be said."""
    head = b""
    try:
        with member.open() as stream:
            head = stream.read(_HEAD) or b""
    except OSError:
        pass
    spec = (
        registry.recognise_events(head, member.path)
        or registry.recognise_file(head, member.path)
        or registry.recognise(head, member.path)
    )
    return "" if spec is None else spec.name
