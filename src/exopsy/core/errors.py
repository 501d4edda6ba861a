"""Errors that somebody above treats differently from any other exception."""

from __future__ import annotations


class CollectionError(Exception):
    """The collection as a whole can't be examined; the message is a sentence for the analyst."""


class ContentError(Exception):
    """A piece of content (rule, list, chain, facts table) can't be used.

    Args:
        problem: what is wrong, in one sentence.
        at: where, as ``path`` or ``path:line``.
        remedy: what its author can do.
    """

    def __init__(self, problem: str, *, at: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.at = at
        self.remedy = remedy

    def __str__(self) -> str:
        """Read as ``path:line: problem. Remedy``."""
        tail = f". {self.remedy}" if self.remedy else ""
        return f"{self.at}: {self.problem}{tail}"
