"""The bytes of a file of a web root, and its name -> what it weighs as a web shell, with reasons.

First looks are cheap: a file without a mark of server code, and no script that handles passwords, is
done after a few searches over its bytes. The rest is decoded, split, folded and walked, all within
bounds that count characters and tokens; what was left out is said in ``PageReport.cut``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath

from exopsy.detection.pages import assembly_names, client_script, constants, sinks, surface
from exopsy.detection.pages import sources as s
from exopsy.detection.pages.effects import Hit
from exopsy.detection.pages.encodings import Decoded, decode
from exopsy.detection.pages.flow import Flow
from exopsy.detection.pages.folding import Folder, plain_members
from exopsy.detection.pages.page_parts import CODES, Code, PageParts, split_page
from exopsy.detection.pages.page_report import PageReport, Reason
from exopsy.detection.pages.scoring import level_of, score_of
from exopsy.detection.pages.tokens import MARK, NAME, TEXT, Token, tokenize

Included = Callable[[str], bytes | None]
"""The path that a page includes, as it names it -> that file's bytes, or None."""

_CHECKED = {"write-any": 52, "write-in-site": 36, "write-named": 30, "write-in-folder": 14}
"""What writing weighs in a page that looks at the ends of names."""
_TOKENS = 120_000
_LAYERS = 12
_TRIED = 400
_LAYER_DEPTH = 3
_LAYER_EXCERPT = 400
_EXCERPT = 160
_REASONS = 40
_INCLUDES = 16
_INCLUDE_DEPTH = 4
_VB_WORDS = re.compile(
    r"\b(?:dim|end sub|end if|then|sub|set|elseif|end function|byval|nothing|createobject)\b",
    re.IGNORECASE,
)
_C_WORDS = re.compile(r"[;{}]|\b(?:var|null|void|string|new)\b")
_INTEREST = (
    "request", "context", "process", "shell", "eval", "execute", "assembly", "appdomain", "activator",
    "invoke", "compil", "codedom", "createobject", "getobject", "activexobject", "getmethod", "gettype",
    "deserializ", "formatter", "xsl", "socket", "tcpclient", "file", "streamwriter", "saveas", "dllimport",
    "declare", "registry", "webclient", "download", "management", "runspace", "frombase64", "chr",
    "fromcharcode", "\\u00", "\\x00", "reverse", "dynamic", "virtualpathprovider", "httplistener", "^",
    "xor", "webmethod", "operationcontract", "convert", "bytes",
)  # fmt: skip
_JOINED = re.compile(r"""\+\s{0,9}["']|this\s{0,9}\[|[\u00ad\u200b-\u200f\u2060-\u2064]""")
_LOOKS_LIKE_CODE = re.compile(
    r"request|eval\b|execute|process|assembly|wscript|<%|runat|createobject|system\.|activexobject",
    re.IGNORECASE,
)
_XOR = re.compile(r"\^|\bxor\b")
_MASKS = tuple(bytes(b ^ key for b in range(256)) for key in range(1, 256))
_SPLIT_NAME = re.compile(r"[\w.]/\*[^*]{0,80}\*/\s{0,40}[.\[(]|\b\w{2,40}/\*[^*]{0,80}\*/\w")
_OPAQUE = re.compile(r"[A-Za-z0-9+/=\s]{400,}\Z|[0-9A-Fa-f\s,x]{400,}\Z")


def weigh(data: bytes, path: str, *, most: int, included: Included | None = None) -> PageReport:
    """Weigh a file; never raises on what it holds.

    Args:
        data: of the file.
        path: only its suffix counts.
        most: bytes to look into; of a longer file, the stretches around server code.
        included: gives the files that the page includes, so that code spread over them is one page.
    """
    suffix = PurePosixPath(path.replace("\\", "/").lower()).suffix
    report = PageReport()
    if suffix in assembly_names.SUFFIXES or data[:2] == b"MZ":
        report.reasons = assembly_names.reasons_of(data[: max(most, 0)])
        return _finished(report)
    if not surface.may_hold_code(data, suffix):
        if suffix in surface.CLIENT_SUFFIXES:
            _client(decode(data[: max(most, 0)]), report)
        return _finished(report)
    data = _cut(data, most, report)
    page = decode(data)
    report.encoding = page.codec
    weighing = _Weighing(page, suffix, report)
    weighing.weigh(included)
    if not report.language or suffix in surface.CLIENT_SUFFIXES:
        _client(page, report)
    report.reasons += surface.reasons_of(data, page, weighing.parts, suffix, weighing.acts)
    return _finished(report)


