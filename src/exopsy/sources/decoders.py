"""Compressed chunks in -> uncompressed chunks; one face for every codec of the trade."""

from __future__ import annotations

import bz2
import lzma
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol, cast

from exopsy.sources.byte_stream import CHUNK, ReadError
from exopsy.sources.stream_guard import StreamGuard

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DAMAGE = (zlib.error, lzma.LZMAError, zstd.ZstdError, EOFError, ValueError, OSError)
"""What decoders raise on bytes that aren't what they should be."""

_LARGEST_WINDOW = 512 << 20
"""Memory a stream may ask its decoder for; `xz -9` asks for 64 MiB, `zstd --long=29` for this."""
_DEFLATE64_INPUT = 2 << 10
"""inflate64 has no output limit and 18 bits may stand for 65,538 bytes: feed it little at a time."""


class Decoder(Protocol):
    """The face that ``bz2``, ``lzma`` and ``zstd`` share; zlib and inflate64 are fitted to it."""

    @property
    def eof(self) -> bool: ...  # noqa: D102
    @property
    def needs_input(self) -> bool: ...  # noqa: D102
    @property
    def unused_data(self) -> bytes: ...  # noqa: D102
    def decompress(self, data: bytes, max_length: int) -> bytes: ...  # noqa: D102


class _Zlib:
    """Deflate, zlib or gzip, by ``wbits``."""

    def __init__(self, wbits: int) -> None:
        self._decoder = zlib.decompressobj(wbits)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def needs_input(self) -> bool:
        return not self._decoder.unconsumed_tail and not self._full

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece = self._decoder.decompress(self._decoder.unconsumed_tail + data, max_length)
        self._full = len(piece) >= max_length
        return piece


class _Deflate64:
    """Zip method 9, what Windows Explorer writes for files past 2 GiB."""

    unused_data = b""  # inflate64 doesn't say where in its input the stream ended

    def __init__(self) -> None:
        import inflate64  # loads much; few collections need it

        self._decoder = inflate64.Inflater()
        self._pending = memoryview(b"")

    @property
    def eof(self) -> bool:
        return bool(self._decoder.eof)

    @property
    def needs_input(self) -> bool:
        return not self._pending

    def decompress(self, data: bytes, max_length: int) -> bytes:
        del max_length  # bounded by the size of what it is fed
        if data:
            self._pending = memoryview(bytes(self._pending) + data)
        piece, self._pending = self._pending[:_DEFLATE64_INPUT], self._pending[_DEFLATE64_INPUT:]
        return cast("bytes", self._decoder.inflate(bytes(piece)))


class _ZipLzma:
    """Zip method 14: two version bytes, the size of the properties, the properties, raw LZMA1."""

    def __init__(self) -> None:
        self._head = b""
        self._decoder: lzma.LZMADecompressor | None = None

    @property
    def eof(self) -> bool:
        return self._decoder is not None and self._decoder.eof

    @property
    def needs_input(self) -> bool:
        return self._decoder is None or self._decoder.needs_input

    @property
    def unused_data(self) -> bytes:
        return b"" if self._decoder is None else self._decoder.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if self._decoder is None:
            self._head += data
            if len(self._head) < 9:
                return b""
            size, packed, window = struct.unpack_from("<2xHBI", self._head)
            if size != 5 or packed >= 225 or window > _LARGEST_WINDOW:
                raise ReadError("has LZMA properties that can't be used")
            properties = {"id": lzma.FILTER_LZMA1, "dict_size": max(window, 4096)}
            properties |= {"lc": packed % 9, "lp": packed // 9 % 5, "pb": packed // 45}
            self._decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[properties])
            data = self._head[9:]
        return self._decoder.decompress(data, max_length)


def _zstd() -> Decoder:
    options = {int(zstd.DecompressionParameter.window_log_max): _LARGEST_WINDOW.bit_length() - 1}
    return cast("Decoder", zstd.ZstdDecompressor(options=options))


def _xz() -> Decoder:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=2 * _LARGEST_WINDOW)


STREAMS: dict[str, Callable[[], Decoder]] = {
    "gz": lambda: _Zlib(31),
    "bz2": bz2.BZ2Decompressor,
    "xz": _xz,
    "zst": _zstd,
}
"""Compressed single files, by what ``magic.recognise`` calls them."""

ZIP_METHODS: dict[int, Callable[[], Decoder]] = {
    8: lambda: _Zlib(-15),
    9: _Deflate64,
    12: bz2.BZ2Decompressor,
    14: _ZipLzma,
    93: _zstd,
    95: _xz,
}
"""APPNOTE.TXT 4.4.5; method 0 is stored and needs no decoder."""


def decode_streams(
    raw: Iterator[bytes], start: Callable[[], Decoder], guard: StreamGuard
) -> Iterator[bytes]:
    """Decode one or more streams that follow each other (``cat a.gz b.gz`` is a valid gz file).

    Raises:
        ReadError: damaged, cut, over a limit, or followed by something else.
    """
    decoder: Decoder | None = None
    for chunk in raw:
        guard.took(len(chunk))
        data = chunk
        while data:
            if decoder is None:
                data = data.lstrip(b"\0")  # padding after a stream: gzip on tape, xz to 4 bytes
                if not data:
                    break
                decoder = start()
            yield from _decode_chunk(decoder, data, guard)
            if not decoder.eof:
                break
            data = decoder.unused_data
            decoder = None
    if decoder is not None:
        raise ReadError("is cut: the compressed data ends before its end mark; collect it again")


def decode_one(
    raw: Iterator[bytes], start: Callable[[], Decoder], guard: StreamGuard
) -> Iterator[bytes]:
    """Decode one stream and leave what follows it.

    Raises:
        ReadError: damaged, cut or over a limit.
    """
    decoder = start()
    for chunk in raw:
        guard.took(len(chunk))
        yield from _decode_chunk(decoder, chunk, guard)
        if decoder.eof:
            return
    raise ReadError("is cut: the compressed data ends before its end mark; collect it again")


def _decode_chunk(decoder: Decoder, data: bytes, guard: StreamGuard) -> Iterator[bytes]:
    while not decoder.eof and (data or not decoder.needs_input):
        try:
            piece = decoder.decompress(data, CHUNK)
        except ReadError:
            raise
        except DAMAGE as error:
            raise ReadError(
                f"is damaged: the compressed data can't be decoded further ({error}); "
                "collect it again if it still exists"
            ) from error
        data = b""
        if piece:
            guard.gave(len(piece))
            yield piece
