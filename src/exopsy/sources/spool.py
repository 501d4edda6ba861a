"""An archive that lies inside another in -> a file that can be seeked, deleted when done."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exopsy.sources.byte_stream import CHUNK, ReadError, Stream


class Spool:
    """Temporary copies, never beside the evidence, bounded all together.

    Args:
        folder: where copies go; made when needed. None: a folder of the system's temporary ones.
        limit: bytes that may lie there at one time.
    """

    def __init__(self, folder: Path | None, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._now = 0
        self.most = 0
        """Most bytes that lay here at one time."""

    @contextmanager
    def hold(self, stream: Stream) -> Iterator[Path]:
        """Copy a stream for the time of a ``with`` block; a damaged one as far as it goes.

        Raises:
            ReadError: no room within the limit or on the disk.
        """
        path: Path | None = None
        size = 0
        try:
            with stream, tempfile.NamedTemporaryFile(dir=self._place(), delete=False) as copy:
                path = Path(copy.name)
                for chunk in _until_damage(stream):
                    size += len(chunk)
                    self._grow(len(chunk))
                    copy.write(chunk)
            yield path
        finally:
            self._now -= size
            if path is not None:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove the folder if it was a temporary one."""
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def _grow(self, count: int) -> None:
        self._now += count
        if self._now > self._limit:
            raise ReadError(
                f"needs a temporary copy of more than {self._limit} bytes (limit spool_bytes): "
                "it was not opened; unpack it and examine the folder"
            )
        self.most = max(self.most, self._now)

    def _place(self) -> Path:
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            return self._folder
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="exopsy-")
        return Path(self._temporary.name)


def _until_damage(stream: Stream) -> Iterator[bytes]:
    try:
        while chunk := stream.read(CHUNK):
            yield chunk
    except ReadError:  # the stream has already told the problem log
        return