def _finished(report: PageReport) -> PageReport:
    report.reasons.sort(key=lambda r: (-r.weight, r.offset, r.name))
    del report.reasons[_REASONS:]
    report.score = score_of(report.reasons)
    report.level = level_of(report.score)
    return report


def _cut(data: bytes, most: int, report: PageReport) -> bytes:
    if len(data) <= most:
        return data
    spans = surface.spans_of_code(data, most)
    kept = b"".join(data[a:b] for a, b in spans)
    report.cut = (
        f"Of {len(data)} bytes the {len(kept)} around server code were looked into (offsets are "
        "those in what was looked into)."
    )
    return kept


def _client(page: Decoded, report: PageReport) -> None:
    reasons = client_script.reasons_of(page)
    if reasons and not report.language:
        report.language = "client"
    report.reasons += reasons


class _Weighing:
    """One page on its way through the stages."""

    def __init__(self, page: Decoded, suffix: str, report: PageReport) -> None:
        self._page = page
        self._suffix = suffix
        self._report = report
        self.parts = split_page(page.text, suffix)
        self.acts = False
        """It does something that weighs."""
        self._plain = page.text.lower()
        self._lines = _Lines(page.text)

    def weigh(self, included: Included | None) -> None:
        """Fill the report."""
        report, parts = self._report, self.parts
        report.includes = [name[:260] for name, _ in parts.includes[:_INCLUDES]]
        codes = [(c, _language(c, parts)) for c in parts.codes]
        if included is not None:
            codes += _from_includes(report.includes, included, _INCLUDE_DEPTH, parts)
        if parts.more:
            self._too_long(f"More than {CODES} stretches of code", parts.codes[-1].start)
        if not codes:
            return
        report.language = max(
            {language for _, language in codes},
            key=lambda name: (sum(len(c.text) for c, named in codes if named == name), name),
        )
        for language in sorted({language for _, language in codes}):
            self._code([c for c, named in codes if named == language], language, 0)

    def _code(self, codes: list[Code], language: str, depth: int) -> None:
        parts = self.parts
        text = "\n".join(c.text for c in codes)
        if not _is_of_interest(text) and not parts.objects:
            return
        vb = language in ("vb", "vbscript")
        tokens: list[Token] = []
        for code in codes:
            tokens += tokenize(code.text, code.start, vb=vb, most=_TOKENS - len(tokens))
            tokens.append(Token(MARK, ";", code.start + len(code.text)))
        if len(tokens) >= _TOKENS:
            self._too_long(f"More than {_TOKENS} tokens of code", tokens[-1].at)
        folder = Folder()
        members: list[tuple[str, int]] = []
        folded = plain_members(folder.fold(tokens), lambda name, at: members.append((name, at)))
        flow = Flow(
            folded,
            language,
            controls=parts.controls,
            objects=_objects(parts),
            all_published="servicehost" in parts.kinds,
        )
        hits = flow.run()
        self._effects(hits, flow, folded, codes)
        self._tricks(text, tokens, folded, members, flow)
        if depth < _LAYER_DEPTH:
            self._layers(folded, folder, language, depth)

    def _too_long(self, what: str, at: int) -> None:
        """Say that not all code was followed: nobody writes that much, and it may hide what follows."""
        self._report.cut = f"{what}; what follows was not followed."
        self._add("padding", "It holds more code than can be followed", at, 36, "T1027.001")

    # -- what it does ------------------------------------------------------------------------

    def _effects(self, hits: list[Hit], flow: Flow, tokens: list[Token], codes: list[Code]) -> None:
        kinds = {hit.kind for hit in hits if hit.bits & s.FROM_OUTSIDE}
        for hit in hits:
            kind = sinks.KINDS.get(hit.kind)
            if kind is None:
                continue
            outside = bool(hit.bits & s.FROM_OUTSIDE)
            weight = _weight(hit, kind, outside=outside, flow=flow, codes=codes)
            if not weight:
                continue
            text = kind.text if (outside and kind.text) or not kind.plain_text else kind.plain_text
            self._add(hit.kind, text, hit.at, weight, kind.technique, hit.bits)
            self.acts = self.acts or weight >= 10
        for name, text, weight, technique in surface.together(kinds, {h.kind for h in hits}, flow):
            at = next((h.at for h in hits if h.bits & s.FROM_OUTSIDE), hits[0].at if hits else 0)
            self._add(name, text, at, weight, technique, 0)
            self.acts = True

    # -- how it hides ------------------------------------------------------------------------

    def _tricks(
        self,
        text: str,
        tokens: list[Token],
        folded: list[Token],
        members: list[tuple[str, int]],
        flow: Flow,
    ) -> None:
        reads = bool(flow.effects.words & {"request", "inputstream", "querystring"}) or any(
            token.kind == TEXT and token.value.lower() == "request" for token in folded
        )
        for token in tokens:
            if token.kind == NAME and token.trick:
                if token.trick == "escaped-name":
                    self._add(token.trick, "A name is written with escapes", token.at, 55, "T1027")
                else:
                    self._add(
                        token.trick, "A name holds invisible characters", token.at, 55, "T1027"
                    )
                break
        hidden = [t for t in folded if t.kind == TEXT and t.trick in ("joined", "made", "escapes")]
        for token in hidden:
            name = self._hidden(token)
            if name:
                weight = 62 if reads else 45
                self._add(
                    "hidden-name", "A name that matters is put together from pieces", token.at, weight,
                    "T1027", excerpt=f"{name}: {token.value[:_EXCERPT]}",
                )  # fmt: skip
                break
        for member, at in members:
            if member in sinks.HIDEABLE_WHOLE or member in sinks.HIDEABLE:
                self._add(
                    "hidden-name", "A method is called by a text", at, 50, "T1027", excerpt=member
                )
                break
        if found := _SPLIT_NAME.search(text):
            near = text[max(found.start() - 30, 0) : found.end() + 30].lower()
            if any(
                word in near
                for word in ("request", "eval", "process", "assembly", "convert", "exec", "system")
            ):
                self._add(
                    "split-name", "A name is split by comments", -1, 38, "T1027", excerpt=near
                )
        self._programs(folded, flow)

    def _hidden(self, token: Token) -> str:
        value = token.value.lower()
        if len(value) > 20_000:
            return ""
        if value in sinks.HIDEABLE_WHOLE:
            return (
                value
                if token.trick != "joined" or value in ("request", "invokemember", "assembly")
                else ""
            )
        for name in sinks.HIDEABLE:
            if name in value and name not in self._plain:
                return name
        return ""

    def _programs(self, folded: list[Token], flow: Flow) -> None:
        """Weigh programs and other opaque texts that stand in the page."""
        hits = {hit.kind for hit in flow.effects.hits()}
        runs = hits & {
            "assembly-load",
            "evaluate",
            "compile",
            "native-code",
            "reflect",
            "session-assembly",
        }
        for token in folded:
            if token.kind != TEXT or len(token.value) < 200:
                continue
            head = token.value[:64]
            bytes_ = (
                head if token.trick == "made" else (constants.from_base64(_whole(head)) or head)
            )
            if head.startswith("MZ") or bytes_.startswith("MZ") or head[:4].upper() == "4D5A":
                weight = 88 if runs else 52
                self._add(
                    "embedded-program",
                    "A program stands in the page as text",
                    token.at,
                    weight,
                    "T1027.009",
                )
                return
            is_opaque = len(token.value) > 400 and (
                token.trick == "made" or _OPAQUE.match(token.value[:4096]) is not None
            )
            if is_opaque and runs & {"assembly-load", "evaluate", "compile"}:
                self._add(
                    "hidden-code", "What is loaded and run stands encoded in the page", token.at, 66,
                    "T1027",
                )  # fmt: skip
                return

    def _layers(self, folded: list[Token], folder: Folder, language: str, depth: int) -> None:
        """Weigh texts that were decoded, as the code they are."""
        seen = tried = 0
        for token in folded:
            if token.kind != TEXT or len(token.value) < 12 or seen >= _LAYERS or tried >= _TRIED:
                continue
            is_made = token.trick in ("made", "escapes", "joined")
            if not is_made and depth == 0 and not _evaluated(token):
                continue
            tried += 1
            value = constants.utf8_or_latin(token.value)
            if not _LOOKS_LIKE_CODE.search(value[:20_000]):
                value = self._unmasked(value, folder)
            if not value:
                continue
            seen += 1
            if is_made:
                self._report.layers.append(value[:_LAYER_EXCERPT])
            inner = split_page(value, self._suffix)
            codes = inner.codes or [Code(value, 0, "")]
            at = token.at
            moved = [Code(c.text, at, c.language, c.expression, c.handler) for c in codes]
            chosen = language if not inner.codes else (inner.language or _guess(value))
            before = len(self._report.reasons)
            self._code(moved, chosen, depth + 1)
            if is_made and len(self._report.reasons) > before:
                self._add("hidden-code", "Code is decoded before it is run", at, 48, "T1027")

    def _unmasked(self, value: str, folder: Folder) -> str:
        """Return a text that was XORed with one byte, where the page has an XOR."""
        if not 12 <= len(value) <= 65_536 or not _XOR.search(self._plain):
            return ""
        try:
            raw = value.encode("latin-1")
        except UnicodeEncodeError:
            return ""
        for table in _MASKS:
            made = raw.translate(table)
            lowered = made.lower()
            if (
                b"request" in lowered
                or b"system." in lowered
                or b"eval(" in lowered
                or made[:2] == b"MZ"
            ):
                return made.decode("latin-1")
        return ""

    def _add(
        self,
        name: str,
        text: str,
        at: int,
        weight: int,
        technique: str,
        bits: int = 0,
        *,
        excerpt: str = "",
    ) -> None:
        page = self._page
        place = max(at, 0)
        self._report.reasons.append(
            Reason(
                name=name,
                text=text,
                line=self._lines.line(place),
                offset=page.offset_of(min(place, len(page.text))),
                weight=weight,
                technique=technique,
                excerpt=(excerpt or " ".join(page.text[place : place + _EXCERPT].split()))[
                    :_EXCERPT
                ],
                sources=tuple(word for bit, word in s.NAMES.items() if bits & bit),
            )
        )


