"""The path of a file in a collection -> what every rule about files can ask of it."""

from __future__ import annotations


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
