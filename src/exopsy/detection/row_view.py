"""A row as rules see it: values decoded, case-folded once, several values of one field kept apart."""

from __future__ import annotations

from exopsy.core.text import decode_utf8
from exopsy.detection.casefold import fold
from exopsy.schema.columns import COLUMNS, Joined
from exopsy.schema.event import EVENT_LOG
from exopsy.schema.row import Row

_JOINED: dict[str, dict[str, Joined]] = {log: known.joined for log, known in COLUMNS.items()}
_NONE: dict[str, Joined] = {}


class RowView:
    """A row with its case-folded values remembered, so that many rules share the work."""

    __slots__ = (
        "_folded",
        "_folded_many",
        "_joined",
        "_keyword",
        "_values",
        "extra",
        "many",
        "row",
    )

    def __init__(self, row: Row) -> None:
        self.row = row
        self.many = row.many
        """All values of those fields that have several: a test holds when it holds for one."""
        self.extra: dict[str, str] = {}
        """Fields that a rule's extracts made."""
        self._values = {**row.fields, **row.decoded} if row.decoded else row.fields
        self._joined = _JOINED.get(row.log, _NONE)
        self._folded: dict[str, str | None] = {}
        self._folded_many: dict[str, tuple[str, ...]] = {}
        self._keyword: str | None = None

    def value(self, field: str) -> str | None:
        """Return a field as rules see it (decoded), or None when it is absent."""
        found = self._values.get(field)
        if found is None:
            if field in self._joined:
                return self._join(self._joined[field])
            if self.extra:
                return self.extra.get(field)
        return found

    def values(self, field: str) -> tuple[str, ...]:
        """Return every value of a field; none when it is absent."""
        if field in self.many:
            return self.many[field]
        value = self.value(field)
        return () if value is None else (value,)

    def folded(self, field: str) -> str | None:
        """Return the case-folded value, or None when the field is absent."""
        known = self._folded
        if field in known:
            return known[field]
        value = self.value(field)
        known[field] = result = None if value is None else fold(value)
        return result

    def folded_many(self, field: str) -> tuple[str, ...]:
        """Return the case-folded values of a field that has several."""
        found = self._folded_many.get(field)
        if found is None:
            found = tuple(fold(value) for value in self.many[field])
            self._folded_many[field] = found
        return found

    def keyword(self) -> str:
        """Return the text in which keywords are looked for.

        The raw record, its decoded and its joined values; of an event the values alone: its text
        is JSON, whose escapes and names are not what a keyword means. (The text as well where
        not all of its values became fields.)
        """
        if self._keyword is None:
            row = self.row
            if row.log == EVENT_LOG:
                cut = [decode_utf8(row.raw)] if "cut" in row.notes else []
                self._keyword = "\n".join([*row.fields.values(), *cut])
            else:
                joined = [v for j in self._joined.values() if (v := self._join(j)) is not None]
                raw = decode_utf8(row.raw)
                self._keyword = "\n".join([raw, *row.decoded.values(), *joined])
        return self._keyword

    def _join(self, joined: Joined) -> str | None:
        first, second = (self.row.value(field) for field in joined.fields)
        return first if first is None or second is None else first + joined.separator + second
