"""Builds the archives the tests read, in memory."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib

import inflate64
import py7zr
import pyzipper

LOG = b"#Fields: date time s-ip\r\n" + b"2021-03-03 04:05:06 192.0.2.1\r\n" * 3000
SHORT = b"#Fields: date\r\n2021-03-03\r\n"


def make_zip(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def make_raw_zip(
    entries: list[tuple[bytes, int, bytes, int, int]], *, sizes: tuple[int, int] | None = None
) -> bytes:
    """Entries are (name, method, packed, crc, size); ``sizes`` overrides what is stated of both."""
    body = directory = b""
    for name, method, packed, crc, size in entries:
        stated = sizes or (len(packed), size)
        fields = struct.pack("<4H3I2H", 0, method, 0, 33, crc, *stated, len(name), 0)
        offset = len(body)
        body += b"PK\3\4" + struct.pack("<H", 20) + fields + name + packed
        tail = struct.pack("<3H2I", 0, 0, 0, 0, offset)
        directory += b"PK\1\2" + struct.pack("<2H", 20, 20) + fields + tail + name
    count = len(entries)
    end = struct.pack("<4H2IH", 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + b"PK\5\6" + end


def entry(name: bytes, content: bytes, method: int = 8) -> tuple[bytes, int, bytes, int, int]:
    if method == 9:
        deflater = inflate64.Deflater()
        packed = deflater.deflate(content) + deflater.flush()
    elif method == 8:
        deflate = zlib.compressobj(wbits=-15)
        packed = deflate.compress(content) + deflate.flush()
    else:
        packed = content
    return name, method, packed, zlib.crc32(content), len(content)


def make_aes_zip(files: dict[str, bytes], password: bytes, **options: int) -> bytes:
    buffer = io.BytesIO()
    with pyzipper.AESZipFile(
        buffer, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES
    ) as archive:
        archive.setpassword(password)
        archive.setencryption(pyzipper.WZ_AES, **options)
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def make_zipcrypto_zip(name: bytes, content: bytes, password: bytes) -> bytes:
    """PKWARE's traditional encryption (APPNOTE.TXT 6.1), which no library here writes."""
    _, method, packed, crc, size = entry(name, content)
    plain = b"\1" * 11 + bytes([crc >> 24]) + packed
    keys = [0x12345678, 0x23456789, 0x34567890]

    def crc_step(value: int, byte: int) -> int:
        return zlib.crc32(bytes([byte]), value ^ 0xFFFFFFFF) ^ 0xFFFFFFFF

    def update(byte: int) -> None:
        keys[0] = crc_step(keys[0], byte)
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = crc_step(keys[2], keys[1] >> 24)

    for byte in password:
        update(byte)
    secret = bytearray()
    for byte in plain:
        pad = (keys[2] | 2) & 0xFFFF
        secret.append(byte ^ (pad * (pad ^ 1) >> 8 & 0xFF))
        update(byte)
    archive = bytearray(make_raw_zip([(name, method, bytes(secret), crc, size)]))
    archive[6] |= 1  # the flag in the local header and in the directory
    archive[archive.index(b"PK\1\2") + 8] |= 1
    return bytes(archive)


def make_tar(files: dict[str, bytes], **options: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", **options) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def make_7z(files: dict[str, bytes], password: str | None = None, **options: bool) -> bytes:
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w", password=password, **options) as archive:
        for name, content in files.items():
            archive.writestr(content, name)
    return buffer.getvalue()
