"""The path of a file in a collection -> what every rule about files can ask of it."""

from __future__ import annotations

import re
from urllib.parse import unquote

from exopsy.core.clock import format_utc
from exopsy.schema.file import FileFacts

# How collectors write a drive: C (KAPE), C%3A and the raw volume %5C%5C.%5CC%3A (Velociraptor), C_
_DRIVE = re.compile(r"(?:\\\\[.?]\\)?([A-Za-z])(:|_|)")


def disk_path(path: str) -> str:
    r"""Return the path on the server's disk as far as the collection keeps it.

    ``EX01/C/inetpub/x.aspx`` is ``C:\inetpub\x.aspx``; without a drive folder the path stays what
    it is inside the collection (or archive), with backslashes.
    """
    parts = path.replace("!/", "/").split("/")
    for index, part in enumerate(parts[:-1]):
        drive = _DRIVE.fullmatch(unquote(part, errors="replace"))
        if drive is None:
            continue
        below = parts[index + 1 :]
        if "%" in part:  # what encodes the drive's colon encodes the names below it too
            below = [unquote(name, errors="replace").replace("/", "_") for name in below]
        return "\\".join([f"{drive[1].upper()}:", *below])
    return "\\".join(parts)


def file_fields(file: FileFacts) -> dict[str, str]:
    """Return what is known of a file before anybody looks into it, as fields of a row.

    Those of ``place_fields``; ``Size``; ``Sha256``; ``Modified`` and ``Created`` where stated.
    """
    fields = place_fields(file.path)
    fields["Size"] = str(file.size)
    if file.sha256:
        fields["Sha256"] = file.sha256
    if file.modified is not None:
        fields["Modified"] = format_utc(file.modified)
    if file.created is not None:
        fields["Created"] = format_utc(file.created)
    return fields


def place_fields(path: str) -> dict[str, str]:
    """Return the fields that say where a file lies.

    ``Path`` is ``disk_path``, ``FileName`` its last part, ``Extension`` lower case without the dot
    and absent where the name has none.
    """
    disk = disk_path(path)
    name = disk.rpartition("\\")[2]
    fields = {"Path": disk, "FileName": name}
    stem, dot, extension = name.rpartition(".")
    if dot and stem and extension:
        fields["Extension"] = extension.lower()
    return fields