def _is_of_interest(code: str) -> bool:
    """Say whether code holds any word without which nothing that weighs can be done or hidden."""
    lowered = code.lower()
    return any(word in lowered for word in _INTEREST) or _JOINED.search(lowered) is not None


class _Lines:
    """Character -> line."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._known = (0, 1)

    def line(self, at: int) -> int:
        """Return the line, from 1."""
        place, number = self._known
        if at < place:
            place, number = 0, 1
        number += self._text.count("\n", place, at)
        self._known = (at, number)
        return number


def _weight(hit: Hit, kind: sinks.Kind, *, outside: bool, flow: Flow, codes: list[Code]) -> int:
    bits = hit.bits
    if not outside:
        if hit.kind == "assembly-load" and bits & s.STORED:
            return 40
        if hit.kind in ("process", "process-by-com", "evaluate") and bits & s.STORED:
            return 45
        if hit.kind in ("process", "process-by-com") and any(c.xslt for c in codes):
            return 70
        return kind.plain
    weight = kind.tainted
    if not bits & s.TAINT:
        weight -= 8  # from elsewhere, not from the client
    if flow.effects.checks_names and hit.kind in _CHECKED:
        weight = _CHECKED[hit.kind]
    if hit.kind == "sql-connection" and not bits & s.VALUE:
        weight = 26  # a form of a set-up page
    return weight


def _whole(head: str) -> str:
    clean = "".join(head.split())
    return clean[: len(clean) // 4 * 4]


def _evaluated(token: Token) -> bool:
    return "request" in token.value.lower() and len(token.value) < 4_096


def _objects(parts: PageParts) -> dict[str, int]:
    found = {}
    for name, progid in parts.objects.items():
        progid = progid.removeprefix("clsid:")
        if any(progid.strip("{}") in o or o.startswith(progid) for o in s.SHELL_OBJECTS):
            found[name] = s.SHELL
        elif any(progid.strip("{}") in o for o in s.FILE_OBJECTS):
            found[name] = s.FILE_OBJECT
    return found


def _language(code: Code, parts: PageParts) -> str:
    named = code.language or parts.language
    if not named:
        return _guess(code.text)
    if named == "jscript" and not parts.kinds and not code.language:
        return _guess(code.text)
    return named


def _guess(text: str) -> str:
    sample = text[:20_000]
    vb = len(_VB_WORDS.findall(sample))
    c = len(_C_WORDS.findall(sample))
    if vb > c:
        return "vbscript"
    return "jscript" if c or "eval" in sample.lower() else "vbscript"


def _from_includes(
    names: list[str], included: Included, depth: int, parts: PageParts
) -> list[tuple[Code, str]]:
    """Return the code of files that a page includes, and of files that these include."""
    found: list[tuple[Code, str]] = []
    seen: set[str] = set()
    wanted = list(names)
    for _ in range(depth):
        following: list[str] = []
        for name in wanted:
            if name in seen or len(seen) >= _INCLUDES:
                continue
            seen.add(name)
            data = included(name)
            if not data:
                continue
            inner = split_page(decode(data).text, PurePosixPath(name.lower()).suffix)
            found += [
                (Code(c.text, 0, c.language), _language(c, parts if parts.language else inner))
                for c in inner.codes
            ]
            following += [n for n, _ in inner.includes]
        wanted = following
    return found
