"""A name as an archive or file system has it -> a relative path that can be printed and joined."""

from __future__ import annotations

import re

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060\u2066-\u2069\ud800-\udfff\ufeff]"
)
_DRIVE = re.compile(r"([A-Za-z]):")


def safe_path(name: str) -> str:
    r"""Make a relative path of a member's name; every part of it stays recognisable.

    ``C:\inetpub\u_ex.log`` -> ``C/inetpub/u_ex.log``; ``..``, ``.`` and empty parts are left out;
    control, bidirectional, invisible and undecodable characters are written as ``\x00`` or ``\u202e``. There
    is no other backslash in a path, so the escape is unambiguous.
    """
    parts: list[str] = []
    for part in name.replace("\\", "/").split("/"):
        drive = _DRIVE.fullmatch(part)
        part = drive[1] if drive and not parts else part
        if part not in ("", ".", ".."):
            parts.append(_UNSAFE.sub(_escape, part))
    return "/".join(parts) or "unnamed"


def climbs(name: str) -> bool:
    """Whether a name would leave the folder it is unpacked into: someone built it by hand."""
    return ".." in name.replace("\\", "/").split("/")


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    # os.fsdecode and surrogateescape put the byte 0xNN at U+DCNN
    code = code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class NamesTaken:
    """Keeps members of one container with the same path apart: ``path``, ``path#2``, ``path#3``."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def claim(self, path: str) -> str:
        """Return the path, or the path with the first free number."""
        count = self._taken.get(path, 0) + 1
        self._taken[path] = count
        if count == 1:
            return path
        while f"{path}#{count}" in self._taken:
            count += 1
        self._taken[path] = count
        self._taken[f"{path}#{count}"] = 1
        return f"{path}#{count}"
