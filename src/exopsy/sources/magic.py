"""First bytes of a file in -> which archive or compressed file it is, whatever its name says."""

from __future__ import annotations

import tarfile

HEAD = 512
"""Bytes needed; the magic of a tar stands at 257."""

_MAGIC = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),  # an empty one
    (b"PK\x07\x08", "zip"),  # begins like one part of several
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b\x08", "gz"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zst"),
)

FOREIGN = (
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"MSCF", "a cabinet file"),
    (b"EVF\x09\x0d\x0a\xff\x00", "an EnCase disk image"),
    (b"vhdxfile", "a VHDX disk image"),
    (b"KDMV", "a VMDK disk image"),
    (b"ADSEGMENTEDFILE", "an AD1 image"),
)
"""Containers of evidence that aren't opened here; better said than passed over."""


def recognise(head: bytes) -> str:
    """Return ``zip``, ``7z``, ``tar``, ``gz``, ``xz``, ``zst``, ``bz2``, or ``""``."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:3] == b"BZh" and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return "bz2"
    if len(head) >= HEAD and head[0] and is_tar_header(head[:HEAD]):
        return "tar"
    return ""


def is_tar_header(block: bytes) -> bool:
    """Whether 512 bytes have the checksum of a tar header; old tars have no other magic."""
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def foreign(head: bytes) -> str:
    """Return what an unsupported container is called, with its article, or ``""``."""
    return next((name for magic, name in FOREIGN if head.startswith(magic)), "")
