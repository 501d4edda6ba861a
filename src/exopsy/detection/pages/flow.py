"""What of a request reaches what a page does: a tolerant walk over folded tokens.

No compiler: every name holds the union of what was ever put into it (per procedure for what it
declares, otherwise for the whole page), calls hand arguments to the page's own procedures, other calls
hand on what goes in unless they are known to make numbers or truth of it. The walk is repeated until
nothing changes, a few times at most; each walk looks at every token once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from exopsy.detection.pages import sources as s
from exopsy.detection.pages.effects import Effects, Hit
from exopsy.detection.pages.procedures import Procedure, delegates, matching, procedures
from exopsy.detection.pages.tokens import MARK, NAME, NUMBER, TEXT, Token

_ROUNDS = 5
_DEPTH = 90
_SELVES = frozenset("this me my mybase base self global window httpcontext_ ".split())
_COMPARE = frozenset(("==", "!=", "<=", ">=", "&&", "!=="))
_COMPARE_WORDS = frozenset(("and", "or", "andalso", "orelse", "is", "like", "isnot"))
_CONDITIONS = frozenset(("if", "elseif", "while", "until", "select", "case"))
_PASSED = frozenset(
    "set dim let call public private protected static const readonly virtual override void var byval byref "
    "ref out await throw else do loop end then shared friend overridable optional partial class "
    "on error resume next goto exit type namespace using_ imports step wend".split()
)
_BLANK_ARGUMENT = frozenset((")", "]", "}", ",", ";"))


class Piece(NamedTuple):
    """One argument: where it stands, and what reaches it."""

    start: int
    end: int
    bits: int


class Target(NamedTuple):
    """What a value is put into: ``a.b.c = ``."""

    key: str
    names: tuple[str, ...]
    bits: int
    at: int


class Flow:
    """The walk over one page's code in one language."""

    def __init__(
        self,
        tokens: Sequence[Token],
        language: str,
        *,
        controls: dict[str, str],
        objects: dict[str, int],
        all_published: bool,
    ) -> None:
        self.tokens = tokens
        self.match = matching(tokens)
        self.vb = language in ("vb", "vbscript")
        self.language = language
        self._controls = controls
        self._procedures = procedures(tokens, self.match, all_published=all_published)
        self._by_name: dict[str, list[Procedure]] = {}
        for procedure in self._procedures:
            self._by_name.setdefault(procedure.name, []).append(procedure)
        groups, self._lambdas = delegates(tokens, self.match, self._by_name)
        for variable, name in groups.items():
            self._by_name.setdefault(variable, []).extend(self._by_name[name][:4])
        self._by_body = {p.body: p for p in self._procedures}
        self._scope: Procedure | None = None
        self._held: dict[tuple[int, str], int] = {(0, name): bits for name, bits in objects.items()}
        self._changed = False
        self._last: tuple[tuple[str, ...], int, int] = ((), 0, 0)
        self._made_end = -1
        """Where the last ``new X(...)`` ended: a brace there fills it, and is no block."""
        self._aliases = _aliases(tokens)
        self.effects = Effects(self)
        for procedure in self._procedures:
            if procedure.published:
                for name in procedure.parameters:
                    self._held[procedure.number, name] = s.CALLER

    def run(self) -> list[Hit]:
        """Walk; return what the page does."""
        for _ in range(_ROUNDS):
            self._changed = False
            self._scope = None
            self._level(0, len(self.tokens), 0)
            if not self._changed:
                break
        return self.effects.hits()

    # -- levels and statements ---------------------------------------------------------------

    def _level(self, start: int, end: int, depth: int) -> list[Piece]:
        """Walk one level of brackets; return its pieces between commas and semicolons."""
        tokens = self.tokens
        pieces: list[Piece] = []
        begin = start
        bits = 0
        targets: list[Target] = []
        key = ""
        compare = condition = returned = False
        at = start
        while at < end:
            token = tokens[at]
            kind, value = token.kind, token.value
            if kind == NAME:
                if value in _PASSED:
                    if value == "then":
                        bits, targets, compare, condition = 0, [], False, False
                        begin = at + 1
                    at += 1
                    continue
                if value == "return":
                    returned = True
                    bits = 0
                    at += 1
                    continue
                if value == "in" and key:
                    targets.append(Target(key, (), 0, at))
                    bits, key = 0, ""
                    at += 1
                    continue
                if value == "as" and key:
                    at = self._declared(at + 1, end, key, depth)
                    continue
                if value in _COMPARE_WORDS:
                    compare = True
                    at += 1
                    continue
                if value in _CONDITIONS and self.vb:
                    condition = True
                    at += 1
                    continue
                is_first = at == begin
                found, at, key = self._chain(at, end, depth)
                if is_first and self.vb and at < end and _begins_value(tokens[at]):
                    at, found = self._bare_call(begin, at, end, depth)
                bits |= found
                continue
            if kind != MARK:
                at += 1
                continue
            if value in ("=", "+=", "^=") and not condition:
                targets.append(Target(key, *self._last))
                if value == "=":
                    bits = 0
                elif value == "^=":
                    bits |= s.DECODED  # kept only where there is something
                compare = False
                key = ""
            elif (
                value in _COMPARE
                or (value == "=" and condition)
                or (value == "||" and self.language not in ("jscript", "client"))
            ):
                compare = True
            elif value in ("^", "^=") and bits & s.FROM_OUTSIDE:
                bits |= s.DECODED
            elif value == "?":
                bits, compare = 0, False
            elif value in (";", ","):
                self._put(targets, bits, compare, returned)
                pieces.append(Piece(begin, at, 0 if compare else bits))
                bits, targets, key, compare = 0, [], "", False
                begin = at + 1
                if value == ";":
                    condition = returned = False
            elif value in ("(", "[", "{"):
                if depth >= _DEPTH:
                    at += 1
                    continue
                close = min(self.match[at], end)
                if value == "{":
                    fills = at == self._made_end or (
                        at > start and tokens[at - 1].value in ("=", "]", "(", ",", "[")
                    )
                    inner = self._braces(at, close, depth)
                    if fills:
                        bits |= inner  # new object[] { a, b }
                    elif not targets and not returned:
                        bits, key, compare = 0, "", False
                        begin = close + 1
                else:
                    for piece in self._level(at + 1, close, depth + 1):
                        bits |= piece.bits
                at = close + 1
                if value != "{" and at < end and tokens[at].value in (".", "?."):
                    found, at, key = self._chain(at, end, depth, bits)
                    bits |= found
                continue
            elif value == "}":
                begin = at + 1
            at += 1
        self._put(targets, bits, compare, returned)
        if begin < end or not pieces:
            pieces.append(Piece(begin, end, 0 if compare else bits))
        return pieces

    def _braces(self, at: int, close: int, depth: int) -> int:
        procedure = self._by_body.get(at)
        outer = self._scope
        if procedure is not None:
            self._scope = procedure
        bits = 0
        for piece in self._level(at + 1, close, depth + 1):
            bits |= piece.bits
        self._scope = outer
        return bits & s.VALUE_BITS

    def _bare_call(self, begin: int, at: int, end: int, depth: int) -> tuple[int, int]:
        """Take VB's call without brackets: ``shell.run x, 0``, ``execute x``."""
        stop = at
        while stop < end and not (
            self.tokens[stop].kind == MARK and self.tokens[stop].value in (";", "}")
        ):
            stop = max(self.match[stop], stop) + 1
        stop = min(stop, end)
        names = [t.value for t in self.tokens[begin:at] if t.kind == NAME]
        arguments = self._level(at, stop, depth + 1) if depth < _DEPTH else []
        receiver = self._value(names[0]) if names else 0
        found = self._called(tuple(names), receiver, arguments, begin, names[0] if names else "")
        return stop, found

    def _declared(self, at: int, end: int, key: str, depth: int) -> int:
        """Take ``As New Process(...)``, ``As String``."""
        tokens = self.tokens
        if at < end and tokens[at].kind == NAME and tokens[at].value == "new":
            bits, at, _ = self._chain(at, end, depth)
            self._hold(key, bits)
            return at
        name = ""
        while at < end and tokens[at].kind == NAME:
            name = tokens[at].value
            at += 1
            if at < end and tokens[at].value == "." and tokens[at].kind == MARK:
                at += 1
            else:
                break
        if name in s.MADE:
            self._hold(key, s.MADE[name])
        return at

    def _put(self, targets: Sequence[Target], bits: int, compare: bool, returned: bool) -> None:
        if compare:
            bits = 0
        if returned and self._scope is not None and bits & ~self._scope.returns:
            self._scope.returns |= bits
            self._changed = True
        for target in targets:
            if target.key:
                self._hold(target.key, bits)
            if len(target.names) > 1:
                self.effects.assigned(target.names, target.bits, bits, target.at)

    def _hold(self, key: str, bits: int) -> None:
        if not bits:
            return
        scope = self._scope
        if scope is not None and key == scope.name and bits & ~scope.returns:
            scope.returns |= bits  # VB: the function's own name is its result
            self._changed = True
        place = (scope.number if scope is not None and key in scope.locals else 0, key)
        before = self._held.get(place, 0)
        if bits & ~before:
            self._held[place] = before | bits
            self._changed = True

    def _value(self, name: str) -> int:
        scope = self._scope
        if scope is not None and name in scope.locals:
            return self._held.get((scope.number, name), 0)
        return self._held.get((0, name), 0)

    # -- chains of names, calls and indexes --------------------------------------------------

    def _chain(self, at: int, end: int, depth: int, receiver: int = -1) -> tuple[int, int, str]:
        """Walk ``a.b(c)[d].e``; return what it holds, where it ends, and the name to assign to."""
        tokens = self.tokens
        names: list[str] = []
        current = max(receiver, 0)
        first = receiver < 0
        key = ""
        start = at
        made = begins_new = False
        if not first:
            at += 1  # the dot
        elif tokens[at].value == "new":
            made = begins_new = True
            at += 1
        size = end
        while at < size and tokens[at].kind == NAME:
            name = tokens[at].value
            at += 1
            if first and name in _SELVES and at < size and tokens[at].value in (".", "?."):
                at += 1
                current |= s.SELF
                continue
            names.append(name)
            if first:
                alias = self._aliases.get(name)
                if alias:
                    names[-1:] = alias
                    name = alias[-1]
                current = self._first(name, tokens, at, size) | (current & s.SELF)
                key = name
                first = False
            else:
                current = self._member(names, current, key)
            at = self._past_generics(at, size)
            if at < size and tokens[at].value == "!" and self.vb and at + 1 < size:
                current = self._indexed(names, current, [], tokens[at + 1].value)
                at += 2
            called = False
            while (
                at < size
                and depth < _DEPTH
                and tokens[at].kind == MARK
                and tokens[at].value in "(["
            ):
                close = min(self.match[at], size)
                is_call = tokens[at].value == "("
                pieces = self._level(at + 1, close, depth + 1) if close > at + 1 else []
                constant = self._constant(pieces)
                if names[-1] in s.STORES and pieces:
                    key = f"{names[-1]}[{constant}]"
                    current = self._held.get((0, key), 0)
                    if constant == "":
                        current |= self._held.get((0, f"{names[-1]}[*]"), 0)
                elif is_call and not called:
                    current = self._called(
                        tuple(names), current, pieces, start, key, made=made, constant=constant
                    )
                    made = False
                elif is_call:
                    current |= self._or(pieces) & s.VALUE_BITS
                else:
                    current = self._indexed(names, current, pieces, constant)
                called = called or is_call
                at = close + 1
            if (
                at + 1 < size
                and tokens[at].kind == MARK
                and tokens[at].value in (".", "?.", "::")
                and tokens[at + 1].kind == NAME
            ):
                at += 1
                continue
            if not called and made:
                current |= s.MADE.get(names[-1], 0)
            if not called:
                current |= self._method_group(names)
            break
        if at == start:
            at += 1
        self._last = (tuple(names), current, start)
        if begins_new:
            self._made_end = at
        return current, at, key

    def _past_generics(self, at: int, size: int) -> int:
        """Skip ``<byte[]>`` before a bracket."""
        tokens = self.tokens
        if at >= size or tokens[at].value != "<" or tokens[at].kind != MARK:
            return at
        place = at + 1
        while place < min(at + 12, size):
            token = tokens[place]
            if token.kind == MARK and token.value == ">":
                after = tokens[place + 1].value if place + 1 < size else ""
                return place + 1 if after in ("(", ">") else at
            if token.kind not in (NAME,) and token.value not in (",", ".", "[", "]", "<", "?"):
                return at
            place += 1
        return at

    def _first(self, name: str, tokens: Sequence[Token], at: int, size: int) -> int:
        if name == "request" and not self._is_other_request():
            return s.REQUEST
        if (
            name in ("form", "querystring")
            and at >= 2
            and tokens[at - 2].value == "."
            and at < size
            and tokens[at].value == "("
        ):
            return s.REQUEST_MEMBERS[name]  # With Request: .Form("x")
        found = self._value(name)
        own = self._by_name.get(name)
        if own and not (at < size and tokens[at].value == "("):
            for procedure in own:
                if not procedure.parameters:
                    found |= procedure.returns  # a property
        if (
            name in self._controls
            and at + 1 < size
            and tokens[at].value in (".", "?.")
            and tokens[at + 1].value in s.CONTROL_MEMBERS
        ):
            bits = s.CONTROL_MEMBERS[tokens[at + 1].value]
            kind = self._controls[name]
            if kind in s.INPUT_CONTROLS and kind not in s.CHOICES:
                found |= bits
                if any(word in name for word in s.SECRET_FIELDS):
                    found |= s.SECRET
        return found

    def _is_other_request(self) -> bool:
        """Say whether a procedure has a variable of that name that holds something else."""
        scope = self._scope
        return (
            scope is not None
            and "request" in scope.locals
            and "request" not in scope.parameters
            and not self._held.get((scope.number, "request"), 0) & s.REQUEST
        )

    def _member(self, names: Sequence[str], current: int, key: str) -> int:
        name = names[-1]
        if name == "request":
            return s.REQUEST
        if current & s.REQUEST:
            if current & s.REFLECTED:
                return s.REQUEST | s.REFLECTED  # .GetProperty("Request").GetValue(...)
            return s.REQUEST_MEMBERS.get(name, 0)
        if name == "filename" and current & s.BODY:
            return s.FILE_NAME
        if name in ("length", "count", "contentlength", "hasfile", "hasfiles"):
            return 0
        if name in ("user", "identity", "server", "response", "physicalpath", "applicationpath"):
            return 0
        return current

    def _method_group(self, names: Sequence[str]) -> int:
        """Return what a method is that is named without being called."""
        if len(names) > 1 and names[-2] == "assembly" and names[-1] == "load":
            return s.ASSEMBLY | s.REFLECTED
        if len(names) > 1 and names[-2] == "process" and names[-1] == "start":
            return s.PROCESS | s.REFLECTED
        if names == ["eval"] and self.language in ("jscript", "client", "vbscript", ""):
            return s.EVALUATOR
        return 0

    def _indexed(
        self, names: Sequence[str], current: int, pieces: Sequence[Piece], constant: str
    ) -> int:
        if current & s.REQUEST:
            current = s.VALUE
        word = constant.lower()
        if word in s.NOT_CHOSEN:
            return 0
        if current & s.VALUE and any(secret in word for secret in s.SECRET_FIELDS):
            return current | s.SECRET
        return current

    def _called(
        self,
        names: tuple[str, ...],
        current: int,
        pieces: Sequence[Piece],
        at: int,
        key: str,
        *,
        made: bool = False,
        constant: str = "",
    ) -> int:
        """Take a call; return what its result holds."""
        name = names[-1]
        given = self._or(pieces)
        if name in ("getproperty", "getfield", "get_request") and constant.lower() == "request":
            return s.REQUEST | s.REFLECTED
        if current & s.REQUEST and current & s.REFLECTED:
            return s.REQUEST
        if current & s.REQUEST and (name == "request" or name in ("item", "get_item")):
            return self._indexed(names, current, pieces, constant)
        if name in (
            "form",
            "querystring",
            "headers",
            "cookies",
            "params",
            "servervariables",
            "get",
            "item",
            "unvalidated",
        ):
            return self._indexed(names, current, pieces, constant)
        if not made and len(names) < 3 and (names[0] in self._lambdas or names[0] in self._by_name):
            if len(names) == 2 and name in ("invoke", "begininvoke", "call"):
                names, name = names[:1], names[0]
            for parameter, piece in zip(self._lambdas.get(name, ()), pieces, strict=False):
                self._hold(parameter, piece.bits & s.VALUE_BITS)
        own = self._by_name.get(name) if not made else None
        if own:
            returned = self._own(own, pieces)
            if len(names) <= 2 or current & s.SELF:
                return returned
            current |= returned
        result = self.effects.called(names, current, pieces, at, made=made)
        if result >= 0:
            self._fill(name, current, given, pieces, key)
            return result
        owner = names[-2] if len(names) > 1 else ""
        if name in s.CLEANING or (owner in s.CLEANING_OWNERS and name == "parse"):
            # Convert.ToInt32(pair, 16) is how bytes are read out of a text.
            of_bytes = len(pieces) > 1 and name in ("parse", "toint32", "toint16")
            return (given & s.VALUE_BITS) | s.DECODED if of_bytes and given & s.FROM_OUTSIDE else 0
        self._fill(name, current, given, pieces, key)
        value = (current | given) & s.VALUE_BITS
        if name in s.DECODING and value & s.FROM_OUTSIDE | value & s.STORED:
            value |= s.DECODED
        if made:
            return value | s.MADE.get(name, 0)
        return value | (current & ~s.VALUE_BITS & ~s.REQUEST)

    def _own(self, own: Sequence[Procedure], pieces: Sequence[Piece]) -> int:
        bits = 0
        for procedure in own:
            for number, piece in enumerate(pieces):
                if number < len(procedure.parameters) and piece.bits:
                    place = (procedure.number, procedure.parameters[number])
                    before = self._held.get(place, 0)
                    if piece.bits & ~before:
                        self._held[place] = before | piece.bits
                        self._changed = True
            bits |= procedure.returns
        return bits

    def _fill(self, name: str, current: int, given: int, pieces: Sequence[Piece], key: str) -> None:
        if name in s.MUTATORS and given & s.VALUE_BITS and key:
            self._hold(key, given & s.VALUE_BITS)
        if name in s.FILLERS:
            bits = (current | given) & s.VALUE_BITS
            if current & s.REQUEST:
                bits |= s.BODY
            for piece in pieces:
                token = self.tokens[piece.start] if piece.start < len(self.tokens) else None
                if (
                    bits
                    and token is not None
                    and token.kind == NAME
                    and piece.end - piece.start == 1
                ):
                    self._hold(token.value, bits)

    @staticmethod
    def _or(pieces: Sequence[Piece]) -> int:
        bits = 0
        for piece in pieces:
            bits |= piece.bits
        return bits

    def _constant(self, pieces: Sequence[Piece]) -> str:
        """Return the first argument's text where it is one."""
        if not pieces or pieces[0].end - pieces[0].start != 1:
            return ""
        token = self.tokens[pieces[0].start]
        return token.value if token.kind in (TEXT, NUMBER) else ""

    # -- asked by ``Effects`` ------------------------------------------------------------------

    def text_of(self, piece: Piece) -> str:
        """Return the text of an argument that is one constant, lower case."""
        return self._constant([piece]).lower()

    def starts_fixed(self, piece: Piece) -> bool:
        """Say whether an argument begins with what the page chose: a folder, or a name of its own."""
        if piece.start >= piece.end:
            return False
        token = self.tokens[piece.start]
        if token.kind == TEXT:
            return len(token.value.strip("~/\\. ")) > 1
        if token.kind != NAME or token.value in ("request", "new"):
            return False
        held = self._value(token.value)
        if held & s.ROOTED:
            return True
        at = piece.start + 1
        while at < piece.end and (self.tokens[at].kind == NAME or self.tokens[at].value == "."):
            at += 1
        # folder + name, Settings.Folder + name
        return not held & s.FROM_OUTSIDE and at < piece.end and self.tokens[at].value == "+"

    def last_name(self, piece: Piece) -> str:
        """Return the last name in an argument: ``assembly`` of ``typeof(System.Reflection.Assembly)``."""
        for index in range(piece.end - 1, piece.start - 1, -1):
            if self.tokens[index].kind == NAME:
                return self.tokens[index].value
        return ""


def _begins_value(token: Token) -> bool:
    if token.kind == NAME:
        return token.value not in _COMPARE_WORDS and token.value not in (
            "as",
            "in",
            "then",
            "to",
            "step",
            "handles",
            "else",
            "is",
        )
    return token.kind in (TEXT, NUMBER)


def _aliases(tokens: Sequence[Token]) -> dict[str, list[str]]:
    """Return ``using P = System.Diagnostics.Process`` as ``p -> [system, diagnostics, process]``."""
    found: dict[str, list[str]] = {}
    for index in range(len(tokens) - 3):
        if (
            tokens[index].kind == NAME
            and tokens[index].value in ("using", "imports")
            and tokens[index + 2].value == "="
            and tokens[index + 1].kind == NAME
        ):
            names = []
            at = index + 3
            while at < min(index + 20, len(tokens)) and tokens[at].kind == NAME:
                names.append(tokens[at].value)
                if at + 1 < len(tokens) and tokens[at + 1].value == ".":
                    at += 2
                else:
                    break
            if names:
                found[tokens[index + 1].value] = names
    return found
