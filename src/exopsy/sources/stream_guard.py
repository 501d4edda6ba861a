"""Bytes in and out of a decoder -> an end where a limit is reached (zip bombs, endless members)."""

from __future__ import annotations

from exopsy.core.limits import Limits
from exopsy.sources.byte_stream import ReadError


class StreamGuard:
    """Counts one stream's compressed and uncompressed bytes against the limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.consumed = 0
        """Compressed bytes given to the decoder."""
        self.produced = 0
        """Uncompressed bytes it gave back."""

    def took(self, count: int) -> None:
        """Count compressed bytes."""
        self.consumed += count

    def gave(self, count: int) -> None:
        """Count uncompressed bytes.

        Raises:
            ReadError: the member is larger, or packed harder, than the limits allow.
        """
        self.produced += count
        if self.produced > self.limits.member_bytes:
            raise ReadError(
                f"is larger than {self.limits.member_bytes} bytes (limit member_bytes): "
                "what is past that was not read; unpack it and examine the folder"
            )
        if (
            self.produced > self.limits.archive_ratio_from
            and self.produced > self.limits.archive_ratio * max(self.consumed, 1)
        ):
            raise ReadError(
                f"unpacks to more than {self.limits.archive_ratio} times its size (limit "
                "archive_ratio), as a zip bomb does: the rest was not read; look at it by hand"
            )


class MemberCount:
    """Counts the members that came out of archives in one pass over the collection."""

    def __init__(self, limits: Limits) -> None:
        self._limit = limits.archive_members
        self._count = 0

    @property
    def exhausted(self) -> bool:
        """Whether no further member may be taken."""
        return self._count >= self._limit

    def take(self) -> None:
        """Count one member."""
        self._count += 1
