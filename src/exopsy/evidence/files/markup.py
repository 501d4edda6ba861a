"""XML of a configuration, a task, an export -> its elements, each with its place in the bytes.

Written for evidence: a document type is passed over and counted, so there are no entities beyond
XML's own five and nothing is ever fetched; depth and number of elements are bounded; each character
is looked at a bounded number of times. Damage loses no more than the tag it is in: an end tag closes
what is open inside its element, and what fits nothing is counted. On sound documents the elements,
attributes and lines are those of a validating parser (the tests compare with lxml).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from exopsy.evidence.files.encoded_text import EncodedText, shown
from exopsy.schema.row import Origin, Skipped

MOST_ELEMENTS = 50_000
MOST_DEPTH = 200
DOCTYPE = "document-type"
DAMAGED = "damaged-markup"
TOO_DEEP = "too-deep"
TOO_MANY = "too-many-elements"
ENCODING = "unknown-encoding"

_NAME = r"""[^\s/>=<"'!?]+"""
# No value of an attribute holds a '<', so that a failed match ends at the next tag.
_START = re.compile(
    rf"""<({_NAME})((?>\s+{_NAME}\s*=\s*(?>"[^"<]*"|'[^'<]*'))*+)\s*(/?)>""", re.ASCII
)
_ATTRIBUTE = re.compile(rf"""({_NAME})\s*=\s*(?>"([^"<]*)"|'([^'<]*)')""", re.ASCII)
_BROKEN = re.compile(r"""<([A-Za-z_][^\s/>=<"']*)([^<>]*)(>?)""")
_OUTERMOST = re.compile(rf"<({_NAME})", re.ASCII)
_END = re.compile(r"</([^<>\s]+)\s*>")
_IN_SUBSET = re.compile(r"""["'\]]|<!--""")
_SUBSET_END = re.compile(r"\]\s*>")
_ENTITY = re.compile(r"&(?:#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6})|(lt|gt|amp|quot|apos));")
_PLAIN = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_BREAK = re.compile(r"\r\n|[\r\n\t]")


class Element:
    """One element; ``name`` and attributes without their prefixes."""

    __slots__ = ("attributes", "children", "end", "name", "parent", "pieces", "start")

    def __init__(self, name: str, attributes: dict[str, str], start: int, end: int) -> None:
        self.name = name
        self.attributes = attributes
        self.pieces: list[str] = []
        """What stands directly in it, as ``text``."""
        self.start = start
        self.end = end
        """Positions in the document's text; until an end tag is seen, of its start tag."""
        self.parent: Element | None = None
        self.children: list[Element] = []

    @property
    def text(self) -> str:
        """The characters directly in it, without white space around them."""
        return "".join(self.pieces).strip()

    def get(self, name: str) -> str:
        """Return an attribute, "" where there is none."""
        return self.attributes.get(name, "")

    def child(self, name: str) -> Element | None:
        """Return the first child of that name."""
        return next((c for c in self.children if c.name == name), None)

    def ancestors(self) -> Iterator[Element]:
        """Yield the elements around it, the nearest first."""
        above = self.parent
        while above is not None:
            yield above
            above = above.parent

    def walk(self) -> Iterator[Element]:
        """Yield it and all below it, in the order of the document."""
        stack = [self]
        while stack:
            element = stack.pop()
            yield element
            stack.extend(reversed(element.children))


class Markup:
    """A document: its outermost elements, and what could not be read of it."""

    def __init__(self, data: bytes, most: int = MOST_ELEMENTS) -> None:
        """Read the first ``most`` elements of ``data``; never raises."""
        self._most = most
        self.data = data
        self.source = EncodedText(data)
        self.tops: list[Element] = []
        self.lost: dict[str, int] = {}
        """Reason -> how often."""
        self._open: list[Element] = []
        self._over = 0
        self._count = 0
        if not self.source.is_known:
            self._lose(ENCODING)
        self._read(self.source.text)
        if self._open or self._over:
            self._lose(DAMAGED, len(self._open) + self._over)

    def walk(self) -> Iterator[Element]:
        """Yield all elements in the order of the document."""
        for top in self.tops:
            yield from top.walk()

    def origin(self, element: Element, artifact: str) -> Origin:
        """Return where an element begins."""
        return Origin(
            artifact=artifact,
            offset=self.source.offset(element.start),
            line=self.source.line(element.start),
        )

    def raw(self, element: Element, most: int) -> bytes:
        """Return an element's own bytes, the first of them."""
        begin = self.source.offset(element.start)
        end = self.source.offset(min(element.end, element.start + most))
        return self.data[begin : min(end, begin + most)]

    def skipped(self, artifact: str) -> Iterator[Skipped]:
        """Yield what could not be read, once for each time, at most a thousand times a reason."""
        for reason, count in sorted(self.lost.items()):
            for _ in range(min(count, 1_000)):
                yield Skipped(reason=reason, origin=Origin(artifact=artifact, offset=0, line=1))

    def _lose(self, reason: str, count: int = 1) -> None:
        self.lost[reason] = self.lost.get(reason, 0) + count

    def _read(self, text: str) -> None:
        position = 0
        # An element has two tags; what is only damage is not looked at for ever.
        for _ in range(4 * self._most):
            at = text.find("<", position)
            if at < 0:
                self._add_text(text, position, len(text))
                return
            self._add_text(text, position, at)
            if text.startswith("<!", at) or text.startswith("<?", at):
                position = self._pass_over(text, at)
            elif text.startswith("</", at):
                position = self._close(text, at)
            else:
                position = self._begin(text, at)
            if position < 0:
                return
        self._lose(TOO_MANY)

    def _pass_over(self, text: str, at: int) -> int:
        """Pass a comment, a character section, a document type or an instruction."""
        if text.startswith("<!--", at):
            end, length = text.find("-->", at + 4), 3
        elif text.startswith("<![CDATA[", at):
            end, length = text.find("]]>", at + 9), 3
            if end >= 0 and self._open and not self._over:
                self._open[-1].pieces.append(shown(text[at + 9 : end]))
        elif text.startswith("<?", at):
            end, length = text.find("?>", at + 2), 2
        else:
            self._lose(DOCTYPE)
            end, length = text.find(">", at), 1
            subset = text.find("[", at, end if end >= 0 else len(text))
            if subset >= 0:
                end = _subset_end(text, subset)
        if end < 0:
            # Nothing after it can be told from it.
            self._lose(DAMAGED)
            return -1
        return end + length

    def _begin(self, text: str, at: int) -> int:
        found = _START.match(text, at)
        is_broken = found is None
        if found is None:
            found = _BROKEN.match(text, at)
            self._lose(DAMAGED)
        if found is None:
            return at + 1
        is_empty = found[2].endswith("/") if is_broken else found[3] == "/"
        if self._over or len(self._open) >= MOST_DEPTH:
            self._lose(TOO_DEEP)
            self._over += not is_empty
            return found.end()
        self._count += 1
        if self._count > self._most:
            self._lose(TOO_MANY)
            return -1
        element = Element(_local(found[1]), _attributes(found[2]), at, found.end())
        if self._open:
            element.parent = self._open[-1]
            element.parent.children.append(element)
        else:
            self.tops.append(element)
        if not is_empty:
            self._open.append(element)
        return found.end()

    def _close(self, text: str, at: int) -> int:
        found = _END.match(text, at)
        if found is None:
            self._lose(DAMAGED)
            return at + 2
        if self._over:
            self._over -= 1
            return found.end()
        name = _local(found[1])
        depth = next(
            (i for i in range(len(self._open) - 1, -1, -1) if self._open[i].name == name), -1
        )
        if depth < 0:
            self._lose(DAMAGED)
            return found.end()
        if depth < len(self._open) - 1:
            self._lose(DAMAGED, len(self._open) - depth - 1)
        for element in self._open[depth:]:
            element.end = found.end()
        del self._open[depth:]
        return found.end()

    def _add_text(self, text: str, begin: int, end: int) -> None:
        if end > begin and self._open and not self._over:
            piece = text[begin:end]
            if not piece.isspace():
                self._open[-1].pieces.append(shown(_unescape(piece)))


def _subset_end(text: str, at: int) -> int:
    """Return where the ``>`` after a document type's subset stands, -1 where there is none.

    What is quoted or a comment does not end it; where that fits nothing, the first end does.
    """
    position = at + 1
    while found := _IN_SUBSET.search(text, position):
        if found[0] == "]":
            end = _SUBSET_END.match(text, found.start())
            if end is not None:
                return end.end() - 1
            position = found.end()
            continue
        closing = "-->" if found[0] == "<!--" else found[0]
        position = text.find(closing, found.end()) + len(closing)
        if position < len(closing):
            break
    first = _SUBSET_END.search(text, at)
    return -1 if first is None else first.end() - 1


def first_name(text: str) -> str:
    """Return the local name of the outermost element of a text's beginning, "" if there is none."""
    position = 0
    for _ in range(100):
        at = text.find("<", position)
        if at < 0 or not (
            text[position:at].strip("\ufeff\x00") == "" or text[position:at].isspace()
        ):
            return ""
        if text.startswith("<!--", at):
            end = text.find("-->", at)
        elif text.startswith(("<?", "<!"), at):
            end = text.find(">", at)
        else:
            found = _OUTERMOST.match(text, at)
            return "" if found is None else _local(found[1])
        if end < 0:
            return ""
        position = end + (3 if text.startswith("<!--", at) else 1)
    return ""


def _local(name: str) -> str:
    return shown(name.rpartition(":")[2] or name)


def _attributes(text: str) -> dict[str, str]:
    found = {}
    for match in _ATTRIBUTE.finditer(text):
        value = match[2] if match[2] is not None else match[3]
        found[_local(match[1])] = shown(_unescape(_BREAK.sub(" ", value)))
    return found


def _unescape(text: str) -> str:
    return _ENTITY.sub(_entity, text) if "&" in text else text


def _entity(match: re.Match[str]) -> str:
    if match[3]:
        return _PLAIN[match[3]]
    code = int(match[1]) if match[1] else int(match[2], 16)
    return chr(code) if code < 0x110000 and code else "\ufffd"
