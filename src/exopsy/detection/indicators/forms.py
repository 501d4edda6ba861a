"""An indicator's value -> the normal texts it is looked for as, and the run it is looked for by."""

from __future__ import annotations

import re
from collections.abc import Iterable

from exopsy.detection.indicators.readings import normal_text, undo_escapes
from exopsy.detection.indicators.runs import RUN, SHORTEST
from exopsy.schema.indicator import HASHES, Kind

_SCHEME = re.compile(rb"^[a-z][a-z0-9+.-]{1,20}:/+")
_DRIVELESS = re.compile(rb"^%[a-z0-9_()]+%(?=/)")
Span = tuple[int, int]


def forms_of(kind: Kind, value: str) -> list[bytes]:
    """Return the normal texts of a value: one, of a name that is not ASCII two.

    Of addresses that are no dotted quads, and of networks, there is none: they are compared as
    numbers.
    """
    if kind == "network" or (kind == "address" and ":" in value):
        return []
    if kind in ("address", "domain") or kind in HASHES:
        text = value.lower().encode()
        if value.isascii():
            return [text]
        return [text, *_punycode(value)]
    raw = value.encode("utf-8", "surrogatepass")
    if kind == "path":
        raw = _DRIVELESS.sub(b"", normal_text(raw))
    text = normal_text(undo_escapes(raw))
    if kind == "url":
        text = _SCHEME.sub(b"", text).partition(b"#")[0]
    if kind in ("url", "path"):
        text = text.rstrip(b"/")
    return [text] if text else []


def anchor_of(kind: Kind, form: bytes, everyday: frozenset[bytes]) -> Span | None:
    """Return the run of a form that it is looked for by; None if all are too short.

    The rarer the better, as every line that holds it is looked at: of a name with a host in it the
    longest dotted run, of an e-mail address the part before the at sign (the domain may be the
    server's own), of a path its last name, and no everyday word if there is another.
    """
    if kind in HASHES:
        return 0, len(form)
    spans = [m.span() for m in RUN.finditer(form) if m.end() - m.start() >= SHORTEST]
    if kind == "domain":
        spans = [s for s in spans if b"." in form[s[0] : s[1]]]
    elif kind == "email":
        at = form.rfind(b"@")
        spans = [s for s in spans if s[1] <= at] or spans
    elif kind in ("path", "account"):
        last = form.rfind(b"/")
        named = [s for s in spans if s[0] > last and form[s[0] : s[1]] not in everyday]
        spans = named or spans
    return min(spans, key=lambda s: _plainness(form[s[0] : s[1]], s, everyday), default=None)


def _plainness(run: bytes, span: Span, everyday: Iterable[bytes]) -> tuple[bool, int, Span]:
    return run in everyday, -len(run), span


def _punycode(value: str) -> list[bytes]:
    try:
        return [value.encode("idna").lower()]
    except UnicodeError:
        return []
