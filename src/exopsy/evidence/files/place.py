"""The path of a file in a collection -> what every rule about files can ask of it."""

from __future__ import annotations

from exopsy.core.clock import format_utc
from exopsy.schema.file import FileFacts


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
    r"""Return the fields that say where a file lies.

    ``Path`` is the path inside the collection with ``\`` between folders, archives left as they are
    named; ``FileName`` its last part; ``Extension`` lower case without the dot, absent where the
    name has none.
    """
    name = path.rpartition("/")[2]
    stem, dot, extension = name.rpartition(".")
    fields = {"Path": path.replace("!/", "/").replace("/", "\\"), "FileName": name}
    if dot and stem and extension:
        fields["Extension"] = extension.lower()
    return fields
