"""Pages -> what weighing them and YARA rules say, as fields of their rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from exopsy.core.content import CONTENT
from exopsy.core.errors import ContentError
from exopsy.pipeline.known_good import FIELD
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Row

if TYPE_CHECKING:
    from exopsy.detection.pages.yara_rules import YaraRules


def _hash_of(folder: Path) -> str:
    digest = hashlib.sha256()
    files = [folder] if folder.is_file() else sorted(p for p in folder.rglob("*") if p.is_file())
    for path in files:
        digest.update(f"{path.relative_to(folder.parent).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


_SHIPPED = frozenset(("shipped", "shipped-elsewhere"))
_REMEMBERED = 2_048


class PageWeighing:
    """Weighs pages that no build ships as they are; of equal ones only the first.

    Args:
        folders: of YARA rules beside ours.
        cache: folder for compiled rules; None: they are compiled each time.
        most: bytes of a page that are looked into.

    Raises:
        ContentError: there is no such folder.
    """

    def __init__(self, folders: Sequence[Path], cache: Path | None, most: int) -> None:
        for folder in folders:
            if not folder.exists():
                raise ContentError(
                    "there is no such folder or file of YARA rules",
                    at=str(folder),
                    remedy="Check the path that follows --yara",
                )
        self._folders = tuple(folders)
        self._cache = cache
        self._most = most
        self._rules: YaraRules | None = None
        self._fields: dict[tuple[str, str], dict[str, str]] = {}

    @property
    def sha256(self) -> list[str]:
        """Hash of each folder of rules beside ours: names and bytes of its files."""
        return [_hash_of(folder) for folder in self._folders]

    @property
    def errors(self) -> tuple[ContentError, ...]:
        """YARA rules that can't be used, and why."""
        return self._loaded().errors

    def page_fields(self, row: Row, data: bytes, file: FileFacts) -> None:
        """Add to a page's row what there is to say of its content (``pipeline.file_reading.Enrich``)."""
        if row.fields.get(FIELD) in _SHIPPED:
            return
        suffix = row.fields.get("Extension", "")
        key = (file.sha256, suffix)
        fields = self._fields.get(key) if file.sha256 else None
        if fields is None:
            fields = self._weighed(data, suffix)
            if len(self._fields) >= _REMEMBERED:
                self._fields.clear()
            self._fields[key] = fields
        row.fields.update(fields)

    def _weighed(self, data: bytes, suffix: str) -> dict[str, str]:
        from exopsy.detection.pages.page_rows import page_fields
        from exopsy.detection.pages.weigh import weigh

        return page_fields(weigh(data, f"x.{suffix}", most=self._most), self._loaded().scan(data))

    def _loaded(self) -> YaraRules:
        if self._rules is None:
            from exopsy.detection.pages.yara_rules import YaraRules  # only where there are pages

            self._rules = YaraRules.load([CONTENT / "yara", *self._folders], self._cache)
        return self._rules
