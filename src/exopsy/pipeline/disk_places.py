"""``content/mappings/disk_places.yml`` -> what is wanted of listings, and which archives are given."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from exopsy.core.content import read_yaml
from exopsy.core.errors import ContentError
from exopsy.schema.file import Interest, Wanted


class DiskPlaces(msgspec.Struct, frozen=True):
    """What content says of places on disks."""

    interest: Interest
    archives: tuple[str, ...]
    """Regular expressions on paths inside the collection."""

    def gives(self, path: str) -> bool:
        """Say whether an archive that lies here is a member itself, beside what is in it."""
        return any(_compiled(pattern).search(path) for pattern in self.archives)


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.ASCII)  # re remembers what it compiled


def load_disk_places(path: Path) -> DiskPlaces:
    """Read the mapping.

    Raises:
        ContentError: it is not what it should be.
    """
    document = read_yaml(path)
    try:
        wanted = tuple(
            Wanted(
                endings=tuple(str(e).lower() for e in one["endings"]),
                folders=tuple(str(f).lower() for f in one.get("folders", ())),
                name=str(one.get("name", "")).lower(),
            )
            for one in document["wanted"]
        )
        archives = tuple(map(str, document["archives"]))
        for pattern in archives:
            _compiled(pattern)
    except (KeyError, TypeError, AttributeError, re.error) as error:
        raise ContentError(
            f"not as it should be: {error!r}", at=str(path), remedy="See schema/file.py, Wanted"
        ) from error
    return DiskPlaces(Interest(wanted=wanted), archives)
