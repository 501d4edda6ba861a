"""Header lines of one artifact in their order -> the layout in force at any offset."""

from __future__ import annotations

from bisect import bisect_right

from exopsy.evidence.header import comment_of
from exopsy.evidence.registry import load
from exopsy.schema.format import FormatSpec, Layout


class LayoutTracker:
    """Remembers how the layout changed along one artifact."""

    def __init__(self, spec: FormatSpec) -> None:
        self._read_header = load(spec).read_header
        self._offsets: list[int] = [0]
        self._layouts: list[Layout] = [Layout()]
        self.builds: dict[str, str] = {}
        """Day -> Exchange build, as header blocks state them."""

    @property
    def latest(self) -> Layout:
        """The layout after the last header line so far."""
        return self._layouts[-1]

    def header(self, offset: int, line: bytes) -> None:
        """Take the next header line.

        Args:
            offset: of its first byte; not before that of the one before.
            line: without its end, without a byte-order mark.
        """
        layout = self._read_header(line, self.latest)
        if layout != self.latest:
            self._offsets.append(offset)
            self._layouts.append(layout)
        # The date closes what a block says of itself: #Software, #Version, #Log-type, #Date
        if layout.build and layout.date and self._is_date(line):
            self.builds[layout.date] = layout.build

    def layout_at(self, offset: int) -> Layout:
        """Return the layout in force for a record that begins at ``offset``."""
        return self._layouts[bisect_right(self._offsets, offset) - 1]

    @staticmethod
    def _is_date(line: bytes) -> bool:
        comment = comment_of(line)
        return comment is not None and comment[0] == "date"
