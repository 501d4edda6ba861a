"""The content that reading indicators needs: what is too general, and what feeds call things."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from exopsy.core.content import CONTENT, read_yaml
from exopsy.core.errors import ContentError
from exopsy.detection.indicators.readings import normal_text
from exopsy.schema.indicator import KINDS, Kind


class Vocabulary(msgspec.Struct, frozen=True):
    """``content/indicators``, ready to look things up in."""

    too_general: frozenset[str]
    """``kind:value`` in lower case, backslashes as slashes."""
    everyday: frozenset[bytes]
    """Runs that nearly every line of some log holds."""
    columns: dict[str, str]
    """Name of a column -> what stands in it."""
    kinds: dict[str, Kind]
    """Name of a type -> kind."""
    hashes: frozenset[str]
    """Names of columns and types that hold a hash of whatever length."""
    extensions: frozenset[str]


_GENERAL_KINDS: dict[str, tuple[Kind, ...]] = {
    "domains": ("domain", "url"),
    "file_names": ("file-name",),
    "paths": ("path",),
    "user_agents": ("user-agent",),
    "accounts": ("account",),
    "hashes": ("md5", "sha1", "sha256", "sha512", "imphash"),
}


def name_key(name: str) -> str:
    """Return the name of a column or a type as ``names.yml`` spells it."""
    key = name.strip().lower()
    for character in " _.:":
        key = key.replace(character, "-")
    return key


@lru_cache(maxsize=4)
def load_vocabulary(folder: Path = CONTENT) -> Vocabulary:
    """Read ``content/indicators``.

    Raises:
        ContentError: a file is missing, no YAML, or holds something else than lists of texts.
    """
    general_path = folder / "indicators" / "too_general.yml"
    names_path = folder / "indicators" / "names.yml"
    general, names = read_yaml(general_path), read_yaml(names_path)
    too_general = {
        f"{kind}:{value.lower()}"
        for key, kinds in _GENERAL_KINDS.items()
        for kind in kinds
        for value in _texts(general, key, general_path)
    }
    kinds: dict[str, Kind] = {}
    for kind in KINDS:
        kinds |= {name_key(name): kind for name in _texts(names.get("kinds"), kind, names_path)}
    columns = {
        name_key(name): meaning
        for meaning in names.get("columns", {})
        for name in _texts(names["columns"], meaning, names_path)
    }
    return Vocabulary(
        too_general=frozenset(too_general),
        everyday=frozenset(
            normal_text(word.encode()) for word in _texts(general, "everyday_words", general_path)
        ),
        columns=columns,
        kinds=kinds,
        hashes=frozenset(map(name_key, _texts(names, "hash_columns", names_path))),
        extensions=frozenset(_texts(names, "file_extensions", names_path)),
    )


def _texts(mapping: Any, key: str, path: Path) -> Iterable[str]:  # noqa: ANN401 - YAML
    values = mapping.get(key) if isinstance(mapping, dict) else None
    if not isinstance(values, list):
        raise ContentError(f"'{key}' is not a list", at=str(path), remedy="See the shipped file")
    return [str(value) for value in values]
