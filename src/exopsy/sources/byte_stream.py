"""Chunks of bytes in -> a raw stream that can be read with ``readinto``.

Everything that has to be decoded is a generator of chunks; this is the one place that makes a file
object of it, and the one place where damage becomes a sentence.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

if TYPE_CHECKING:

    class _RawStream(io.RawIOBase, BinaryIO):
        """What typeshed calls ``FileIO``'s bases, so that our streams pass as ``BinaryIO`` too."""

        def __enter__(self) -> Any: ...  # noqa: ANN401

else:
    _RawStream = io.RawIOBase

CHUNK = 256 << 10
"""Bytes read from a container, and given by a decoder, at a time."""


class ReadError(OSError):
    """What can be read ends here; everything before was delivered. The message is a sentence."""


class ChunkStream(_RawStream):
    """A raw, forward-only stream over chunks.

    Args:
        chunks: yields bytes; raises ``ReadError`` where the data ends too early.
        on_error: told the sentence of a ``ReadError``, once.
    """

    def __init__(
        self, chunks: Iterator[bytes], on_error: Callable[[str], None] | None = None
    ) -> None:
        super().__init__()
        self._chunks = chunks
        self._on_error = on_error
        self._rest = memoryview(b"")
        self._error: str | None = None

    def readable(self) -> bool:
        """Return True: these streams are only for reading."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        """Fill the buffer as far as there is data; fewer bytes than its size only at the end.

        Raises:
            ReadError: the data is damaged here, and no byte before the damage is left to give.
        """
        view = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(view):
            if not self._rest and not self._next_chunk():
                break
            count = min(len(self._rest), len(view) - filled)
            view[filled : filled + count] = self._rest[:count]
            self._rest = self._rest[count:]
            filled += count
        if self._error is not None and not filled and len(view):
            raise ReadError(self._error)
        return filled

    def close(self) -> None:
        """Close, and let the generator release what it holds."""
        if not self.closed:
            self._rest = memoryview(b"")
            close = getattr(self._chunks, "close", None)
            if close is not None:
                close()
        super().close()

    def _next_chunk(self) -> bool:
        if self._error is not None:
            return False
        try:
            chunk = next(self._chunks, None)
        except OSError as error:
            self._error = str(error)
            if self._on_error is not None:
                self._on_error(self._error)
            return False
        if chunk is None:
            return False
        self._rest = memoryview(chunk)
        return True


Stream: TypeAlias = io.FileIO | ChunkStream


def file_chunks(path: Path, start: int = 0, length: int | None = None) -> Iterator[bytes]:
    """Yield a stretch of a file; a file that ends before is simply shorter.

    Raises:
        ReadError: the file can't be opened or read.
    """
    try:
        with path.open("rb", buffering=0) as stream:
            stream.seek(start)
            while length is None or length > 0:
                chunk = stream.read(CHUNK if length is None else min(CHUNK, length))
                if not chunk:
                    return
                length = None if length is None else length - len(chunk)
                yield chunk
    except ReadError:
        raise
    except OSError as error:
        raise ReadError(f"can't be read ({error.strerror or error})") from error


def stream_chunks(stream: Stream) -> Iterator[bytes]:
    """Yield a stream to its end and close it."""
    with stream:
        while chunk := stream.read(CHUNK):
            yield chunk
