"""A command that can't be carried out as it was given."""

from __future__ import annotations


class WrongCommandError(Exception):
    """The arguments don't fit together or name what is not there; the message is a sentence."""
