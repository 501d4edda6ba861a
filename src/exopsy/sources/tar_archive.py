"""A tar stream in -> its files, in stream order, without seeking; damage is skipped and told."""

from __future__ import annotations

import re
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

from exopsy.core.clock import from_unix
from exopsy.sources.byte_stream import CHUNK, ReadError, Stream
from exopsy.sources.magic import is_tar_header
from exopsy.sources.sequential import Entry

_BLOCK = 512
_SECONDS = re.compile(r"(-?[0-9]{1,12})(?:\.([0-9]{1,20}))?")
_LONGEST_HEADER = 1 << 20
"""Bytes of a long name or a pax header; real ones have a few hundred."""
_LINKS = {tarfile.LNKTYPE: "hard links", tarfile.SYMTYPE: "symbolic links"}
_DEVICES = {tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE}
_WITHOUT_DATA = {*_LINKS, *_DEVICES, tarfile.DIRTYPE}


def tar_entries(stream: Stream, on_problem: Callable[[str], None]) -> Iterator[Entry]:
    """Yield the regular files of a tar and close the stream at the end.

    Links, devices and sparse files are left out and counted in one problem each. A header that is
    damaged costs the bytes up to the next sound one.
    """
    skipped: Counter[str] = Counter()
    with stream:
        reader = _Reader(stream, on_problem)
        try:
            for header in reader.headers():
                left_out = _left_out(header)
                if left_out:
                    skipped[left_out] += 1
                elif header.isreg():
                    chunks = reader.data()
                    modified, created = _times(header)
                    yield Entry(header.name, header.size, chunks, modified, created)
        except ReadError as error:
            on_problem(str(error))  # once, if the stream below has told it already
    for what, count in sorted(skipped.items()):
        on_problem(f"holds {count} {what}, which are not followed or read; other files are")


def _times(header: tarfile.TarInfo) -> tuple[datetime | None, datetime | None]:
    """Return change and creation; pax knows fractions, and libarchive writes creation too."""
    stated = header.pax_headers
    modified = _moment(stated["mtime"]) if "mtime" in stated else from_unix(header.mtime)
    return modified, _moment(stated.get("LIBARCHIVE.creationtime", ""))


def _moment(text: str) -> datetime | None:
    """Read seconds since 1970 with a fraction (``1614744306.123456700``)."""
    found = _SECONDS.fullmatch(text)
    if found is None:
        return None
    ticks = int((found[2] or "").ljust(7, "0")[:7])
    return from_unix(int(found[1]), -ticks if found[1].startswith("-") else ticks)


def _left_out(header: tarfile.TarInfo) -> str:
    if header.type in _LINKS:
        return _LINKS[header.type]
    if header.type in _DEVICES:
        return "devices or pipes"
    if header.type == tarfile.GNUTYPE_SPARSE or any(
        key.startswith("GNU.sparse") for key in header.pax_headers
    ):
        return "sparse files"
    return ""


class _Reader:
    """Walks the blocks of one tar."""

    def __init__(self, stream: Stream, on_problem: Callable[[str], None]) -> None:
        self._stream = stream
        self._on_problem = on_problem
        self._left = 0  # bytes of the current entry's data not yet read
        self._padding = 0

    def headers(self) -> Iterator[tarfile.TarInfo]:
        """Yield the header of each entry, long names applied; its data may be read or not."""
        extended: dict[str, str] = {}
        while True:
            self._skip_data()
            header = self._next_header()
            if header is None:
                return
            self._expect(header.size if header.type not in _WITHOUT_DATA else 0)
            if header.type in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME):
                extended |= self._extended(header)
            elif header.type not in (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK):
                self._apply(header, extended)
                extended = {}
                yield header

    def _expect(self, size: int) -> None:
        self._left = size
        self._padding = -size % _BLOCK

    def data(self) -> Iterator[bytes]:
        """Yield the current entry's bytes.

        Raises:
            ReadError: the archive ends inside it.
        """
        while self._left:
            chunk = self._stream.read(min(CHUNK, self._left))
            if not chunk:
                self._left = self._padding = 0
                raise ReadError("is cut: the archive ends inside it; collect it again")
            self._left -= len(chunk)
            yield chunk

    def _skip_data(self) -> None:
        while self._left + self._padding:
            chunk = self._stream.read(min(CHUNK, self._left + self._padding))
            if not chunk:
                self._left = self._padding = 0
                self._on_problem(_CUT)
                return
            count = min(len(chunk), self._left)
            self._left -= count
            self._padding -= len(chunk) - count

    def _next_header(self) -> tarfile.TarInfo | None:
        lost = 0
        while len(block := self._stream.read(_BLOCK) or b"") == _BLOCK:
            if block.count(0) == _BLOCK:
                if not lost:
                    return None
            elif is_tar_header(block):
                header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
                if header.size >= 0:
                    if lost:
                        self._on_problem(_DAMAGED)
                    return header
            lost += 1
        self._on_problem(_DAMAGED if lost else _CUT)
        return None

    def _extended(self, header: tarfile.TarInfo) -> dict[str, str]:
        if header.size > _LONGEST_HEADER:
            return {}
        text = b"".join(self.data())
        if header.type == tarfile.GNUTYPE_LONGNAME:
            return {"path": text.rstrip(b"\0").decode("utf-8", "surrogateescape")}
        return _pax_records(text)

    def _apply(self, header: tarfile.TarInfo, extended: dict[str, str]) -> None:
        header.pax_headers = extended
        header.name = extended.get("path", header.name)
        size = extended.get("size", "")
        if size.isascii() and size.isdigit() and len(size) < 20 and header.isreg():
            header.size = int(size)
            self._expect(header.size)


_CUT = "is cut: the tar ends without its end mark, so files may be missing; collect it again"
_DAMAGED = (
    "is damaged: a stretch of the tar holds no valid header and was skipped; collect it again"
)


def _pax_records(text: bytes) -> dict[str, str]:
    """Read ``33 path=C/inetpub/logs/a`` records, each with a line end, as far as they are sound."""
    records = {}
    while text:
        length, _, _ = text.partition(b" ")
        if not length.isdigit() or len(length) > 7 or not len(length) < int(length) <= len(text):
            break
        key, _, value = text[len(length) + 1 : int(length) - 1].partition(b"=")
        records[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        text = text[int(length) :]
    return records
