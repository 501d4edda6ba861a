"""Encrypted zip data and passwords in -> plain chunks; ZipCrypto and WinZip AES through pyzipper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol, cast

from pyzipper.zipfile import BadZipFile, CRCZipDecrypter
from pyzipper.zipfile_aes import AESZipDecrypter

from exopsy.sources.byte_stream import ReadError, file_chunks
from exopsy.sources.zip_directory import ZipEntry

_MAC = 10
"""Bytes of the message code behind AES data."""


class _Decrypter(Protocol):
    def decrypt(self, data: bytes) -> bytes: ...


def decrypted_chunks(path: Path, entry: ZipEntry, start: int, password: bytes) -> Iterator[bytes]:
    """Decrypt an entry's bytes, still compressed, with one password.

    Raises:
        ReadError: the password doesn't fit, the data are cut, or their message code is wrong.
    """
    length = (entry.end if entry.packed is None else min(entry.end, start + entry.packed)) - start
    header_length = _header_length(entry)
    tail = _MAC if entry.aes_strength else 0
    body = length - header_length - tail
    header = b"".join(file_chunks(path, start, header_length))
    if body < 0 or len(header) < header_length:
        raise ReadError("is cut: its encryption header is incomplete; collect it again")
    decrypter = _decrypter(entry, password, header)
    if decrypter is None:
        raise ReadError("is encrypted and this password doesn't fit")
    for chunk in file_chunks(path, start + header_length, body):
        yield decrypter.decrypt(bytes(chunk))
    if tail:
        _check_mac(decrypter, b"".join(file_chunks(path, start + header_length + body, tail)))


def _header_length(entry: ZipEntry) -> int:
    # salt of 8, 12 or 16 bytes and two to check the password; ZipCrypto has twelve
    return 4 + 4 * entry.aes_strength + 2 if entry.aes_strength else 12


def _decrypter(entry: ZipEntry, password: bytes, header: bytes) -> _Decrypter | None:
    stated = SimpleNamespace(
        filename=entry.name,
        wz_aes_strength=entry.aes_strength,
        use_datadescripter=False,
        CRC=entry.check_byte << 24,
    )
    make = AESZipDecrypter if entry.aes_strength else CRCZipDecrypter
    try:
        return cast("_Decrypter", make(stated, password, header))
    except RuntimeError:  # pyzipper's word for a password that doesn't fit
        return None


def _check_mac(decrypter: Any, code: bytes) -> None:  # noqa: ANN401 - pyzipper has no types
    try:
        decrypter.check_hmac(code)
    except BadZipFile as error:
        raise ReadError(
            "is damaged: the encrypted data don't match their message code; collect it again"
        ) from error
