"""Rows of script blocks logged in several parts -> rows with the whole text.

A long script is logged as ``MessageNumber`` 1 to ``MessageTotal`` of one ``ScriptBlockId``, cut
anywhere, so a word that a rule asks for may stand half in each of two records.
"""

from __future__ import annotations

import msgspec

from exopsy.core.limits import Limits
from exopsy.evidence.events.notes import INCOMPLETE
from exopsy.schema.row import Row

_TEXT = "ScriptBlockText"
_NEEDED = ("ScriptBlockId", "MessageNumber", "MessageTotal", _TEXT)
_Key = tuple[str, str, str, int]


class ScriptBlocks:
    """Joins parts; rows of one artifact come in order.

    Args:
        most_open: blocks of which parts are missing that are kept; beyond it the oldest is given as
            it is.
        most_characters: the same for the characters of all parts that are kept.
    """

    def __init__(self, most_open: int = 256, most_characters: int = 64 << 20) -> None:
        self._most_open = most_open
        self._most_characters = most_characters
        self._open: dict[_Key, dict[int, Row]] = {}
        self._characters = 0

    def take(self, row: Row) -> list[Row]:
        """Take the next row.

        Returns:
            Rows to look at now: this one if it is no part of several, the joined one if it was the
            last that was missing, and incomplete ones that there was no more room for.
        """
        number, total = _place(row)
        if not 1 <= number <= total or total < 2:
            return [row]
        key = (
            row.host,
            row.fields.get("Computer", ""),
            row.fields["ScriptBlockId"].lower(),
            total,
        )
        parts = self._open.setdefault(key, {})
        if number in parts:  # logged again from the start: the script ran again
            ready = [self._close(key)]
            parts = self._open.setdefault(key, {})
        else:
            ready = []
        parts[number] = row
        self._characters += len(row.fields[_TEXT])
        if len(parts) == total:
            ready.append(self._close(key))
        while self._open and (
            len(self._open) > self._most_open or self._characters > self._most_characters
        ):
            ready.append(self._close(next(iter(self._open))))
        return ready

    def finish(self) -> list[Row]:
        """Return what is left, incomplete and marked so, in the order of first parts."""
        return [self._close(key) for key in list(self._open)]

    def _close(self, key: _Key) -> Row:
        parts = [row for _, row in sorted(self._open.pop(key).items())]
        self._characters -= sum(len(row.fields[_TEXT]) for row in parts)
        first = parts[0]
        text = "".join(row.fields[_TEXT] for row in parts)
        whole = len(parts) == key[3]
        return msgspec.structs.replace(
            first,
            fields={**first.fields, _TEXT: text},
            notes=first.notes if whole else (*first.notes, INCOMPLETE),
            raw=b"\n".join(row.raw for row in parts)[: Limits().record_bytes],
        )


def _place(row: Row) -> tuple[int, int]:
    """Return which part of how many a row is; 0 of 0 where it is none."""
    if any(name not in row.fields for name in _NEEDED):
        return 0, 0
    number, total = row.fields["MessageNumber"], row.fields["MessageTotal"]
    if len(number) > 6 or len(total) > 6 or not (number + total).isascii():
        return 0, 0
    return (int(number), int(total)) if number.isdecimal() and total.isdecimal() else (0, 0)
